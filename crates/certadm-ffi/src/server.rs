//! Servers by the name that a caller gives.

use certadm::{Cancel, Server, Target};

use crate::failure::Failure;
use crate::settings::Settings;

/// Reads `host`, `host:port` or `host\CA name`.
pub(crate) fn target(name: &str) -> Result<Target, Failure> {
    name.parse().map_err(|_| {
        Failure::argument("pwszServerName", "is not of the form host, host:port, host\\CA name or host:port\\CA name")
    })
}

/// Connects with the settings of this process.
pub(crate) fn connect(name: &str) -> Result<Server, Failure> {
    let target = target(name)?;
    let settings = Settings::for_target(&target)?;
    let credentials = settings.credentials()?;
    Ok(Server::connect(&target, &credentials, &settings.options(), &Cancel::new())?)
}
