//! Oracles of `csra`: what must hold for any bytes.

use super::Oracle;

/// Corpus name and oracle of every fuzz target of `csra`.
pub const ORACLES: &[Oracle] = &[];
