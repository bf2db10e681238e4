//! Privileges of this process: what Microsoft's "Setting the Backup and Restore Privileges" does.
//!
//! They count for a CA on this machine. A CA elsewhere looks at the caller's token there, which the rights that the account has
//! on that machine make.

use std::io;
use std::ptr;

use thiserror::Error;
use windows_sys::Win32::Foundation::{CloseHandle, ERROR_NOT_ALL_ASSIGNED, GetLastError, HANDLE, LUID};
use windows_sys::Win32::Security::{
    AdjustTokenPrivileges, LUID_AND_ATTRIBUTES, LookupPrivilegeValueW, SE_PRIVILEGE_ENABLED, TOKEN_ADJUST_PRIVILEGES,
    TOKEN_PRIVILEGES, TOKEN_QUERY,
};
use windows_sys::Win32::System::Threading::{GetCurrentProcess, OpenProcessToken};

/// A privilege that the functions of Certadm.dll need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Privilege {
    /// SeBackupPrivilege: to back up.
    Backup,
    /// SeRestorePrivilege: to restore.
    Restore,
}

impl Privilege {
    /// The name of the privilege.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Privilege::Backup => "SeBackupPrivilege",
            Privilege::Restore => "SeRestorePrivilege",
        }
    }
}

/// Why a privilege cannot be enabled.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PrivilegeError {
    /// The account does not have it, or this process runs without it.
    #[error("this process does not have {}", privilege.name())]
    NotHeld {
        /// Which one.
        privilege: Privilege,
    },
    /// The system refuses.
    #[error("cannot enable {}", privilege.name())]
    System {
        /// Which one.
        privilege: Privilege,
        /// What the system says.
        #[source]
        source: io::Error,
    },
}

impl PrivilegeError {
    /// The next thing to do, for a person.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        "run it elevated, as a member of Administrators or of Backup Operators"
    }
}

/// Enables a privilege in the token of this process, for as long as it runs.
///
/// # Errors
/// [`PrivilegeError`].
pub fn enable(privilege: Privilege) -> Result<(), PrivilegeError> {
    let system = |source| PrivilegeError::System { privilege, source };
    let token = Token::of_this_process().map_err(system)?;
    let name: Vec<u16> = privilege.name().encode_utf16().chain([0]).collect();
    let mut id = LUID::default();
    // SAFETY: NULL stands for this machine; a string with its NUL; a place for the result.
    if unsafe { LookupPrivilegeValueW(ptr::null(), name.as_ptr(), &raw mut id) } == 0 {
        return Err(system(io::Error::last_os_error()));
    }
    let wanted = TOKEN_PRIVILEGES {
        PrivilegeCount: 1,
        Privileges: [LUID_AND_ATTRIBUTES { Luid: id, Attributes: SE_PRIVILEGE_ENABLED }],
    };
    // SAFETY: a token that is open for this, a list of one privilege; the previous state is not asked for.
    let adjusted = unsafe { AdjustTokenPrivileges(token.0, 0, &raw const wanted, 0, ptr::null_mut(), ptr::null_mut()) };
    // SAFETY: it only reads the error of this thread.
    let error = unsafe { GetLastError() };
    if adjusted == 0 {
        return Err(system(io::Error::from_raw_os_error(error.cast_signed())));
    }
    // The function succeeds also when it has not enabled anything.
    if error == ERROR_NOT_ALL_ASSIGNED {
        return Err(PrivilegeError::NotHeld { privilege });
    }
    Ok(())
}

/// An access token, closed when dropped.
struct Token(HANDLE);

impl Token {
    fn of_this_process() -> io::Result<Self> {
        // SAFETY: it returns a constant that needs no closing.
        let process = unsafe { GetCurrentProcess() };
        let mut token = ptr::null_mut();
        // SAFETY: a handle of this process, and a place for the result.
        if unsafe { OpenProcessToken(process, TOKEN_ADJUST_PRIVILEGES | TOKEN_QUERY, &raw mut token) } == 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(Token(token))
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        // SAFETY: the handle was opened here and is not used any more.
        let _ = unsafe { CloseHandle(self.0) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_administrator_can_enable_both() {
        for privilege in [Privilege::Backup, Privilege::Restore] {
            assert_eq!(enable(privilege).map_err(|error| error.to_string()), Ok(()));
        }
    }
}
