//! Which certification authority is meant.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// The port of the RPC endpoint mapper, where every DCOM conversation starts.
pub const ENDPOINT_MAPPER_PORT: u16 = 135;

/// A machine, and perhaps the name of the CA on it.
///
/// Written as `host`, `host:port`, `host\CA name`, `host:port\CA name` or `csra://host:port/CA%20name`; an IPv6 address
/// is written in brackets. The port is that of the endpoint mapper. Without a name the CA is asked for it.
///
/// ```
/// let target: certadm::Target = "csra://ca01.corp.example/Contoso%20CA".parse()?;
/// assert_eq!(target.host, "ca01.corp.example");
/// assert_eq!(target.endpoint_mapper_port, 135);
/// assert_eq!(target.authority.as_deref(), Some("Contoso CA"));
/// # Ok::<(), certadm::TargetError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Name or address, without brackets.
    pub host: String,
    /// Port of the endpoint mapper.
    pub endpoint_mapper_port: u16,
    /// Name of the CA; `None`: whichever runs there.
    pub authority: Option<String>,
}

/// Why a text names no target.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TargetError {
    /// There is no host in it.
    #[error("'{0}' names no host")]
    NoHost(String),
    /// A host name with characters that none has.
    #[error("'{0}' is not a host name or address")]
    Host(String),
    /// Not a port number.
    #[error("'{0}' is not a port number")]
    Port(String),
    /// A bad `%` sequence, or not UTF-8.
    #[error("'{0}' is not a CA name in a URL; spaces are written as %20")]
    Escape(String),
}

impl Target {
    /// A host, with the usual port and whichever CA runs there.
    pub fn new(host: impl Into<String>) -> Self {
        Target { host: host.into(), endpoint_mapper_port: ENDPOINT_MAPPER_PORT, authority: None }
    }
}

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        let (place, authority) = if let Some(rest) = text.strip_prefix("csra://") {
            let (place, name) = rest.split_once('/').unwrap_or((rest, ""));
            (place, unescape(name)?)
        } else {
            let (place, name) = text.split_once('\\').unwrap_or((text, ""));
            (place, name.to_owned())
        };
        let (host, port) = split_port(place)?;
        if host.is_empty() {
            return Err(TargetError::NoHost(text.to_owned()));
        }
        let allowed = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '%');
        if !host.chars().all(allowed) {
            return Err(TargetError::Host(host.to_owned()));
        }
        let endpoint_mapper_port = match port {
            None => ENDPOINT_MAPPER_PORT,
            Some(port) => match port.parse() {
                Ok(0) | Err(_) => return Err(TargetError::Port(port.to_owned())),
                Ok(port) => port,
            },
        };
        let authority = Some(authority).filter(|name| !name.is_empty());
        Ok(Target { host: host.to_owned(), endpoint_mapper_port, authority })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]", self.host)?;
        } else {
            f.write_str(&self.host)?;
        }
        if self.endpoint_mapper_port != ENDPOINT_MAPPER_PORT {
            write!(f, ":{}", self.endpoint_mapper_port)?;
        }
        match &self.authority {
            Some(name) => write!(f, "\\{name}"),
            None => Ok(()),
        }
    }
}

/// Host without brackets, and the text behind the colon.
fn split_port(place: &str) -> Result<(&str, Option<&str>), TargetError> {
    if let Some(rest) = place.strip_prefix('[') {
        let Some((host, rest)) = rest.split_once(']') else { return Err(TargetError::Host(place.to_owned())) };
        return match rest.strip_prefix(':') {
            Some(port) => Ok((host, Some(port))),
            None if rest.is_empty() => Ok((host, None)),
            None => Err(TargetError::Port(rest.to_owned())),
        };
    }
    match place.split_once(':') {
        // More than one colon without brackets: an IPv6 address without a port.
        Some((_, rest)) if rest.contains(':') => Ok((place, None)),
        Some((host, port)) => Ok((host, Some(port))),
        None => Ok((place, None)),
    }
}

fn unescape(text: &str) -> Result<String, TargetError> {
    let wrong = || TargetError::Escape(text.to_owned());
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        if byte != b'%' {
            bytes.push(byte);
            rest = tail;
            continue;
        }
        let (digits, tail) = tail.split_at_checked(2).ok_or_else(wrong)?;
        let digits = std::str::from_utf8(digits).map_err(|_| wrong())?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(wrong());
        }
        bytes.push(u8::from_str_radix(digits, 16).map_err(|_| wrong())?);
        rest = tail;
    }
    String::from_utf8(bytes).map_err(|_| wrong())
}
