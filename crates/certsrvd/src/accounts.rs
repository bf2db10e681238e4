//! Accounts for the network: names, NT hashes and roles, in a file of their own with mode 0600.

use std::collections::BTreeSet;
use std::fmt;
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use md4::{Digest, Md4};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use crate::durable;

/// What an account may do, [MS-CSRA] 3.1.1.7.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Configures the CA.
    Administrator,
    /// Approves, denies and revokes.
    Officer,
    /// Reads and sets up the audit log.
    Auditor,
    /// Backs up and restores.
    Operator,
    /// Reads.
    Read,
    /// Requests certificates.
    Enroll,
}

impl Role {
    /// The bit of the role in GetMyRoles.
    pub const fn bit(self) -> u32 {
        match self {
            Self::Administrator => 0x1,
            Self::Officer => 0x2,
            Self::Auditor => 0x4,
            Self::Operator => 0x8,
            Self::Read => 0x100,
            Self::Enroll => 0x200,
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Administrator => "administrator",
            Self::Officer => "officer",
            Self::Auditor => "auditor",
            Self::Operator => "operator",
            Self::Read => "read",
            Self::Enroll => "enroll",
        })
    }
}

/// MD4 over the password in UTF-16LE (NTOWFv1, [MS-NLMP] 3.3.1). As good as the password itself: keep it secret.
#[derive(Clone, PartialEq, Eq)]
pub struct NtHash([u8; 16]);

impl NtHash {
    /// Hashes a password.
    pub fn of_password(password: &str) -> Self {
        let units = Zeroizing::new(password.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>());
        Self(Md4::digest(units.as_slice()).into())
    }

    /// Reads the 32 hexadecimal digits of the file.
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut hash = [0; 16];
        hex::decode_to_slice(text, &mut hash).ok()?;
        Some(Self(hash))
    }

    /// The 16 bytes.
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// 32 lower-case hexadecimal digits.
    pub fn to_hex(&self) -> Zeroizing<String> {
        Zeroizing::new(hex::encode(self.0))
    }
}

impl Drop for NtHash {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for NtHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NtHash(..)")
    }
}

impl Serialize for NtHash {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_hex())
    }
}

impl<'de> Deserialize<'de> for NtHash {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Zeroizing::new(String::deserialize(deserializer)?);
        Self::from_hex(&text).ok_or_else(|| serde::de::Error::custom("an NT hash is 32 hexadecimal digits"))
    }
}

/// One account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// The user name; case does not matter.
    pub name: String,
    /// Hash of the password.
    pub nt_hash: NtHash,
    /// What it may do.
    pub roles: BTreeSet<Role>,
}

impl Account {
    /// OR of the bits of the roles. Administrator, Officer and Enroll imply Read; so do Operator and Auditor, for they
    /// are Read with a privilege.
    pub fn role_bits(&self) -> u32 {
        let bits = self.roles.iter().fold(0, |bits, role| bits | role.bit());
        if bits == 0 { 0 } else { bits | Role::Read.bit() }
    }

    /// Whether it has two of the roles that role separation keeps apart.
    pub fn mixes_roles(&self) -> bool {
        (self.role_bits() & 0xF).count_ones() > 1
    }
}

/// The accounts of a CA.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountList {
    /// In the order of the file.
    #[serde(default, rename = "account")]
    pub accounts: Vec<Account>,
}

impl AccountList {
    /// Parses the text of an accounts file.
    ///
    /// # Errors
    /// A sentence that says what is wrong. It never quotes the file, which holds secrets.
    pub fn parse(text: &str) -> Result<Self, String> {
        let list: Self = toml::from_str(text).map_err(|error| match error.span() {
            Some(span) => format!("line {}: {}", line_of(text, span.start), error.message()),
            None => error.message().to_owned(),
        })?;
        for (index, account) in list.accounts.iter().enumerate() {
            check_account_name(&account.name)?;
            if list.accounts.iter().take(index).any(|other| same_name(&other.name, &account.name)) {
                return Err(format!("the account {} is there twice", account.name));
            }
        }
        Ok(list)
    }

    /// The account with this name.
    pub fn find(&self, name: &str) -> Option<&Account> {
        self.accounts.iter().find(|account| same_name(&account.name, name))
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|&byte| byte == b'\n').count()
}

fn same_name(left: &str, right: &str) -> bool {
    left.to_lowercase() == right.to_lowercase()
}

