//! A certification authority of the real program, on loopback, with an account for backups.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use certadm::{BackupKind, BackupSession, Cancel, Credentials, FileName, Options, ReadHint, Server};
use serde_json::Value;
use testkit::process::{Child, bin};

use crate::tools::{fail, succeed};

const PATIENCE: Duration = Duration::from_secs(60);
const PASSWORD: &str = "Secret-Password-1";

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

/// The CA, in a directory of its own.
pub(crate) struct Ca {
    directory: tempfile::TempDir,
    server: Option<Child>,
    pub(crate) target: String,
}

impl Ca {
    pub(crate) fn start() -> Self {
        let mut ca = Ca { directory: tempfile::tempdir().unwrap(), server: None, target: String::new() };
        fs::write(ca.path("pass"), "a passphrase\n").unwrap();
        ca.password(PASSWORD);
        let pass = ca.path("pass").display().to_string();
        ca.certsrvd(&["init", "--name", "Test CA", "--key-type", "p-256", "--passphrase-file", &pass])
            .args(["--listen", "127.0.0.1", "--endpoint-mapper-port", "0"])
            .output()
            .map(|output| assert!(output.status.success(), "{output:?}"))
            .unwrap();
        let password = ca.path("password").display().to_string();
        succeed(&mut ca.certsrvd(&["account", "add", "backup", "--role", "operator", "--password-file", &password]));
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
        let mut command = self.certsrvd(&["serve", "--json", "--passphrase-file"]);
        command.arg(self.path("pass")).stdin(Stdio::null()).stderr(Stdio::null());
        let mut server = Child::start(&mut command).unwrap();
        let ready = |line: &str| {
            let event: Value = serde_json::from_str(line).ok()?;
            event["endpoint_mapper"].as_str().map(str::to_owned)
        };
        self.target = server.wait_for(PATIENCE, ready).unwrap();
        self.server = Some(server);
    }

    pub(crate) fn stop(&mut self) {
        self.server.take().unwrap().stop(PATIENCE).unwrap();
    }

    /// Starts a server that must not become one; returns its exit code and what it says.
    pub(crate) fn refuses_to_serve(&self) -> (i32, String) {
        fail(self.certsrvd(&["serve", "--passphrase-file"]).arg(self.path("pass")))
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

    /// What the password file of the account says.
    pub(crate) fn password(&self, text: &str) {
        fs::write(self.path("password"), text).unwrap();
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(self.path("password"), fs::Permissions::from_mode(0o600)).unwrap();
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// A program that uses the library, with the account in its environment.
    pub(crate) fn program(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.directory.path())
            .env("CERTADM_USER", "backup")
            .env("CERTADM_PASSWORD_FILE", self.path("password"))
            .env("CERTADM_DATA_DIRECTORY", self.path("ca"))
            .env("CERTADM_LOG", "stderr")
            .env("XDG_CONFIG_HOME", self.directory.path())
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
        let credentials =
            Credentials { domain: String::new(), user: "backup".to_owned(), password: PASSWORD.to_owned().into() };
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
