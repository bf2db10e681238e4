//! The configuration file, `certsrvd.toml`.

use std::fmt;
use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::key::SignatureHash;

/// Everything an administrator can set. Every key but the CA's name has a default; an unknown key is an error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Configuration {
    /// Where the CA's files are; relative to the configuration file. Default: the directory of the configuration file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_directory: Option<PathBuf>,
    /// `[authority]`
    pub authority: Authority,
    /// `[issuing]`
    #[serde(default)]
    pub issuing: Issuing,
    /// `[crl]`
    #[serde(default)]
    pub crl: Crl,
    /// `[database]`
    #[serde(default)]
    pub database: Database,
    /// `[server]`
    #[serde(default)]
    pub server: Server,
    /// `[accounts]`
    #[serde(default)]
    pub accounts: Accounts,
}

/// `[authority]`: what the CA is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Authority {
    /// The CA's name: its common name, and the name of its database.
    pub name: String,
    /// Hash below RSA signatures.
    #[serde(default)]
    pub signature_hash: SignatureHash,
}

/// `[issuing]`: which requests become which certificates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Issuing {
    /// What happens to a request that the policy accepts.
    pub request_disposition: RequestDisposition,
    /// Validity of issued certificates; never past that of the CA.
    pub validity_days: u32,
    /// Certificates and CRLs are valid from this long ago, for clocks that are slow.
    pub clock_skew_minutes: u32,
    /// Smallest RSA key that is certified.
    pub minimum_rsa_bits: u32,
    /// Kinds of alternative names that are carried over: `dns`, `ip`, `email`, `uri`, `upn`.
    pub subject_alternative_names: Vec<AlternativeName>,
    /// Extended key usages of a request that asks for none. Names or OIDs.
    pub extended_key_usages: Vec<String>,
    /// Extended key usages that a request may ask for. Names or OIDs.
    pub allowed_extended_key_usages: Vec<String>,
    /// URLs of the CRL, for the extension CRL distribution points.
    pub crl_distribution_points: Vec<String>,
    /// URLs of the CA's certificate, for the extension authority information access.
    pub authority_information_access: Vec<String>,
}

/// What happens to a request that the policy accepts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum RequestDisposition {
    /// It is issued at once.
    #[default]
    Issue,
    /// It waits for an officer.
    Pending,
}

/// Kind of a subject alternative name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AlternativeName {
    /// dNSName
    Dns,
    /// iPAddress
    Ip,
    /// rfc822Name
    Email,
    /// uniformResourceIdentifier
    Uri,
    /// otherName with a user principal name (1.3.6.1.4.1.311.20.2.3)
    Upn,
}

/// `[crl]`: revocation lists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Crl {
    /// A new list is due this long after the last.
    pub period_hours: u32,
    /// A list stays valid this much longer than the period.
    pub overlap_hours: u32,
    /// Whether a running server publishes the list by itself when it is due.
    pub automatic: bool,
}

/// `[database]`: where the data are and how they are logged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Database {
    /// Directory of the transaction logs; relative to the data directory.
    pub log_directory: PathBuf,
    /// Size at which a log is closed, in KiB.
    pub log_size_kib: u64,
    /// Circular logging: logs that are no longer needed are deleted at once. There are no incremental backups then.
    pub circular_logging: bool,
}

/// `[server]`: the network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Server {
    /// Address to listen on.
    pub listen: IpAddr,
    /// Port of the endpoint mapper and of activation; 0 takes a free one.
    pub endpoint_mapper_port: u16,
    /// Port of the objects; 0 takes a free one.
    pub object_port: u16,
    /// Name of this host in the names of backup files (UNC) and in bindings. Default: what the system calls itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host_name: Option<String>,
    /// InterfaceFlags, [MS-CSRA] 3.1.1.10.
    pub interface_flags: u32,
    /// Role separation: an account with two of the CIMC roles is refused everything.
    pub role_separation: bool,
}

/// `[accounts]`: lock-out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Accounts {
    /// Failures after which an account is locked; 0 never locks.
    pub lockout_threshold: u32,
    /// How long it is locked, and how long failures count, in minutes.
    pub lockout_minutes: u32,
}

impl Configuration {
    /// The configuration that `init` writes.
    pub fn for_authority(name: &str) -> Self {
        Self {
            data_directory: None,
            authority: Authority { name: name.to_owned(), signature_hash: SignatureHash::default() },
            issuing: Issuing::default(),
            crl: Crl::default(),
            database: Database::default(),
            server: Server::default(),
            accounts: Accounts::default(),
        }
    }