/// Whether an account can have this name: what a Windows account name allows, at most 64 characters.
///
/// # Errors
/// A sentence that says what is wrong.
pub fn check_account_name(name: &str) -> Result<(), String> {
    let bad = |c: char| c.is_control() || "\"/\\[]:;|=,+*?<>@".contains(c);
    if name.trim() != name || name.is_empty() || name.chars().count() > 64 || name.contains(bad) {
        return Err(format!("{name:?} is no account name"));
    }
    Ok(())
}

/// The accounts file. Readers see a change at their next look, whoever made it.
#[derive(Debug)]
pub struct AccountFile {
    path: PathBuf,
    cache: Mutex<Option<(Stamp, AccountList)>>,
}

/// What changes when somebody replaces or edits the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl AccountFile {
    /// The file at `path`; nothing is read yet.
    pub fn new(path: PathBuf) -> Self {
        Self { path, cache: Mutex::new(None) }
    }

    /// Adds an account.
    ///
    /// # Errors
    /// [`AccountError::Exists`], or what [`AccountFile::list`] says.
    pub fn add(&self, account: Account) -> Result<(), AccountError> {
        check_account_name(&account.name).map_err(|problem| AccountError::InvalidName { problem })?;
        let mut list = self.list()?;
        if list.find(&account.name).is_some() {
            return Err(AccountError::Exists { name: account.name });
        }
        list.accounts.push(account);
        self.write(&list)
    }

    /// Removes an account and returns it.
    ///
    /// # Errors
    /// [`AccountError::Unknown`], or what [`AccountFile::list`] says.
    pub fn remove(&self, name: &str) -> Result<Account, AccountError> {
        let mut list = self.list()?;
        let index = list.accounts.iter().position(|account| same_name(&account.name, name));
        let Some(index) = index else {
            return Err(AccountError::Unknown { name: name.to_owned() });
        };
        let account = list.accounts.remove(index);
        self.write(&list)?;
        Ok(account)
    }

    /// The accounts as the file has them now.
    ///
    /// # Errors
    /// [`AccountError::Permissions`] when others can read or write the file, [`AccountError::Invalid`] when it cannot be
    /// understood, [`AccountError::Io`].
    pub fn list(&self) -> Result<AccountList, AccountError> {
        let io = |source| AccountError::Io { path: self.path.clone(), source };
        let mut cache = self.cache.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut file = File::open(&self.path).map_err(io)?;
        let metadata = file.metadata().map_err(io)?;
        self.check_permissions(&metadata)?;
        let stamp = Stamp::of(&metadata);
        if let Some((cached, list)) = &*cache
            && *cached == stamp
        {
            return Ok(list.clone());
        }
        let mut text = Zeroizing::new(String::new());
        file.read_to_string(&mut text).map_err(io)?;
        let list =
            AccountList::parse(&text).map_err(|problem| AccountError::Invalid { path: self.path.clone(), problem })?;
        *cache = Some((stamp, list.clone()));
        Ok(list)
    }

    fn write(&self, list: &AccountList) -> Result<(), AccountError> {
        let text = toml::to_string(list)
            .map(Zeroizing::new)
            .map_err(|error| AccountError::Invalid { path: self.path.clone(), problem: error.to_string() })?;
        durable::replace(&self.path, text.as_bytes(), 0o600)
            .map_err(|source| AccountError::Io { path: self.path.clone(), source })?;
        *self.cache.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = None;
        Ok(())
    }

    fn check_permissions(&self, metadata: &Metadata) -> Result<(), AccountError> {
        let mode = metadata.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(AccountError::Permissions { path: self.path.clone(), mode });
        }
        Ok(())
    }
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Self {
            inode: metadata.ino(),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

/// Writes an empty accounts file; refuses when there is one.
///
/// # Errors
/// `AlreadyExists`, or what the file system says.
pub fn create_empty(path: &Path) -> io::Result<()> {
    durable::create(path, b"# Accounts of certsrvd. Change them with: certsrvd account add | remove\n", 0o600)?;
    debug_assert!(fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o077 == 0));
    Ok(())
}

/// What can be wrong with accounts.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AccountError {
    /// Others than the owner can read or write the file.
    #[error("{path} has mode {mode:04o}: others can read or change the accounts; it must be 0600")]
    Permissions {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file cannot be understood.
    #[error("{path} is not valid: {problem}")]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong; quotes nothing from the file.
        problem: String,
    },
    /// The name is none.
    #[error("{problem}")]
    InvalidName {
        /// What is wrong.
        problem: String,
    },
    /// There is such an account already.
    #[error("there is an account {name} already")]
    Exists {
        /// Its name.
        name: String,
    },
    /// There is no such account.
    #[error("there is no account {name}")]
    Unknown {
        /// The name asked for.
        name: String,
    },
    /// The file cannot be read or written.
    #[error("cannot use the accounts file {path}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}
