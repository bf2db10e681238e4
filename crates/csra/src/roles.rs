//! What a caller is to the CA, and which of its interfaces an administrator has closed.

use bitflags::bitflags;

bitflags! {
    /// CA permissions and roles, \[MS-CSRA\] 3.1.1.7; what GetMyRoles returns.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
    pub struct Roles: u32 {
        /// Manages the CA.
        const ADMINISTRATOR = 0x0000_0001;
        /// Manages certificates and requests.
        const OFFICER = 0x0000_0002;
        /// Manages the audit filter: Read and the security privilege.
        const AUDITOR = 0x0000_0004;
        /// Backs up and restores: Read and the backup privilege.
        const OPERATOR = 0x0000_0008;
        /// Reads the database and the configuration.
        const READ = 0x0000_0100;
        /// Requests certificates.
        const ENROLL = 0x0000_0200;
    }
}

impl Roles {
    /// The roles of a caller with `permissions` in the CA's security descriptor and these privileges on its machine.
    ///
    /// Administrator, Officer and Enroll imply Read. Operator and Auditor are no permissions: they are Read, implied or not,
    /// and SeBackupPrivilege or SeSecurityPrivilege; the bits in `permissions` do not count.
    #[must_use]
    pub fn from_permissions(permissions: Self, backup_privilege: bool, security_privilege: bool) -> Self {
        let mut roles = permissions.difference(Self::OPERATOR | Self::AUDITOR);
        if roles.intersects(Self::ADMINISTRATOR | Self::OFFICER | Self::ENROLL) {
            roles |= Self::READ;
        }
        if roles.contains(Self::READ) {
            roles.set(Self::OPERATOR, backup_privilege);
            roles.set(Self::AUDITOR, security_privilege);
        }
        roles
    }

    /// These roles and what they include: each of the others includes Read, by implication (Administrator, Officer, Enroll)
    /// or by definition (Operator, Auditor).
    #[must_use]
    pub fn effective(self) -> Self {
        if self.is_empty() { self } else { self | Self::READ }
    }
}

bitflags! {
    /// The configuration value InterfaceFlags, \[MS-CSRA\] 3.1.1.10 (Config_CA_Interface_Flags).
    ///
    /// Bits that are not named here are kept.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
    pub struct InterfaceFlags: u32 {
        /// IF_LOCKICERTREQUEST.
        const LOCK_REQUEST = 0x0000_0001;
        /// IF_NOREMOTEICERTREQUEST.
        const NO_REMOTE_REQUEST = 0x0000_0002;
        /// IF_NOLOCALICERTREQUEST.
        const NO_LOCAL_REQUEST = 0x0000_0004;
        /// IF_NORPCICERTREQUEST.
        const NO_RPC_REQUEST = 0x0000_0008;
        /// IF_NOREMOTEICERTADMIN: no administration from other machines.
        const NO_REMOTE_ADMIN = 0x0000_0010;
        /// IF_NOLOCALICERTADMIN: no administration from this machine.
        const NO_LOCAL_ADMIN = 0x0000_0020;
        /// IF_NOREMOTEICERTADMINBACKUP: no backup from other machines. Set on a new Windows CA.
        const NO_REMOTE_ADMIN_BACKUP = 0x0000_0040;
        /// IF_NOLOCALICERTADMINBACKUP: no backup from this machine.
        const NO_LOCAL_ADMIN_BACKUP = 0x0000_0080;
        /// IF_NOSNAPSHOTBACKUP.
        const NO_SNAPSHOT_BACKUP = 0x0000_0100;
        /// IF_ENFORCEENCRYPTICERTREQUEST.
        const ENFORCE_ENCRYPT_REQUEST = 0x0000_0200;
        /// IF_ENFORCEENCRYPTICERTADMIN: packet privacy; required here whether it is set or not.
        const ENFORCE_ENCRYPT_ADMIN = 0x0000_0400;
        /// IF_ENABLEEXITKEYRETRIEVAL.
        const ENABLE_EXIT_KEY_RETRIEVAL = 0x0000_0800;
        /// IF_ENABLEADMINASAUDITOR: the audit filter is the Administrator's, not the Auditor's.
        const ENABLE_ADMIN_AS_AUDITOR = 0x0000_1000;

        const _ = !0;
    }
}
