//! Names of files in the CA's own terms: `\\<host>\CertSrv$\DataBase\<name>.db`. There is no such share; the names only have the
//! form that clients expect of a Windows CA. A client that restores hands them back.

const SHARE: &str = "CertSrv$";

/// What the names distinguish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Folder {
    /// The database; and the checkpoint, which is part of it.
    Database,
    /// Transaction logs.
    Log,
    /// Files that clients copy by other means.
    Enrollment,
}

impl Folder {
    /// Its name on a host.
    pub(crate) fn on(self, host: &str) -> String {
        format!(r"\\{host}\{SHARE}\{}", self.component())
    }

    /// Whether a name is that of this folder, on whichever host: what is restored may come from a CA on another one.
    pub(crate) fn is(self, name: &str) -> bool {
        let parts: Vec<&str> =
            name.strip_prefix(r"\\").unwrap_or_default().trim_end_matches('\\').split('\\').collect();
        matches!(parts.as_slice(), [host, share, folder]
            if !host.is_empty() && share.eq_ignore_ascii_case(SHARE) && folder.eq_ignore_ascii_case(self.component()))
    }

    fn component(self) -> &'static str {
        match self {
            Folder::Database => "DataBase",
            Folder::Log => "Log",
            Folder::Enrollment => "CertEnroll",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_known_by_its_name_on_any_host() {
        for (name, is_log) in [
            (Folder::Log.on("ca01").as_str(), true),
            (r"\\ca02.corp.example\certsrv$\LOG\", true),
            (Folder::Database.on("ca01").as_str(), false),
            (r"\\ca01\CertSrv$\Log\edb00001.log", false),
            (r"\\ca01\Backup$\Log", false),
            (r"\\\CertSrv$\Log", false),
            (r"\ca01\CertSrv$\Log", false),
            ("/var/lib/certsrvd/log", false),
            ("", false),
        ] {
            assert_eq!(Folder::Log.is(name), is_log, "{name}");
        }
    }
}
