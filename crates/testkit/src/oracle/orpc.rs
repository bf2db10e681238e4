//! Oracles of `orpc`: what must hold for any bytes.

/// Corpus name and oracle of every fuzz target of `orpc`.
pub const ORACLES: &[(&str, fn(&[u8]))] = &[];
