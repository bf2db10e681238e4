//! What the tests of several crates share.
//!
//! - [`oracle`]: what must hold for any bytes; run by the fuzz targets and by the corpus test.
//! - [`crash`]: storage that journals, forgets unsynced writes, tears them, and fails on demand.
//! - [`ese`]: databases, logs and backup sets in the format of Windows, composed from nothing.
//! - [`ca`]: a certification authority of the real program; [`population`]: one inside the process, with requests of every kind.
//! - [`process`]: programs under test, stopped by their own handle.
//! - [`workload`]: a certificate database at work.
//! - [`temp`]: temporary directories; [`random`]: random numbers that a seed repeats.

pub mod ca;
pub mod crash;
pub mod ese;
pub mod oracle;
pub mod population;
pub mod process;
pub mod random;
pub mod temp;
pub mod workload;
