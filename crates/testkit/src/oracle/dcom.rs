//! Oracles of `dcom`: what must hold for any bytes.

use super::Oracle;

/// Corpus name and oracle of every fuzz target of `dcom`.
pub const ORACLES: &[Oracle] = &[];
