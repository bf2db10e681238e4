//! One connection to one port of a server.

use std::fmt;
use std::io::{self, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use dcerpc::client::{Association, Binding, Event, Security};
use dcerpc::pdu::RejectReason;
use dcerpc::security::SecurityError;
use dcerpc::{Framer, Opnum, Status, SyntaxId, client};
use uuid::Uuid;

use super::canceller::Watch;
use super::{Canceller, Error, Options, platform};

/// A socket with its association. After an error other than a fault it is closed.
pub(super) struct Connection {
    host: String,
    stream: TcpStream,
    canceller: Canceller,
    association: Association,
    framer: Framer,
    out: Vec<u8>,
    open: bool,
    call_timeout: Duration,
    _watch: Watch,
}

impl Connection {
    /// Connects to the first address of `host` that answers.
    pub(super) fn open(host: &str, port: u16, options: &Options, canceller: &Canceller) -> Result<Self, Error> {
        let unreachable = |source| Error::Unreachable { host: host.to_owned(), port, source };
        let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        for address in (host, port).to_socket_addrs().map_err(unreachable)? {
            canceller.check()?;
            match TcpStream::connect_timeout(&address, options.connect_timeout) {
                Ok(stream) => return Self::over(stream, host, options, canceller).map_err(unreachable),
                Err(error) => last = error,
            }
        }
        canceller.check()?;
        Err(unreachable(last))
    }

    fn over(stream: TcpStream, host: &str, options: &Options, canceller: &Canceller) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(options.call_timeout))?;
        stream.set_write_timeout(Some(options.call_timeout))?;
        let watch = canceller.watch(&stream)?;
        let association =
            Association::new(client::Options { max_fragment: options.maximum_fragment, ..client::Options::default() });
        Ok(Self {
            host: host.to_owned(),
            stream,
            canceller: canceller.clone(),
            association,
            framer: Framer::new(),
            out: Vec::new(),
            open: true,
            call_timeout: options.call_timeout,
            _watch: watch,
        })
    }

    /// Binds an interface, or another one.
    pub(super) fn bind(&mut self, interface: SyntaxId, security: Security) -> Result<Binding, Error> {
        self.check()?;
        self.out.clear();
        let begun = self.association.bind(interface, security, &mut self.out);
        begun.map_err(|error| self.failed(error))?;
        match self.exchange(&mut Vec::new())? {
            Event::Bound(binding) => Ok(binding),
            Event::Fault(status) => Err(Error::Fault(status)),
            Event::Reply | Event::More => Err(self.broken("a reply to a bind")),
        }
    }

    /// Makes a call; the reply stub is appended to `reply`.
    pub(super) fn call(
        &mut self,
        binding: Binding,
        opnum: Opnum,
        object: Option<Uuid>,
        stub: &[u8],
        reply: &mut Vec<u8>,
    ) -> Result<(), Error> {
        self.check()?;
        self.out.clear();
        let begun = self.association.call(binding, opnum, object, stub, &mut self.out);
        begun.map_err(|error| self.failed(error))?;
        let start = reply.len();
        let result = match self.exchange(reply) {
            Ok(Event::Reply) => Ok(()),
            Ok(Event::Fault(status)) => Err(Error::Fault(status)),
            Ok(Event::Bound(_) | Event::More) => Err(self.broken("an answer to no call")),
            Err(error) => Err(error),
        };
        if result.is_err() {
            reply.truncate(start);
        }
        result
    }

    /// Works with a limit of its own on the wait for each answer.
    pub(super) fn limited(&mut self, limit: Duration, work: impl FnOnce(&mut Self)) {
        self.wait_at_most(limit.min(self.call_timeout));
        work(self);
        self.wait_at_most(self.call_timeout);
    }

    fn wait_at_most(&self, limit: Duration) {
        // The old limits stay when the socket is gone; then nothing waits either.
        let _ = self.stream.set_read_timeout(Some(limit));
        let _ = self.stream.set_write_timeout(Some(limit));
    }

    pub(super) fn is_open(&self) -> bool {
        self.open && !self.canceller.is_cancelled()
    }

    /// Sends what has been prepared and receives until it has led to something.
    fn exchange(&mut self, reply: &mut Vec<u8>) -> Result<Event, Error> {
        self.send()?;
        loop {
            while let Some(pdu) = self.framer.pdu() {
                let event = self.association.receive(pdu, reply, &mut self.out);
                if !self.out.is_empty() {
                    self.send()?;
                }
                match event {
                    Ok(Event::More) => {}
                    Ok(event) => return Ok(event),
                    Err(error) => return Err(self.failed(error)),
                }
            }
            match platform::read(&self.stream, self.framer.space(), &self.canceller) {
                Ok(0) => return Err(self.lost(None)),
                Ok(count) => self.framer.filled(count),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.lost(Some(error))),
            }
        }
    }

    fn send(&mut self) -> Result<(), Error> {
        let sent = self.stream.write_all(&self.out);
        self.out.clear();
        sent.map_err(|error| self.lost(Some(error)))
    }

    fn check(&self) -> Result<(), Error> {
        self.canceller.check()?;
        if self.open { Ok(()) } else { Err(Error::ConnectionLost { host: self.host.clone(), source: None }) }
    }

    fn lost(&mut self, source: Option<io::Error>) -> Error {
        self.close();
        if self.canceller.is_cancelled() {
            return Error::Cancelled;
        }
        let host = self.host.clone();
        match source {
            Some(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                Error::Timeout { host }
            }
            source => Error::ConnectionLost { host, source },
        }
    }

    fn broken(&mut self, reason: &str) -> Error {
        self.close();
        Error::Protocol { host: self.host.clone(), reason: reason.to_owned() }
    }

    fn failed(&mut self, error: client::Error) -> Error {
        if error.is_fatal() {
            self.close();
        }
        let host = self.host.clone();
        match error {
            client::Error::Rejected(RejectReason::INVALID_CHECKSUM | RejectReason::AUTHENTICATION_TYPE)
            | client::Error::Refused(Status::ACCESS_DENIED)
            | client::Error::Security(SecurityError::Denied { .. }) => Error::AuthenticationFailed { host },
            client::Error::Refused(status) => Error::Fault(status),
            client::Error::InterfaceRefused { .. } => Error::NoInterface { host },
            client::Error::Shutdown => Error::ConnectionLost { host, source: None },
            other => Error::Protocol { host, reason: reason(&other) },
        }
    }

    fn close(&mut self) {
        self.open = false;
        // An error means that it is closed already.
        let _ = self.stream.shutdown(std::net::Shutdown::Both);
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("host", &self.host).field("open", &self.open).finish_non_exhaustive()
    }
}

/// The message of an error and of what led to it.
fn reason(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}
