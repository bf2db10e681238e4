//! Oracles of `certdb`: what must hold for any bytes.

use super::Oracle;

/// Corpus name and oracle of every fuzz target of `certdb`.
pub const ORACLES: &[Oracle] = &[];
