//! Who we are to a server, and where the CA of this machine lives. The functions have no parameters for that: it comes from
//! the environment and from a configuration file, read anew for every session, so that a changed password needs no restart.
//!
//! The README of this crate describes both for users.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use certadm::{Credentials, Options, Target, split_account};
use serde::Deserialize;
use thiserror::Error;
use zeroize::Zeroizing;

/// Most that is read of a configuration file, in bytes.
const LARGEST_CONFIGURATION: usize = 64 << 10;

/// Most that is read of a password file, in bytes.
const LARGEST_PASSWORD: usize = 4 << 10;

/// Where certsrvd keeps its data, unless told otherwise.
const DATA_DIRECTORY: &str = "/var/lib/certsrvd";

/// Why there are no credentials.
#[derive(Debug, Error)]
pub(crate) enum SettingsError {
    #[error("no account is configured")]
    NoAccount,
    #[error("no password file is configured for {account}")]
    NoPassword { account: String },
    #[error("the password in {} is empty", path.display())]
    EmptyPassword { path: PathBuf },
    #[error("{} {problem}", path.display())]
    Exposed { path: PathBuf, problem: &'static str },
    #[error("cannot read {}", path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{}: {problem}", path.display())]
    Form { path: PathBuf, problem: String },
}

impl SettingsError {
    /// The next thing to do, for a person.
    pub(crate) fn hint(&self) -> String {
        let text = match self {
            SettingsError::NoAccount => "set CERTADM_USER and CERTADM_PASSWORD_FILE, or write a configuration file",
            SettingsError::NoPassword { .. } => {
                "set CERTADM_PASSWORD_FILE, or say password_file in the configuration file; the one there is used only \
                 for the user there"
            }
            SettingsError::EmptyPassword { .. } => "put the password into the first line of the file",
            SettingsError::Exposed { .. } => "chown it to root or to this user, and chmod it to 600",
            SettingsError::Read { .. } => "check the path and its permissions",
            SettingsError::Form { .. } => "correct the file; certadm(3) describes it",
        };
        text.to_owned()
    }
}

/// The configuration file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    default: Entry,
    #[serde(default)]
    server: BTreeMap<String, Entry>,
}

/// What can be said for all servers, and for one.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    user: Option<String>,
    password_file: Option<PathBuf>,
    connect_timeout: Option<u64>,
    call_timeout: Option<u64>,
    data_directory: Option<PathBuf>,
}

/// The settings for one server.
#[derive(Debug)]
pub(crate) struct Settings {
    entry: Entry,
}

impl Settings {
    /// Those of this process.
    pub(crate) fn for_target(target: &Target) -> Result<Self, SettingsError> {
        Self::from_environment(target, &|name| std::env::var_os(name))
    }

    fn from_environment(target: &Target, variable: &dyn Fn(&str) -> Option<OsString>) -> Result<Self, SettingsError> {
        let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
        let mut entry = match configuration_file(&variable) {
            Some(path) => read_document(&path)?.entry(&target.host),
            None => Entry::default(),
        };
        if let Some(user) = variable("CERTADM_USER") {
            // The password file of somebody else is not for this user.
            if entry.user.as_deref().is_none_or(|configured| user != configured) {
                entry.password_file = None;
            }
            entry.user = Some(user.to_string_lossy().into_owned());
        }
        if let Some(path) = variable("CERTADM_PASSWORD_FILE") {
            entry.password_file = Some(path.into());
        }
        if let Some(path) = variable("CERTADM_DATA_DIRECTORY") {
            entry.data_directory = Some(path.into());
        }
        Ok(Settings { entry })
    }

    /// Account and password.
    pub(crate) fn credentials(&self) -> Result<Credentials, SettingsError> {
        let account = self.entry.user.as_deref().filter(|user| !user.is_empty()).ok_or(SettingsError::NoAccount)?;
        let (domain, user) = split_account(account);
        let Some(path) = &self.entry.password_file else {
            return Err(SettingsError::NoPassword { account: account.to_owned() });
        };
        // Large enough from the start: growing would leave copies of the password behind.
        let mut text = Zeroizing::new(String::with_capacity(LARGEST_PASSWORD));
        read(path, access::Secret::Yes, LARGEST_PASSWORD, &mut text)?;
        let line = text.split('\n').next().unwrap_or_default();
        let password = Zeroizing::new(line.strip_suffix('\r').unwrap_or(line).to_owned());
        if password.is_empty() {
            return Err(SettingsError::EmptyPassword { path: path.clone() });
        }
        Ok(Credentials { domain: domain.to_owned(), user: user.to_owned(), password })
    }

    /// How long to wait for the server.
    pub(crate) fn options(&self) -> Options {
        let default = Options::default();
        Options {
            connect_timeout: self.entry.connect_timeout.map_or(default.connect_timeout, Duration::from_secs),
            call_timeout: self.entry.call_timeout.map_or(default.call_timeout, Duration::from_secs),
        }
    }

