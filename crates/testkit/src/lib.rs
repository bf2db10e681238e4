//! What the tests of several crates share.
//!
//! - [`oracle`]: what must hold for any bytes; run by the fuzz targets and by the corpus test.

pub mod oracle;
