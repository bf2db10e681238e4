//! A certification authority of the real programs, in a temporary directory, on loopback, with ports that the system chose.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use serde::Deserialize;
use serde_json::Value;
use tempfile::TempDir;
use testkit::process::Child;

use crate::run::{cargo, root};

/// Name of the CA.
pub(crate) const CA_NAME: &str = "Demo Issuing CA 1";
/// The account that backs up: the operator role and nothing else.
pub(crate) const OPERATOR: &str = "backup";
/// An account that may read and nothing else.
pub(crate) const READER: &str = "reader";

/// How the programs are built.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    /// As the tests are.
    Dev,
    /// As users run them.
    Release,
}

/// The programs and their directories.
pub(crate) struct Scene {
    directory: TempDir,
    programs: PathBuf,
}

/// A running `certsrvd`.
pub(crate) struct Server {
    /// The process; stopped when dropped.
    pub(crate) process: Child,
    /// `host:port` of its endpoint mapper.
    pub(crate) endpoint_mapper: String,
}

/// A certificate as the CA lists it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Certificate {
    /// Number of the request.
    pub(crate) request_id: i64,
    /// In hexadecimal digits.
    pub(crate) serial: String,
    /// SHA-1 of the DER form.
    pub(crate) hash: Option<String>,
    /// Issued or revoked.
    pub(crate) disposition: Value,
}

impl Scene {
    /// Builds the programs and makes the CA with its accounts.
    pub(crate) fn new(profile: Profile) -> Result<Self> {
        let programs = build(profile)?;
        let directory = tempfile::Builder::new().prefix("cabak-").tempdir().context("cannot make a directory")?;
        let scene = Self { directory, programs };
        for (name, secret) in
            [("passphrase", "correct horse battery"), (OPERATOR, "Back it up, 1!"), (READER, "Only reading, 2!")]
        {
            fs::write(scene.secret(name), secret)?;
        }
        scene.run(
            scene
                .certsrvd()
                .args(["init", "--name", CA_NAME, "--key-type", "p256", "--passphrase-file"])
                .arg(scene.secret("passphrase"))
                .args(["--listen", "127.0.0.1", "--endpoint-mapper-port", "0", "--object-port", "0"]),
        )?;
        for (account, role) in [(OPERATOR, "operator"), (READER, "read")] {
            scene.run(
                scene
                    .certsrvd()
                    .args(["account", "add", account, "--role", role, "--password-file"])
                    .arg(scene.secret(account)),
            )?;
        }
        Ok(scene)
    }

    /// The temporary directory.
    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// The CA's data directory.
    pub(crate) fn data(&self) -> PathBuf {
        self.path().join("ca")
    }

    /// The CA's log directory.
    pub(crate) fn logs(&self) -> PathBuf {
        self.data().join("log")
    }

    /// The directory of the backup sets.
    pub(crate) fn sets(&self) -> PathBuf {
        self.path().join("sets")
    }

    /// The file that holds a password or the passphrase.
    pub(crate) fn secret(&self, name: &str) -> PathBuf {
        self.path().join(format!("{name}.secret"))
    }

    /// The CA's database file.
    pub(crate) fn database(&self) -> Result<PathBuf> {
        let folder = self.data().join("database");
        for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "db") {
                return Ok(path);
            }
        }
        Err(anyhow!("no database in {}", folder.display()))
    }

    /// `certsrvd --data-dir ...`
    pub(crate) fn certsrvd(&self) -> Command {
        let mut command = Command::new(self.programs.join("certsrvd"));
        command.arg("--data-dir").arg(self.data()).env("CERTSRVD_LOG", "error");
        command
    }

    /// `cabak`, with the backup account in its environment.
    pub(crate) fn cabak(&self) -> Command {
        let mut command = Command::new(self.programs.join("cabak"));
        command.env("CABAK_USER", OPERATOR).env("CABAK_PASSWORD_FILE", self.secret(OPERATOR));
        command
    }

    /// Starts the server and waits until it answers.
    pub(crate) fn serve(&self) -> Result<Server> {
        let mut process =
            Child::start(self.certsrvd().args(["serve", "--json", "--passphrase-file"]).arg(self.secret("passphrase")))
                .context("cannot start certsrvd")?;
        let endpoint_mapper = process
            .wait_for(Duration::from_secs(60), |line| {
                let line: Value = serde_json::from_str(line).ok()?;
                let ready = line.get("event")?.as_str()? == "ready";
                ready.then(|| Some(line.get("endpoint_mapper")?.as_str()?.to_owned()))?
            })
            .context("certsrvd is not ready")?;
        Ok(Server { process, endpoint_mapper })
    }

    /// Submits one request and returns the certificate that came back.
    pub(crate) fn issue(&self, common_name: &str) -> Result<Value> {
        let file = self.path().join(format!("{common_name}.csr"));
        fs::write(&file, crate::request::pem(common_name)?)?;
        let output = self.run(self.certsrvd().args(["request", "submit", "--json"]).arg(&file));
        fs::remove_file(&file)?;
        Ok(serde_json::from_slice(&output?.stdout)?)
    }

    /// All certificates that the CA knows, by request number.
    pub(crate) fn certificates(&self) -> Result<BTreeMap<i64, Certificate>> {
        let output = self.run(self.certsrvd().args(["certificate", "list", "--json"]))?;
        let reply: Value = serde_json::from_slice(&output.stdout)?;
        let rows = reply.get("certificates").cloned().unwrap_or(reply);
        let rows: Vec<Certificate> = serde_json::from_value(rows).context("certificate list")?;
        Ok(rows.into_iter().map(|row| (row.request_id, row)).collect())
    }

    /// Runs a command to its end; an error carries what it wrote.
    #[allow(clippy::unused_self, reason = "reads as: the scene runs it")]
    pub(crate) fn run(&self, command: &mut Command) -> Result<Output> {
        let output = command.output().with_context(|| format!("{command:?}"))?;
        if !output.status.success() {
            bail!(
                "{command:?}: {}\n{}{}",
                output.status,
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            );
        }
        Ok(output)
    }
}

/// Builds both programs and returns the directory that they are in.
fn build(profile: Profile) -> Result<PathBuf> {
    let mut command = cargo(&["build", "--quiet", "--locked", "--package", "certsrvd", "--package", "cabak"]);
    if profile == Profile::Release {
        command.arg("--release");
    }
    let status = command.status().context("cannot run cargo")?;
    if !status.success() {
        bail!("cargo build: {status}");
    }
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    Ok(target.join(match profile {
        Profile::Dev => "debug",
        Profile::Release => "release",
    }))
}
