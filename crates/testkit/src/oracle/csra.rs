//! Oracles of `csra`: what must hold for any bytes.

/// Corpus name and oracle of every fuzz target of `csra`.
pub const ORACLES: &[(&str, fn(&[u8]))] = &[];
