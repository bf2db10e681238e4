//! The control socket, client side.

use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Line, Reply, Request};
use crate::failure::{Code, Failure};

/// Longest wait for an answer. A CRL of a large CA takes its time.
const PATIENCE: Duration = Duration::from_secs(300);

/// A connection to a running server.
#[derive(Debug)]
pub struct Client {
    stream: BufReader<UnixStream>,
}

impl Client {
    /// Connects to the control socket.
    ///
    /// # Errors
    /// [`ConnectError::NotRunning`] when nobody listens there, [`ConnectError::Io`].
    pub fn connect(path: &Path) -> Result<Self, ConnectError> {
        let stream = UnixStream::connect(path).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => ConnectError::NotRunning,
            _ => ConnectError::Io { path: path.to_owned(), source },
        })?;
        stream.set_read_timeout(Some(PATIENCE)).map_err(|source| ConnectError::Io { path: path.to_owned(), source })?;
        Ok(Self { stream: BufReader::new(stream) })
    }

    /// Asks, and waits for the answer.
    ///
    /// # Errors
    /// What the server says, or that the connection broke.
    pub fn ask(&mut self, request: &Request) -> Result<Reply, Failure> {
        let broken = |error: &dyn std::fmt::Display| {
            Failure::new(Code::Internal, format!("the connection to the running server broke: {error}"))
        };
        let mut bytes = serde_json::to_vec(request).map_err(|error| broken(&error))?;
        bytes.push(b'\n');
        self.stream.get_mut().write_all(&bytes).map_err(|error| broken(&error))?;
        let mut line = String::new();
        self.stream.read_line(&mut line).map_err(|error| broken(&error))?;
        match serde_json::from_str(&line) {
            Ok(Line::Ok(reply)) => Ok(reply),
            Ok(Line::Error(failure)) => Err(failure),
            Err(_) if line.is_empty() => Err(broken(&"it was closed without an answer")),
            Err(error) => Err(broken(&error)),
        }
    }
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The server does not run.
    #[error("the server does not run")]
    NotRunning,
    /// The socket cannot be used.
    #[error("cannot use the control socket {path}")]
    Io {
        /// The socket.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}
