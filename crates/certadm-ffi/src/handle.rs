//! Handles: numbers that stand for sessions. Nothing is ever read through one, so that a wrong one is only not found.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::ptr;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, TryLockError};

use crate::abi::HCSBC;
use crate::backup::Backup;
use crate::failure::Failure;
use crate::restore::Restore;

/// What a handle stands for.
pub(crate) enum Session {
    Backup(Box<Backup>),
    Restore(Restore),
}

/// A session, or `None` once it has ended: a thread that found the handle a moment before sees that it came too late.
type Slot = Mutex<Option<Session>>;

/// All handles of this process.
struct Handles {
    sessions: HashMap<usize, Arc<Slot>>,
    /// Makes numbers that cannot be guessed: a stale handle, or one of another library, must not name a session by chance.
    random: RandomState,
    /// The process that began the sessions.
    process: u32,
    count: u64,
}

static HANDLES: LazyLock<Mutex<Handles>> = LazyLock::new(|| {
    let (sessions, random) = (HashMap::new(), RandomState::new());
    Mutex::new(Handles { sessions, random, process: std::process::id(), count: 0 })
});

/// Gives a session its handle.
pub(crate) fn open(session: Session) -> HCSBC {
    let mut handles = lock();
    let number = loop {
        handles.count += 1;
        let hash = handles.random.hash_one(handles.count);
        // On 64 bits the whole of it.
        let number = hash as usize;
        // NULL, and the -1 that Windows programs compare handles with, stay free.
        if number != 0 && number != usize::MAX && !handles.sessions.contains_key(&number) {
            break number;
        }
    };
    handles.sessions.insert(number, Arc::new(Mutex::new(Some(session))));
    ptr::without_provenance_mut(number)
}

/// Runs `work` on the session of a handle.
///
/// # Errors
/// [`Failure::Handle`] when it has none, [`Failure::Busy`] while another thread works on it, and what `work` returns.
pub(crate) fn with<R>(handle: HCSBC, work: impl FnOnce(&mut Session) -> Result<R, Failure>) -> Result<R, Failure> {
    let slot = find(handle)?;
    let mut session = try_lock(&slot)?;
    work(session.as_mut().ok_or(Failure::Handle)?)
}

/// As [`with`], for a backup.
///
/// # Errors
/// As [`with`]; [`Failure::Handle`] for the handle of a restore.
pub(crate) fn with_backup<R>(
    handle: HCSBC,
    work: impl FnOnce(&mut Backup) -> Result<R, Failure>,
) -> Result<R, Failure> {
    with(handle, |session| match session {
        Session::Backup(backup) => work(backup),
        Session::Restore(_) => Err(Failure::Handle),
    })
}

/// As [`with`], for a restore.
///
/// # Errors
/// As [`with`]; [`Failure::Handle`] for the handle of a backup.
pub(crate) fn with_restore<R>(
    handle: HCSBC,
    work: impl FnOnce(&mut Restore) -> Result<R, Failure>,
) -> Result<R, Failure> {
    with(handle, |session| match session {
        Session::Restore(restore) => work(restore),
        Session::Backup(_) => Err(Failure::Handle),
    })
}

/// Takes the session of a handle, which is none from now on, when `wanted` says so.
///
/// # Errors
/// As [`with`]; [`Failure::Handle`] when it is not wanted, and stays.
pub(crate) fn close(handle: HCSBC, wanted: impl FnOnce(&Session) -> bool) -> Result<Session, Failure> {
    let slot = find(handle)?;
    let mut session = try_lock(&slot)?;
    if session.as_ref().is_some_and(|session| !wanted(session)) {
        return Err(Failure::Handle);
    }
    forget(handle);
    session.take().ok_or(Failure::Handle)
}

fn forget(handle: HCSBC) {
    let mut handles = lock();
    handles.sessions.remove(&handle.addr());
    if handles.sessions.is_empty() {
        // Nobody else frees the table when the library is unloaded.
        handles.sessions = HashMap::new();
    }
}

fn find(handle: HCSBC) -> Result<Arc<Slot>, Failure> {
    lock().sessions.get(&handle.addr()).cloned().ok_or(Failure::Handle)
}

