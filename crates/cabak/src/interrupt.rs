//! Ctrl-C and SIGTERM: the first one asks the work to stop, the second one ends the process.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use certadm::Cancel;

use crate::exit::Exit;
use crate::platform::STOP_SIGNALS;

/// Installs the handlers; the returned token turns true with the first signal.
///
/// # Errors
/// The operating system refuses a handler.
pub fn install() -> std::io::Result<Cancel> {
    let flag = Arc::new(AtomicBool::new(false));
    for signal in STOP_SIGNALS {
        // The order matters: the flag is still false when the first signal passes the conditional exit.
        signal_hook::flag::register_conditional_shutdown(signal, i32::from(Exit::Interrupted.code()), flag.clone())?;
        signal_hook::flag::register(signal, flag.clone())?;
    }
    Ok(Cancel::from_flag(flag))
}

/// Whether a flag is set, for code that has no server to talk to.
#[must_use]
pub fn is_set(flag: &AtomicBool) -> bool {
    flag.load(Ordering::Relaxed)
}
