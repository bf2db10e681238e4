//! A certification authority of the real program, in a directory of its own, on loopback, with ports that the system chose.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::process::{Child, bin};

/// How long the program may take for anything.
const PATIENCE: Duration = Duration::from_secs(60);

/// A CA with the account [`Ca::USER`], which may back up and nothing else.
#[derive(Debug)]
pub struct Ca {
    directory: TempDir,
    server: Option<Child>,
    target: String,
}

impl Ca {
    /// Its name.
    pub const NAME: &'static str = "Test CA";
    /// The account.
    pub const USER: &'static str = "backup";
    /// Its password.
    pub const PASSWORD: &'static str = "Secret-Password-1";

    /// A CA that does not run yet.
    ///
    /// # Errors
    /// When the program cannot be built or fails.
    pub fn new() -> io::Result<Self> {
        let ca = Ca { directory: tempfile::tempdir()?, server: None, target: String::new() };
        ca.secret("passphrase", "a passphrase\n")?;
        ca.secret("password", Self::PASSWORD)?;
        let passphrase = ca.path("passphrase").display().to_string();
        let init = ["init", "--name", Self::NAME, "--key-type", "p-256", "--passphrase-file", &passphrase];
        ca.certsrvd(&[&init[..], &["--listen", "127.0.0.1", "--endpoint-mapper-port", "0"]].concat())?;
        let password = ca.password_file().display().to_string();
        ca.certsrvd(&["account", "add", Self::USER, "--role", "operator", "--password-file", &password])?;
        Ok(ca)
    }

    /// A CA that serves.
    ///
    /// # Errors
    /// As [`Ca::new`] and [`Ca::start`].
    pub fn started() -> io::Result<Self> {
        let mut ca = Ca::new()?;
        ca.start()?;
        Ok(ca)
    }

    /// Starts it; its target is another one then.
    ///
    /// # Errors
    /// When it does not become ready.
    pub fn start(&mut self) -> io::Result<()> {
        let mut command = Command::new(bin("certsrvd")?);
        command.arg("serve").arg("--json").arg("--data-dir").arg(self.data_directory());
        command.arg("--passphrase-file").arg(self.path("passphrase"));
        let mut server = Child::start(command.stderr(Stdio::null()))?;
        self.target = server.wait_for(PATIENCE, |line| {
            let event: Value = serde_json::from_str(line).ok()?;
            event["endpoint_mapper"].as_str().map(str::to_owned)
        })?;
        self.server = Some(server);
        Ok(())
    }

    /// Stops it in order.
    ///
    /// # Errors
    /// When it has to be killed.
    pub fn stop(&mut self) -> io::Result<()> {
        self.server.take().map_or(Ok(()), |mut server| server.stop(PATIENCE).map(drop))
    }

    /// Kills it at once, as a crash would.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn kill(&mut self) -> io::Result<()> {
        self.server.take().map_or(Ok(()), |mut server| server.kill().map(drop))
    }

    /// Runs a command of certsrvd.
    ///
    /// # Errors
    /// When it fails; its message is in the error.
    pub fn certsrvd(&self, arguments: &[&str]) -> io::Result<()> {
        let mut command = Command::new(bin("certsrvd")?);
        command.arg("--data-dir").arg(self.data_directory()).args(arguments).stdin(Stdio::null());
        let output = command.output()?;
        if output.status.success() {
            return Ok(());
        }
        Err(io::Error::other(format!("{arguments:?}: {}", String::from_utf8_lossy(&output.stderr))))
    }

    /// `host:port` of the endpoint mapper, while it runs.
    #[must_use]
    pub fn target(&self) -> &str {
        &self.target
    }

    /// The data directory.
    #[must_use]
    pub fn data_directory(&self) -> PathBuf {
        self.path("ca")
    }

    /// A file that holds the password of [`Ca::USER`].
    #[must_use]
    pub fn password_file(&self) -> PathBuf {
        self.path("password")
    }

    /// A place beside the data directory, for the test.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn secret(&self, name: &str, text: &str) -> io::Result<()> {
        use std::os::unix::fs::PermissionsExt;

        let path: &Path = &self.path(name);
        std::fs::write(path, text)?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))
    }
}
