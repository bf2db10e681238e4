//! Oracles of `orpc`: what must hold for any bytes.

use super::Oracle;

/// Corpus name and oracle of every fuzz target of `orpc`.
pub const ORACLES: &[Oracle] = &[];
