//! What differs between operating systems: how a read ends that waits while another thread closes the connection.

pub(super) use system::read;

#[cfg(unix)]
mod system {
    use std::io::{self, Read};
    use std::net::TcpStream;

    use crate::client::Canceller;

    /// Reads what there is, or waits for it as long as the socket's own limit allows. Closing the connection ends the wait.
    pub(in crate::client) fn read(mut stream: &TcpStream, buffer: &mut [u8], _: &Canceller) -> io::Result<usize> {
        stream.read(buffer)
    }
}

#[cfg(windows)]
mod system {
    use std::io::{self, Read};
    use std::net::TcpStream;
    use std::time::{Duration, Instant};

    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    use crate::client::Canceller;

    /// How often who waits looks at its canceller.
    const POLL: Duration = Duration::from_millis(50);

    /// Reads what there is, or waits for it as long as the socket's own limit allows.
    ///
    /// Closing the connection does not end a wait that has begun, so that it is made of short ones.
    pub(in crate::client) fn read(
        mut stream: &TcpStream,
        buffer: &mut [u8],
        canceller: &Canceller,
    ) -> io::Result<usize> {
        let deadline = stream.read_timeout()?.map(|limit| Instant::now() + limit);
        loop {
            let left = deadline.map_or(POLL, |deadline| deadline.saturating_duration_since(Instant::now()));
            let slice = Timespec::try_from(left.min(POLL)).unwrap_or_default();
            if poll(&mut [PollFd::new(stream, PollFlags::IN)], Some(&slice))? > 0 {
                return stream.read(buffer);
            }
            if canceller.is_cancelled() {
                return Err(io::ErrorKind::ConnectionAborted.into());
            }
            if left.is_zero() {
                return Err(io::ErrorKind::TimedOut.into());
            }
        }
    }
}
