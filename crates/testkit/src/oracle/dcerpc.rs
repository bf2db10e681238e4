//! Oracles of `dcerpc`: what must hold for any bytes.

use super::Oracle;

/// Corpus name and oracle of every fuzz target of `dcerpc`.
pub const ORACLES: &[Oracle] = &[];