    /// The data directory of the certsrvd on this machine.
    pub(crate) fn data_directory(&self) -> &Path {
        self.entry.data_directory.as_deref().unwrap_or(Path::new(DATA_DIRECTORY))
    }
}

impl Document {
    /// What the file says for a server: its own table, and what that leaves out from the one for all.
    fn entry(self, host: &str) -> Entry {
        let own = self.server.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(host));
        let own = own.map_or_else(Entry::default, |(_, entry)| entry);
        let default = self.default;
        // Account and password belong together.
        let (user, password_file) = match own.user {
            Some(user) => (Some(user), own.password_file),
            None => (default.user, own.password_file.or(default.password_file)),
        };
        Entry {
            user,
            password_file,
            connect_timeout: own.connect_timeout.or(default.connect_timeout),
            call_timeout: own.call_timeout.or(default.call_timeout),
            data_directory: own.data_directory.or(default.data_directory),
        }
    }
}

/// The file that `CERTADM_CONFIG` names, else the first that exists: the user's, the machine's.
fn configuration_file(variable: &dyn Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    if let Some(path) = variable("CERTADM_CONFIG") {
        return Some(path.into());
    }
    let folders = if cfg!(windows) {
        [variable("APPDATA").map(PathBuf::from), variable("ProgramData").map(PathBuf::from)]
    } else {
        let home = || variable("HOME").map(|home| Path::new(&home).join(".config"));
        [variable("XDG_CONFIG_HOME").map(PathBuf::from).or_else(home), Some(PathBuf::from("/etc"))]
    };
    folders.into_iter().flatten().map(|folder| folder.join("certadm.toml")).find(|path| path.exists())
}

fn read_document(path: &Path) -> Result<Document, SettingsError> {
    let form = |problem: String| SettingsError::Form { path: path.to_owned(), problem };
    let mut text = String::new();
    read(path, access::Secret::No, LARGEST_CONFIGURATION, &mut text)?;
    let mut document: Document = toml::from_str(&text).map_err(|error| {
        let line = error.span().map_or(1, |span| text.get(..span.start).unwrap_or_default().matches('\n').count() + 1);
        form(format!("line {line}: {}", error.message()))
    })?;
    // Relative to the file, not to where the program happens to run.
    let folder = path.parent().unwrap_or(Path::new(""));
    for entry in std::iter::once(&mut document.default).chain(document.server.values_mut()) {
        entry.password_file = entry.password_file.take().map(|file| folder.join(file));
        entry.data_directory = entry.data_directory.take().map(|directory| folder.join(directory));
        if [entry.connect_timeout, entry.call_timeout].contains(&Some(0)) {
            return Err(form("a timeout of 0 seconds".to_owned()));
        }
        if entry.user.as_deref().is_some_and(|user| user.contains(char::is_control)) {
            return Err(form(r"a user with a control character; write it in single quotes: 'DOMAIN\name'".to_owned()));
        }
    }
    let with_more = |name: &&String| name.parse::<Target>().map_or(true, |target| target != Target::new(name.as_str()));
    if let Some(name) = document.server.keys().find(with_more) {
        return Err(form(format!("server.\"{name}\" is not the name of a host alone, without port and CA")));
    }
    Ok(document)
}

fn read(path: &Path, secret: access::Secret, most: usize, into: &mut String) -> Result<(), SettingsError> {
    let failed = |source| SettingsError::Read { path: path.to_owned(), source };
    let file = File::open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if let Some(problem) = access::problem(&metadata, secret) {
        return Err(SettingsError::Exposed { path: path.to_owned(), problem });
    }
    file.take(most as u64).read_to_string(into).map(drop).map_err(failed)
}

/// Who else may read or change a file.
mod access {
    use std::fs::Metadata;

    /// Whether reading it must be reserved.
    #[derive(Clone, Copy, PartialEq, Eq)]
    pub(super) enum Secret {
        Yes,
        No,
    }

    /// What is wrong with the owner or the mode of a file. A group may read a secret, as is usual for services.
    #[cfg(unix)]
    pub(super) fn problem(metadata: &Metadata, secret: Secret) -> Option<&'static str> {
        use std::os::unix::fs::MetadataExt;

        let user = rustix::process::geteuid().as_raw();
        let mode = metadata.mode();
        if !metadata.is_file() {
            Some("is not a regular file")
        } else if metadata.uid() != 0 && metadata.uid() != user {
            Some("belongs neither to root nor to this user")
        } else if mode & 0o022 != 0 {
            Some("can be changed by others")
        } else if secret == Secret::Yes && mode & 0o007 != 0 {
            Some("can be read by everybody")
        } else {
            None
        }
    }

    /// Windows has lists, which are the administrator's.
    #[cfg(windows)]
    pub(super) fn problem(metadata: &Metadata, _secret: Secret) -> Option<&'static str> {
        (!metadata.is_file()).then_some("is not a regular file")
    }
}

#[cfg(test)]
mod tests;
