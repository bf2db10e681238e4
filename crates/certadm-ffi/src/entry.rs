//! What every exported function begins and ends with.

use std::any::Any;
use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};

use certadm::Hresult;

use crate::abi::HRESULT;
use crate::diagnostics;
use crate::failure::Failure;

/// Runs the body of a function: its result becomes a code, and a panic does not reach the caller, whose stack it would tear
/// down.
///
/// State that a panic left half changed is never seen again: the lock of its session is poisoned, which ends it
/// ([`crate::handle`]).
pub(crate) fn enter(function: &'static str, body: impl FnOnce() -> Result<(), Failure>) -> HRESULT {
    let result = catch_unwind(AssertUnwindSafe(body));
    let failure = match result {
        Ok(Ok(())) => return code(Hresult::OK),
        Ok(Err(failure)) => failure,
        Err(panic) => Failure::Panic(text(panic.as_ref())),
    };
    let hresult = failure.hresult();
    // Not even writing the message may unwind into the caller.
    let write = || diagnostics::write(function, hresult, &message(&failure), failure.hint().as_deref());
    let _ = catch_unwind(AssertUnwindSafe(write));
    code(hresult)
}

/// As C has it.
pub(crate) fn code(hresult: Hresult) -> HRESULT {
    hresult.0.cast_signed()
}

fn text(panic: &(dyn Any + Send)) -> String {
    match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => (*text).to_owned(),
        (None, Some(text)) => text.clone(),
        (None, None) => "panic".to_owned(),
    }
}

/// The failure and what led to it.
fn message(failure: &Failure) -> String {
    let mut text = failure.to_string();
    let mut source = failure.source();
    while let Some(error) = source {
        let cause = error.to_string();
        // Some messages have their cause in them.
        if !text.ends_with(&cause) {
            text = format!("{text}: {cause}");
        }
        source = error.source();
    }
    text
}

#[cfg(test)]
#[allow(clippy::panic, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_a_code() {
        assert_eq!(enter("Test", || panic!("on purpose")), code(Hresult::UNEXPECTED));
        assert_eq!(enter("Test", || std::panic::panic_any(17)), code(Hresult::UNEXPECTED));
    }

    #[test]
    fn success_is_zero_and_failure_negative() {
        assert_eq!(enter("Test", || Ok(())), 0);
        assert_eq!(enter("Test", || Err(Failure::Handle)), -2_147_024_890);
    }
}