fn try_lock(slot: &Slot) -> Result<MutexGuard<'_, Option<Session>>, Failure> {
    match slot.try_lock() {
        Ok(session) => Ok(session),
        Err(TryLockError::WouldBlock) => Err(Failure::Busy),
        // A panic while it was in use: what is left of it may only be taken away.
        Err(TryLockError::Poisoned(error)) => {
            let mut session = error.into_inner();
            *session = None;
            Ok(session)
        }
    }
}

/// Nothing that can panic happens under this lock.
fn lock() -> MutexGuard<'static, Handles> {
    let mut handles = HANDLES.lock().unwrap_or_else(PoisonError::into_inner);
    let process = std::process::id();
    if handles.process != process {
        // The child of a fork: the threads of the sessions are the parent's alone. Nothing is ended here, which would end it
        // there.
        std::mem::forget(std::mem::take(&mut handles.sessions));
        handles.process = process;
    }
    handles
}

#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
mod tests {
    use super::*;

    /// A handle of a session that needs no server.
    fn restore() -> (tempfile::TempDir, HCSBC) {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("certsrvd.toml"), "").unwrap();
        let session = certadm::RestoreSession::prepare(directory.path()).unwrap();
        let restore = Restore::of(session, directory.path().join("log"));
        (directory, open(Session::Restore(restore)))
    }

    fn is_restore(session: &Session) -> bool {
        matches!(session, Session::Restore(_))
    }

    #[test]
    fn a_handle_is_good_until_it_is_closed() {
        let (_directory, handle) = restore();
        assert!(with_restore(handle, |_| Ok(())).is_ok());
        assert!(matches!(with_backup(handle, |_| Ok(())), Err(Failure::Handle)));
        assert!(matches!(close(handle, |_| false), Err(Failure::Handle)));
        assert!(with_restore(handle, |_| Ok(())).is_ok());
        assert!(close(handle, is_restore).is_ok());
        assert!(matches!(with_restore(handle, |_| Ok(())), Err(Failure::Handle)));
        assert!(matches!(close(handle, is_restore), Err(Failure::Handle)));
    }

    #[test]
    fn handles_are_neither_null_nor_small_nor_used_again() {
        let all: Vec<_> = (0..16).map(|_| restore()).collect();
        let numbers: std::collections::HashSet<usize> = all.iter().map(|(_, handle)| handle.addr()).collect();
        assert_eq!(numbers.len(), 16);
        assert!(numbers.iter().all(|number| !(0..4096).contains(number)));
        for (_, handle) in &all {
            assert!(close(*handle, is_restore).is_ok());
        }
        let (_directory, handle) = restore();
        assert!(!numbers.contains(&handle.addr()));
        assert!(close(handle, is_restore).is_ok());
    }

    #[test]
    fn a_second_thread_is_told_that_the_session_is_busy() {
        let (_directory, handle) = restore();
        let number = handle.addr();
        with_restore(handle, |_| {
            let second = std::thread::spawn(move || {
                let handle = ptr::without_provenance_mut(number);
                let used = with_restore(handle, |_| Ok(()));
                let closed = close(handle, is_restore);
                (matches!(used, Err(Failure::Busy)), matches!(closed, Err(Failure::Busy)))
            });
            assert_eq!(second.join().unwrap(), (true, true));
            Ok(())
        })
        .unwrap();
        assert!(close(handle, is_restore).is_ok());
    }

    #[test]
    fn a_panic_ends_the_session_and_frees_what_it_held() {
        let (directory, handle) = restore();
        let panicked =
            std::panic::catch_unwind(|| with_restore(handle, |_| -> Result<(), Failure> { panic!("on purpose") }));
        assert!(panicked.is_err());
        assert!(matches!(with_restore(handle, |_| Ok(())), Err(Failure::Handle)));
        // The lock of the data directory is free again, and so is the number.
        assert!(certadm::RestoreSession::prepare(directory.path()).is_ok());
        assert!(matches!(close(handle, is_restore), Err(Failure::Handle)));
        assert!(!lock().sessions.contains_key(&handle.addr()));
    }
}
