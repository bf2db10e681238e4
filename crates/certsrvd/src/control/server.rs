//! The control socket, server side.

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::{Line, MAXIMUM_LINE, Request};
use crate::audit::Caller;
use crate::authority::Authority;
use crate::failure::{Code, Failure};

/// Connections at a time; more are closed at once.
const MAXIMUM_CONNECTIONS: usize = 32;
/// How long a connection may be silent.
const IDLE: Duration = Duration::from_secs(60);

/// The listening control socket; it goes away when this is dropped.
#[derive(Debug)]
pub struct ControlServer {
    path: PathBuf,
    stopping: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl ControlServer {
    /// Listens on `path` with mode 0600. What an earlier server left there is removed: the caller holds the lock of the
    /// data directory, so nobody uses it.
    ///
    /// # Errors
    /// What the system says.
    pub fn start(path: &Path, authority: Arc<Authority>) -> io::Result<Self> {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        // Bound under another name first: nobody can connect before the mode is right.
        let hidden = path.with_extension("sock.new");
        let _ = fs::remove_file(&hidden);
        let listener = UnixListener::bind(&hidden)?;
        fs::set_permissions(&hidden, fs::Permissions::from_mode(0o600))?;
        fs::rename(&hidden, path)?;

        let stopping = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&stopping);
        let thread = thread::Builder::new().name("control".to_owned()).spawn(move || {
            let connections = Arc::new(AtomicUsize::new(0));
            for stream in listener.incoming() {
                if stop.load(Ordering::SeqCst) {
                    break;
                }
                let Ok(stream) = stream else { continue };
                if connections.fetch_add(1, Ordering::SeqCst) >= MAXIMUM_CONNECTIONS {
                    connections.fetch_sub(1, Ordering::SeqCst);
                    continue;
                }
                let (authority, count) = (Arc::clone(&authority), Arc::clone(&connections));
                let spawned = thread::Builder::new().name("control connection".to_owned()).spawn(move || {
                    if let Err(error) = converse(&stream, &authority) {
                        tracing::debug!(%error, "control connection ended");
                    }
                    count.fetch_sub(1, Ordering::SeqCst);
                });
                if spawned.is_err() {
                    connections.fetch_sub(1, Ordering::SeqCst);
                }
            }
        })?;
        Ok(Self { path: path.to_owned(), stopping, thread: Some(thread) })
    }
}

impl Drop for ControlServer {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::SeqCst);
        // Wakes the thread that waits for a connection.
        let woken = UnixStream::connect(&self.path).is_ok();
        let _ = fs::remove_file(&self.path);
        if let Some(thread) = self.thread.take()
            && woken
        {
            let _ = thread.join();
        }
    }
}

fn converse(stream: &UnixStream, authority: &Authority) -> io::Result<()> {
    stream.set_read_timeout(Some(IDLE))?;
    stream.set_write_timeout(Some(IDLE))?;
    let credentials = rustix::net::sockopt::socket_peercred(stream)?;
    let own = rustix::process::geteuid();
    // The mode of the socket keeps others out; this does too when somebody changed the mode.
    if credentials.uid != own && !credentials.uid.is_root() {
        let failure = Failure::new(Code::Permissions, "only the server's own user and root may use the control socket");
        return send(stream, &Line::Error(failure));
    }
    let caller = Caller::Local { uid: credentials.uid.as_raw(), pid: Some(credentials.pid.as_raw_nonzero().get()) };
    let mut reader = BufReader::new(stream);
    loop {
        let mut line = Vec::new();
        let read = reader.by_ref().take(MAXIMUM_LINE as u64 + 1).read_until(b'\n', &mut line)?;
        if read == 0 {
            return Ok(());
        }
        if line.len() > MAXIMUM_LINE || line.last() != Some(&b'\n') {
            return send(stream, &Line::Error(Failure::new(Code::Configuration, "a line is too long or cut off")));
        }
        let answer = match parse(&line) {
            Ok(request) => match authority.execute(&caller, request) {
                Ok(reply) => Line::Ok(reply),
                Err(error) => Line::Error(error.to_failure()),
            },
            Err(problem) => Line::Error(Failure::new(Code::Configuration, problem)),
        };
        send(stream, &answer)?;
    }
}

/// Reads one line of the control socket.
///
/// # Errors
/// A sentence that says what is wrong.
pub fn parse(line: &[u8]) -> Result<Request, String> {
    serde_json::from_slice(line).map_err(|error| format!("this is no request: {error}"))
}

fn send(mut stream: &UnixStream, line: &Line) -> io::Result<()> {
    let mut bytes = serde_json::to_vec(line)?;
    bytes.push(b'\n');
    stream.write_all(&bytes)
}
