//! A certification authority of the real program, on loopback, with an account for backups.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

use certadm::{BackupKind, BackupSession, Cancel, Credentials, FileName, Options, ReadHint, Server};
use serde_json::Value;
use testkit::process::bin;

use crate::tools::{fail, succeed};

/// Files by their names.
pub(crate) type Files = BTreeMap<String, Content>;

/// The bytes of a file. A test that fails says how many they are.
#[derive(PartialEq, Eq)]
pub(crate) struct Content(pub(crate) Vec<u8>);

impl Content {
    /// Without its last page: a copy of a database ends with a page that says where in the logs the copy began.
    pub(crate) fn without_trailer(&self) -> Content {
        Content(self.0[..self.0.len() - 4096].to_vec())
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut hash = DefaultHasher::new();
        self.0.hash(&mut hash);
        write!(f, "{} bytes {:016x}", self.0.len(), hash.finish())
    }
}

/// The CA, and a request that it can be asked to grant.
pub(crate) struct Ca {
    ca: testkit::ca::Ca,
    pub(crate) target: String,
}

impl Ca {
    pub(crate) fn start() -> Self {
        let mut ca = Ca { ca: testkit::ca::Ca::new().unwrap(), target: String::new() };
        let mut request = Command::new("openssl");
        request.args([
            "req",
            "-new",
            "-noenc",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-subj",
            "/CN=x",
        ]);
        succeed(request.arg("-keyout").arg(ca.path("key")).arg("-out").arg(ca.path("csr")));
        ca.serve();
        ca
    }

    pub(crate) fn serve(&mut self) {
        self.ca.start().unwrap();
        self.target = self.ca.target().to_owned();
    }

    pub(crate) fn stop(&mut self) {
        self.ca.stop().unwrap();
    }

    /// Starts a server that must not become one; returns its exit code and what it says.
    pub(crate) fn refuses_to_serve(&self) -> (i32, String) {
        fail(self.certsrvd(&["serve", "--passphrase-file"]).arg(self.path("passphrase")))
    }

    pub(crate) fn issue(&self, count: usize) {
        for _ in 0..count {
            succeed(self.certsrvd(&["request", "submit"]).arg(self.path("csr")));
        }
    }

    /// The serial numbers of all certificates.
    pub(crate) fn serials(&self) -> Vec<String> {
        let list: Value =
            serde_json::from_str(&succeed(&mut self.certsrvd(&["--json", "certificate", "list"]))).unwrap();
        let certificates = list["certificates"].as_array().unwrap();
        certificates.iter().map(|certificate| certificate["serial"].as_str().unwrap().to_owned()).collect()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.ca.path(name)
    }

    /// A program that uses the library, with the account in its environment.
    pub(crate) fn program(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.path(""))
            .env("CERTADM_USER", testkit::ca::Ca::USER)
            .env("CERTADM_PASSWORD_FILE", self.ca.password_file())
            .env("CERTADM_DATA_DIRECTORY", self.path("ca"))
            .env("CERTADM_LOG", "stderr")
            .env("XDG_CONFIG_HOME", self.path(""))
            .env_remove("CERTADM_CONFIG");
        command
    }

    /// The closed logs, as they lie on the server's disk.
    pub(crate) fn own_logs(&self) -> Files {
        let mut files = files(&self.path("ca/log"));
        files.retain(|name, _| name.len() == "edb00001.log".len());
        files
    }

    /// The database, as it lies on the server's disk.
    pub(crate) fn own_database(&self) -> Content {
        read(&self.path("ca/database/Test CA.db"))
    }

    /// What another client reads.
    pub(crate) fn read_by_another_client(&self) -> Files {
        let credentials = Credentials {
            domain: String::new(),
            user: testkit::ca::Ca::USER.to_owned(),
            password: testkit::ca::Ca::PASSWORD.to_owned().into(),
        };
        let target = self.target.parse().unwrap();
        let server = Server::connect(&target, &credentials, &Options::default(), &Cancel::new()).unwrap();
        let mut session = server.prepare_backup(BackupKind::Full).unwrap();
        let mut files = Files::new();
        let databases = session.database_names().unwrap();
        store(&mut session, databases, &mut files);
        let logs = session.backup_logs().unwrap();
        store(&mut session, logs, &mut files);
        session.end().unwrap();
        files
    }

    fn certsrvd(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(bin("certsrvd").unwrap());
        command.arg("--data-dir").arg(self.path("ca")).args(arguments);
        command
    }
}

fn store(session: &mut BackupSession, names: Vec<FileName>, files: &mut Files) {
    for name in names {
        let mut file = session.open(&name, ReadHint::default()).unwrap();
        let mut bytes = Vec::new();
        std::io::copy(&mut file, &mut bytes).unwrap();
        file.close().unwrap();
        files.insert(name.local_name().unwrap().to_owned(), Content(bytes));
    }
}

/// The files of a directory.
pub(crate) fn files(directory: &Path) -> Files {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap());
    entries.map(|entry| (entry.file_name().into_string().unwrap(), read(&entry.path()))).collect()
}

fn read(path: &Path) -> Content {
    Content(fs::read(path).unwrap())
}
