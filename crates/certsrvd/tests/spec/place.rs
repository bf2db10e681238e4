//! Certification authorities in temporary directories, and the tools around them.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::time::Duration;

use certsrvd::audit::Caller;
use certsrvd::authority::{self, Authority, CreateOptions};
use certsrvd::configuration::Configuration;
use certsrvd::data_directory::DataDirectory;
use certsrvd::key::KeyType;
use serde_json::Value;
use tempfile::TempDir;

pub(crate) const PASSPHRASE: &str = "correct horse battery staple";
pub(crate) const NAME: &str = "Test CA";

/// The caller of everything that tests do inside the process.
pub(crate) fn caller() -> Caller {
    Caller::Local { uid: 1000, pid: None }
}

/// A directory with a CA in it, or where one will be.
pub(crate) struct Place {
    directory: TempDir,
}

impl Place {
    pub(crate) fn empty() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    /// A CA on P-256, made by the program itself.
    pub(crate) fn with_authority() -> Self {
        let place = Self::empty();
        place.init(&["--key-type", "p-256"]);
        place
    }

    pub(crate) fn init(&self, arguments: &[&str]) {
        let mut all = vec!["init", "--name", NAME, "--listen", "127.0.0.1", "--endpoint-mapper-port", "0"];
        all.extend(arguments);
        self.ok(&all);
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.path("data")
    }

    pub(crate) fn layout(&self) -> DataDirectory {
        DataDirectory::new(self.data())
    }

    /// `certsrvd` on this CA, with the right passphrase in its environment.
    pub(crate) fn certsrvd(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_certsrvd"));
        command.env_remove("CERTSRVD_CONFIG").env_remove("CREDENTIALS_DIRECTORY").env_remove("CERTSRVD_DATA_DIR");
        command.env("CERTSRVD_PASSPHRASE", PASSPHRASE).stdin(Stdio::null());
        command.arg("--data-dir").arg(self.data()).args(arguments);
        command
    }

    /// Runs a command that must work, and returns what it prints.
    pub(crate) fn ok(&self, arguments: &[&str]) -> String {
        succeed(&mut self.certsrvd(arguments))
    }

    /// Runs a command that must work, with `--json`.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let mut all = vec!["--json"];
        all.extend(arguments);
        serde_json::from_str(&self.ok(&all)).unwrap()
    }

    /// Runs a command that must fail; its exit code and what it says.
    pub(crate) fn fails(&self, arguments: &[&str]) -> (i32, String) {
        failure(self.certsrvd(arguments).output().unwrap())
    }

    /// Changes a line of the configuration file.
    pub(crate) fn configure(&self, from: &str, to: &str) {
        let path = self.layout().configuration();
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{from} is not in\n{text}");
        fs::write(&path, text.replacen(from, to, 1)).unwrap();
    }

    /// The lines of the audit log.
    pub(crate) fn audit(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.layout().audit()).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The lines of the audit log about one kind of event.
    pub(crate) fn audited(&self, event: &str) -> Vec<Value> {
        self.audit().into_iter().filter(|line| line["event"] == event).collect()
    }

    pub(crate) fn certificate(&self) -> PathBuf {
        self.layout().certificate()
    }

    pub(crate) fn crl(&self) -> PathBuf {
        self.layout().crls().join(format!("{NAME}.crl"))
    }

    pub(crate) fn serve(&self) -> Server {
        let mut child =
            self.certsrvd(&["serve", "--json"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        if line.is_empty() {
            let mut said = String::new();
            child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
            panic!("the server did not become ready: {said}");
        }
        let ready: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(ready["event"], "ready");
        Server { child, ready, _output: output }
    }
}

/// A running server; killed when dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) ready: Value,
    _output: BufReader<ChildStdout>,
}

impl Server {
    pub(crate) fn terminate(mut self) -> std::process::ExitStatus {
        let process = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(process, rustix::process::Signal::TERM).unwrap();
        self.child.wait().unwrap()
    }

    /// Waits until it ends by itself.
    pub(crate) fn wait(&mut self) -> std::process::ExitStatus {
        self.child.wait().unwrap()
    }

    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An open CA inside the process of the test.
pub(crate) struct InProcess {
    pub(crate) authority: Authority,
    _directory: TempDir,
}

/// A CA on P-256, with a configuration that `change` has seen.
pub(crate) fn authority(change: impl FnOnce(&mut Configuration)) -> InProcess {
    let directory = tempfile::tempdir().unwrap();
    let mut configuration = Configuration::for_authority(NAME);
    change(&mut configuration);
    let layout = DataDirectory::new(directory.path());
    let authority = authority::create(CreateOptions {
        configuration_file: layout.configuration(),
        directory: layout,
        configuration,
        key_type: KeyType::P256,
        validity: Duration::from_secs(3650 * 86_400),
        passphrase: PASSPHRASE,
        caller: &caller(),
    });
    InProcess { authority: authority.unwrap(), _directory: directory }
}

/// A request in PEM, made by openssl with a new key on P-256.
pub(crate) fn request(subject: &str, extensions: &[&str]) -> Vec<u8> {
    request_with(&["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"], subject, extensions)
}

/// A request in PEM, made by openssl with the key that `key` asks for.
pub(crate) fn request_with(key: &[&str], subject: &str, extensions: &[&str]) -> Vec<u8> {
    let directory = tempfile::tempdir().unwrap();
    let mut command = openssl(&["req", "-new", "-noenc"]);
    command.args(key).arg("-keyout").arg(directory.path().join("key")).args(["-subj", subject]);
    // Without the defaults of the distribution, which add extensions.
    let configuration = directory.path().join("cnf");
    fs::write(&configuration, "[req]\ndistinguished_name=dn\n[dn]\n").unwrap();
    command.arg("-config").arg(configuration);
    for extension in extensions {
        command.args(["-addext", extension]);
    }
    succeed(&mut command).into_bytes()
}

pub(crate) fn openssl(arguments: &[&str]) -> Command {
    let mut command = Command::new("openssl");
    command.args(arguments);
    command
}

/// What `openssl x509 -text` says about a certificate.
pub(crate) fn describe(pem: &str) -> String {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("pem");
    fs::write(&file, pem).unwrap();
    succeed(openssl(&["x509", "-noout", "-text", "-in"]).arg(&file))
}

/// Whether `openssl verify` accepts the certificate, with its purpose and the CRL where there is one.
pub(crate) fn verifies(authority: &Path, pem: &str, crl: Option<&Path>) -> Result<(), String> {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("pem");
    fs::write(&file, pem).unwrap();
    let mut command = openssl(&["verify", "-x509_strict", "-CAfile"]);
    command.arg(authority);
    if let Some(crl) = crl {
        let list = directory.path().join("crl");
        succeed(openssl(&["crl", "-inform", "DER", "-in"]).arg(crl).arg("-out").arg(&list));
        command.args(["-crl_check", "-CRLfile"]).arg(list);
    }
    let output = command.arg(&file).output().unwrap();
    if output.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr))
}

pub(crate) fn succeed(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error} (apt install openssl)"));
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}\n{error}", output.status);
    String::from_utf8(output.stdout).unwrap()
}

pub(crate) fn failure(output: Output) -> (i32, String) {
    assert!(!output.status.success(), "it worked: {}", String::from_utf8_lossy(&output.stdout));
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}
