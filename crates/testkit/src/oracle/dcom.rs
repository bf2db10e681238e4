//! Oracles of `dcom`: what must hold for any bytes.

/// Corpus name and oracle of every fuzz target of `dcom`.
pub const ORACLES: &[(&str, fn(&[u8]))] = &[];