    /// Reads a configuration file.
    ///
    /// # Errors
    /// [`ConfigurationError::Missing`], [`ConfigurationError::Unreadable`], or what [`Configuration::parse`] finds.
    pub fn load(path: &Path) -> Result<Self, ConfigurationError> {
        let text = fs::read_to_string(path).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => ConfigurationError::Missing { path: path.to_owned() },
            _ => ConfigurationError::Unreadable { path: path.to_owned(), source },
        })?;
        Self::parse(&text).map_err(|problem| ConfigurationError::Invalid { path: path.to_owned(), problem })
    }

    /// Parses the text of a configuration file.
    ///
    /// # Errors
    /// A sentence that says what is wrong, with the line where there is one.
    pub fn parse(text: &str) -> Result<Self, String> {
        let configuration: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        configuration.check()?;
        Ok(configuration)
    }

    /// The text of the file.
    ///
    /// # Errors
    /// When a value has no TOML form, which a parsed one always has.
    pub fn to_toml(&self) -> Result<String, toml::ser::Error> {
        toml::to_string(self)
    }

    /// The data directory, given where the configuration file is.
    pub fn data_directory(&self, file: &Path) -> PathBuf {
        let base = crate::durable::parent(file);
        match &self.data_directory {
            Some(directory) => base.join(directory),
            None => base.to_owned(),
        }
    }

    /// The log directory, given the data directory.
    pub fn log_directory(&self, data_directory: &Path) -> PathBuf {
        data_directory.join(&self.database.log_directory)
    }

    pub(crate) fn check(&self) -> Result<(), String> {
        check_authority_name(&self.authority.name)?;
        let limits: [(&str, u64, u64, u64); 6] = [
            ("issuing.validity_days", self.issuing.validity_days.into(), 1, 36_500),
            ("issuing.clock_skew_minutes", self.issuing.clock_skew_minutes.into(), 0, 1_440),
            ("issuing.minimum_rsa_bits", self.issuing.minimum_rsa_bits.into(), 2_048, 8_192),
            ("crl.period_hours", self.crl.period_hours.into(), 1, 87_600),
            ("crl.overlap_hours", self.crl.overlap_hours.into(), 0, 8_760),
            ("database.log_size_kib", self.database.log_size_kib, 64, 1_048_576),
        ];
        for (key, value, low, high) in limits {
            if !(low..=high).contains(&value) {
                return Err(format!("{key} = {value} is out of range, {low} to {high} are allowed"));
            }
        }
        for usage in self.issuing.extended_key_usages.iter().chain(&self.issuing.allowed_extended_key_usages) {
            crate::policy::extended_key_usage(usage).ok_or_else(|| format!("unknown extended key usage {usage:?}"))?;
        }
        for url in self.issuing.crl_distribution_points.iter().chain(&self.issuing.authority_information_access) {
            if !url.is_ascii() || !url.contains(':') || url.chars().any(|c| c.is_ascii_control() || c == ' ') {
                return Err(format!("{url:?} is no URL"));
            }
        }
        if let Some(name) = &self.server.host_name {
            let valid = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
            if name.is_empty() || name.len() > 253 || !name.chars().all(valid) {
                return Err(format!("server.host_name {name:?} is no host name"));
            }
        }
        Ok(())
    }
}

/// Whether a CA can have this name: 1 to 64 characters (the bound of commonName), none of them a control character.
///
/// # Errors
/// A sentence that says what is wrong.
pub fn check_authority_name(name: &str) -> Result<(), String> {
    if name.trim() != name || name.is_empty() || name.chars().count() > 64 || name.chars().any(char::is_control) {
        return Err(format!(
            "{name:?} is no CA name: 1 to 64 characters without control characters and without blanks at the ends"
        ));
    }
    Ok(())
}

impl Default for Issuing {
    fn default() -> Self {
        use AlternativeName::{Dns, Email, Ip, Uri};
        let names = |list: &[&str]| list.iter().map(|&name| name.to_owned()).collect();
        Self {
            request_disposition: RequestDisposition::default(),
            validity_days: 365,
            clock_skew_minutes: 10,
            minimum_rsa_bits: 2048,
            subject_alternative_names: vec![Dns, Ip, Email, Uri],
            extended_key_usages: names(&["serverAuth", "clientAuth"]),
            allowed_extended_key_usages: names(&[
                "serverAuth",
                "clientAuth",
                "codeSigning",
                "emailProtection",
                "timeStamping",
            ]),
            crl_distribution_points: Vec::new(),
            authority_information_access: Vec::new(),
        }
    }
}

impl Default for Crl {
    fn default() -> Self {
        Self { period_hours: 7 * 24, overlap_hours: 12, automatic: true }
    }
}

impl Default for Database {
    fn default() -> Self {
        Self { log_directory: PathBuf::from("log"), log_size_kib: 4096, circular_logging: false }
    }
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            endpoint_mapper_port: 135,
            object_port: 0,
            host_name: None,
            interface_flags: DEFAULT_INTERFACE_FLAGS,
            role_separation: false,
        }
    }
}

impl Default for Accounts {
    fn default() -> Self {
        Self { lockout_threshold: 10, lockout_minutes: 15 }
    }
}

impl fmt::Display for RequestDisposition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Issue => "issue",
            Self::Pending => "pending",
        })
    }
}

/// IF_ENFORCEENCRYPTICERTADMIN: privacy is enforced, remote backup is allowed.
pub const DEFAULT_INTERFACE_FLAGS: u32 = 0x400;

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigurationError {
    /// There is no file: no CA was made here.
    #[error("there is no configuration {path}")]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be read.
    #[error("cannot read the configuration {path}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file says something that cannot be.
    #[error("the configuration {path} is not valid: {problem}")]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
}
