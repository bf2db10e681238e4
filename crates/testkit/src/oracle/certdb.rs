//! Oracles of `certdb`: what must hold for any bytes.

/// Corpus name and oracle of every fuzz target of `certdb`.
pub const ORACLES: &[(&str, fn(&[u8]))] = &[];
