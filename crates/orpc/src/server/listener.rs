//! Sockets and threads.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use dcerpc::Framer;
use socket2::{SockRef, TcpKeepalive};

use super::dialogue::{Dialogue, Ended};
use super::session::Port;
use super::shared::Shared;
use super::table::ConnectionId;

/// The open connections of a server, with a thread for each.
#[derive(Default)]
pub(super) struct Connections {
    stopping: AtomicBool,
    next: AtomicU64,
    open: Mutex<HashMap<u64, TcpStream>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Connections {
    /// Accepts until [`Connections::stop`].
    pub(super) fn accept(self: &Arc<Self>, listener: &TcpListener, port: Port, shared: &Arc<Shared>) {
        loop {
            let accepted = listener.accept();
            if self.stopping.load(Ordering::SeqCst) {
                return;
            }
            match accepted {
                Ok((stream, peer)) => {
                    if let Err(error) = self.serve(stream, peer, port, shared) {
                        tracing::warn!(%peer, %error, "connection refused");
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    // Out of file descriptors: give the others time to close theirs.
                    thread::sleep(Duration::from_millis(100));
                }
            }
        }
    }

    fn serve(
        self: &Arc<Self>,
        stream: TcpStream,
        peer: SocketAddr,
        port: Port,
        shared: &Arc<Shared>,
    ) -> io::Result<()> {
        let limits = &shared.options.limits;
        let local = stream.local_addr()?;
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        {
            let mut open = lock(&self.open);
            if open.len() >= limits.connections {
                return Err(io::Error::other("too many connections"));
            }
            open.insert(number, stream.try_clone()?);
        }
        let registration = Registration { connections: Arc::clone(self), number };
        stream.set_nodelay(true)?;
        stream.set_write_timeout(Some(limits.transfer_timeout))?;
        let keepalive = TcpKeepalive::new().with_time(Duration::from_secs(60)).with_interval(Duration::from_secs(10));
        SockRef::from(&stream).set_tcp_keepalive(&keepalive)?;

        let dialogue = Dialogue::new(shared, ConnectionId(number), port, local, peer);
        let limits = limits.clone();
        let thread = thread::Builder::new().name(format!("orpc {number}")).spawn(move || {
            let _registration = registration;
            let connection = Connection { stream, dialogue, limits, since: Instant::now() };
            tracing::debug!(%peer, ?port, "connection opened");
            match connection.run() {
                Ok(()) => tracing::debug!(%peer, "connection closed"),
                Err(error) => tracing::info!(%peer, %error, "connection closed"),
            }
        })?;
        let mut threads = lock(&self.threads);
        threads.retain(|thread| !thread.is_finished());
        threads.push(thread);
        Ok(())
    }

    /// Ends [`Connections::accept`] and every connection, and waits until their calls have returned.
    pub(super) fn stop(&self, listeners: &[TcpListener]) {
        self.stopping.store(true, Ordering::SeqCst);
        for listener in listeners {
            // Wakes the thread in accept(); where a listening socket cannot be shut down, a connection does it.
            let _ = SockRef::from(listener).shutdown(Shutdown::Both);
            if let Ok(mut address) = listener.local_addr() {
                if address.ip().is_unspecified() {
                    address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
                }
                let _ = TcpStream::connect_timeout(&address, Duration::from_secs(1));
            }
        }
        // Nothing more is read. A call that is about to end still gets its reply out: it may be the one that stops the server.
        self.shut_down(Shutdown::Read);
        let deadline = Instant::now() + GRACE;
        while Instant::now() < deadline && !lock(&self.open).is_empty() {
            thread::sleep(Duration::from_millis(5));
        }
        self.shut_down(Shutdown::Both);
        let threads = std::mem::take(&mut *lock(&self.threads));
        for thread in threads {
            // A thread that panicked in a class has said so on its own.
            let _ = thread.join();
        }
    }

    fn shut_down(&self, how: Shutdown) {
        for stream in lock(&self.open).values() {
            let _ = stream.shutdown(how);
        }
    }
}

/// How long calls that run when the server stops have for their replies.
const GRACE: Duration = Duration::from_millis(500);

/// Takes a connection off the list when its thread ends.
struct Registration {
    connections: Arc<Connections>,
    number: u64,
}

impl Drop for Registration {
    fn drop(&mut self) {
        lock(&self.connections.open).remove(&self.number);
    }
}

struct Connection {
    stream: TcpStream,
    dialogue: Dialogue,
    limits: super::Limits,
    since: Instant,
}

impl Connection {
    fn run(mut self) -> io::Result<()> {
        let mut framer = Framer::new();
        let mut out = Vec::new();
        let mut timeout = None;
        let mut inside_since = None;
        loop {
            while let Some(pdu) = framer.pdu() {
                inside_since = None;
                let mut stream = &self.stream;
                let received = self.dialogue.receive(pdu, &mut out, |out| {
                    stream.write_all(out)?;
                    out.clear();
                    Ok::<_, io::Error>(())
                });
                match received {
                    Ok(()) => {}
                    Err(Ended::Sending(error)) => return Err(error),
                    Err(Ended::Protocol(error)) => return Err(io::Error::other(error)),
                }
            }
            if framer.is_inside_pdu() {
                inside_since.get_or_insert_with(Instant::now);
            }
            let wait = self.wait(inside_since)?;
            if wait != timeout {
                self.stream.set_read_timeout(wait)?;
                timeout = wait;
            }
            match self.stream.read(framer.space()) {
                Ok(0) if framer.is_inside_pdu() => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(0) => return Ok(()),
                Ok(count) => framer.filled(count),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// How long to wait for the client; `None` as long as it likes.
    fn wait(&self, inside_since: Option<Instant>) -> io::Result<Option<Duration>> {
        let (limit, since) = match inside_since {
            Some(since) => (self.limits.transfer_timeout, since),
            None if !self.dialogue.is_authenticated() => (self.limits.authentication_timeout, self.since),
            // A backup may pause as long as the medium needs; keep-alive probes notice a client that is gone.
            None if self.dialogue.holds_objects() => return Ok(None),
            None => return Ok(Some(self.limits.idle_timeout)),
        };
        let left = limit.saturating_sub(since.elapsed());
        if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(Some(left)) }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
