//! A restore session as a handle has it: word for the certsrvd of this machine, which acts on it when it starts.

use std::path::{Path, PathBuf};

use certadm::{ConfiguredCa, Hresult, MapEntry, Registration, RestoreSession, RestoreState};

use crate::failure::Failure;
use crate::server::target;
use crate::settings::Settings;

/// A session. It keeps the server from starting.
pub(crate) struct Restore {
    session: RestoreSession,
    /// Where the logs of the CA are.
    log_directory: PathBuf,
    /// Whether all that is registered is from earlier sessions.
    inherited: bool,
}

/// The arguments of `CertSrvRestoreRegisterW`.
pub(crate) struct Files {
    pub(crate) checkpoint_path: Option<String>,
    pub(crate) log_path: Option<String>,
    pub(crate) map: Vec<(String, String)>,
    pub(crate) backup_log_path: Option<String>,
    pub(crate) generation_low: u32,
    pub(crate) generation_high: u32,
}

impl Restore {
    pub(crate) fn prepare(server: &str) -> Result<Self, Failure> {
        let target = target(server)?;
        if !machine::is_this(&target.host) {
            return Err(Failure::NotThisMachine { host: target.host });
        }
        let settings = Settings::for_target(&target)?;
        let session = RestoreSession::prepare(settings.data_directory())?;
        let ConfiguredCa { name, log_directory } = ConfiguredCa::read(settings.data_directory());
        if let (Some(wanted), Some(name)) = (target.authority, name)
            && wanted.to_lowercase() != name.to_lowercase()
        {
            return Err(certadm::Error::WrongAuthority { method: "CertSrvRestorePrepare", authority: wanted }.into());
        }
        Ok(Self::of(session, log_directory))
    }

    pub(crate) fn of(session: RestoreSession, log_directory: PathBuf) -> Self {
        Restore { session, log_directory, inherited: true }
    }

    pub(crate) fn register(&mut self, files: Files) -> Result<(), Failure> {
        let Files { checkpoint_path, log_path, map, backup_log_path, generation_low, generation_high } = files;
        if log_path.as_deref().is_some_and(|path| !self.is_log_directory(path)) {
            return Err(Failure::argument("pwszLogPath", "is not the log directory of the CA"));
        }
        // An incremental backup continues what an earlier session registered; a full one starts over.
        if std::mem::take(&mut self.inherited) && !map.is_empty() {
            self.session.start_over();
        }
        Ok(self.session.register(Registration {
            checkpoint_directory: checkpoint_path,
            log_directory: log_path,
            map: map.into_iter().map(|(old, new)| MapEntry { old, new }).collect(),
            backup_log_directory: backup_log_path,
            generation_low,
            generation_high,
            state: RestoreState::Registered,
        })?)
    }

    /// Whether a path is that of the CA's logs, as far as it is one of this machine: the server judges names in its own terms.
    fn is_log_directory(&self, path: &str) -> bool {
        let resolve = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let path = Path::new(path);
        !path.is_absolute() || resolve(path) == resolve(&self.log_directory)
    }

    pub(crate) fn register_complete(&mut self, state: Hresult) -> Result<(), Failure> {
        // Positive codes are successes, too.
        let result = if state.0.cast_signed() < 0 { Err(state) } else { Ok(()) };
        Ok(self.session.register_complete(result)?)
    }

    pub(crate) fn end(self) {
        self.session.end();
    }
}

/// The names of this machine.
mod machine {
    /// Whether a host is this machine: by a name of loopback, or by its own name with or without its domain.
    pub(super) fn is_this(host: &str) -> bool {
        names_match(host, &own_name())
    }

    fn names_match(host: &str, own: &str) -> bool {
        let first = |name: &str| name.split('.').next().unwrap_or_default().to_lowercase();
        match host.to_lowercase().as_str() {
            "localhost" | "127.0.0.1" | "::1" => true,
            // With a domain on both sides, all of it counts.
            host if host.contains('.') && own.contains('.') => host == own.to_lowercase(),
            host => !own.is_empty() && first(host) == first(own) && host.parse::<std::net::IpAddr>().is_err(),
        }
    }

    #[cfg(unix)]
    fn own_name() -> String {
        // Without a name only those of loopback are this machine.
        std::fs::read_to_string("/proc/sys/kernel/hostname").map(|name| name.trim_end().to_owned()).unwrap_or_default()
    }

    #[cfg(windows)]
    fn own_name() -> String {
        std::env::var("COMPUTERNAME").unwrap_or_default()
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn this_machine_is_known_by_its_names() {
            for (host, own, same) in [
                ("LOCALHOST", "ca01", true),
                ("::1", "ca01", true),
                ("CA01", "ca01", true),
                ("ca01.corp.example", "ca01", true),
                ("ca01", "ca01.corp.example", true),
                ("ca01.corp.example", "ca01.lab.example", false),
                ("ca02", "ca01", false),
                ("10.0.0.1", "10", false),
                ("", "", false),
            ] {
                assert_eq!(names_match(host, own), same, "{host} on {own}");
            }
        }
    }
}
