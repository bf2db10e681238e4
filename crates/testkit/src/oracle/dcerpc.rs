//! Oracles of `dcerpc`: what must hold for any bytes.

/// Corpus name and oracle of every fuzz target of `dcerpc`.
pub const ORACLES: &[(&str, fn(&[u8]))] = &[];
