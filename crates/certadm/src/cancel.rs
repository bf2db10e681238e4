//! Stopping from outside.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Asks everything that was given a clone of it to stop soon. Waiting for the network ends within a fraction of a
/// second.
#[derive(Clone, Debug, Default)]
pub struct Cancel {
    flag: Arc<AtomicBool>,
}

impl Cancel {
    /// A token that nobody has used yet.
    #[must_use]
    pub fn new() -> Self {
        Cancel::default()
    }

    /// A token that follows a flag which somebody else sets, a signal handler for example.
    #[must_use]
    pub fn from_flag(flag: Arc<AtomicBool>) -> Self {
        Cancel { flag }
    }

    /// Asks to stop. There is no way back.
    pub fn cancel(&self) {
        self.flag.store(true, Ordering::Relaxed);
    }

    /// Whether somebody asked.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.flag.load(Ordering::Relaxed)
    }
}
