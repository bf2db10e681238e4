//! The shared library: `libcertadm.so` on Linux, `certadm.dll` on Windows. Everything is in `certadm-ffi`; this crate gives
//! the file its name, and exports the 18 functions.

pub use certadm_ffi::export::*;
