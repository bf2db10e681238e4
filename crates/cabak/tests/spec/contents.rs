//! What is in a set: one CA with requests of every kind, backed up twice, seen through the program.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use cabak::manifest::{DatabaseFormat, Directory, Kind, Role};
use cabak::medium::Folder;
use certdb::BackupKind;
use serde_json::Value;
use tempfile::TempDir;
use testkit::population::{Issued, Population};

use crate::sample;

mod certs;
mod diff;
mod export;
mod listings;
mod show;

/// A requester who writes into terminals and spreadsheets.
pub(crate) const HOSTILE: &str = "CORP\\evil\u{1b}[31m,\"x\"\n\u{202e}=2";

/// The sets of a CA.
pub(crate) struct World {
    directory: TempDir,
    /// Request 2: issued, and revoked after the full backup.
    pub(crate) web: Issued,
    /// Request 3: revoked.
    pub(crate) revoked: Issued,
    /// Request 6: on hold, and released after the full backup.
    pub(crate) held: Issued,
    /// Request 7: issued after the full backup.
    pub(crate) later: Issued,
}

impl World {
    /// Request 4 waits, and is issued after the full backup; 5 is denied. CRL 3 is made after the full backup.
    fn make() -> anyhow::Result<Self> {
        let directory = tempfile::tempdir()?;
        let ca = Population::new()?;
        let web = ca.issue(&["CertificateTemplate:WebServer", "ccm:host"])?;
        let revoked = ca.issue(&["CertificateTemplate:User"])?;
        ca.revoke(&revoked.serial, false)?;
        let waits = ca.submit(&[])?;
        let denied = ca.submit(&[])?;
        ca.deny(denied)?;
        let held = ca.issue(&[])?;
        ca.revoke(&held.serial, true)?;
        ca.publish_crl()?;
        let name: String = HOSTILE.chars().map(|character| format!("char({}) ||", u32::from(character))).collect();
        ca.execute(&format!("UPDATE Requests SET RequesterName = {name} '' WHERE RequestID = {}", held.id))?;
        ca.back_up(BackupKind::Full, &directory.path().join("full"))?;

        let later = ca.issue(&["CertificateTemplate:WebServer"])?;
        ca.approve(waits)?;
        ca.release(&held.serial)?;
        ca.revoke(&web.serial, false)?;
        ca.publish_crl()?;
        ca.back_up(BackupKind::Incremental, &directory.path().join("incremental"))?;
        ca.back_up(BackupKind::Full, &directory.path().join("last"))?;

        std::fs::create_dir(directory.path().join("sets"))?;
        let world = World { directory, web, revoked, held, later };
        world.publish("full", Kind::Full, "2026-11-21T10:00:00Z", None);
        world.publish("incremental", Kind::Incremental, "2026-11-21T11:00:00Z", Some("full"));
        Ok(world)
    }

    /// Makes a cabak set of a folder.
    fn publish(&self, name: &str, kind: Kind, started: &str, based_on: Option<&str>) {
        let folder = Folder::open(&self.path("sets")).unwrap();
        let lock = folder.lock().unwrap();
        let mut set = folder.begin(&lock, name).unwrap();
        let mut generations = Vec::new();
        for entry in std::fs::read_dir(self.path(name).join("DataBase")).unwrap() {
            let path = entry.unwrap().path();
            let file = path.file_name().unwrap().to_str().unwrap();
            let role = match path.extension().unwrap().to_str().unwrap() {
                "log" => Role::Log,
                "dat" => Role::RestoreMap,
                _ => Role::Database,
            };
            generations.extend(cabak::chain::generation(file));
            set.store(sample::path(Directory::DataBase, file), role, None, &std::fs::read(&path).unwrap()).unwrap();
        }
        let mut manifest = sample::manifest(kind);
        manifest.started = started.to_owned();
        manifest.files = set.files().to_vec();
        manifest.logs = cabak::chain::range(&generations).unwrap();
        manifest.based_on = based_on.map(str::to_owned);
        manifest.database_format = DatabaseFormat::Certdb;
        set.publish(&manifest).unwrap();
    }

    /// A place in the directory of the sets: the folders `full`, `incremental`, `last`, and the cabak sets in `sets/`.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }
}

/// The sets that all tests look at; nobody changes them.
pub(crate) fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| World::make().unwrap())
}

pub(crate) fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cabak"));
    command.args(args).stdin(Stdio::null());
    command
}

pub(crate) fn cabak(args: &[&str]) -> Output {
    command(args).output().unwrap()
}

/// What it prints, when it ends with this code.
pub(crate) fn text(args: &[&str], code: i32) -> String {
    let output = cabak(args);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{args:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// The events of one kind that it prints with `--json`, when it ends with this code.
pub(crate) fn events(args: &[&str], kind: &str, code: i32) -> Vec<Value> {
    let text = text(&[args, &["--json"]].concat(), code);
    let events = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    events.filter(|event| event["event"] == kind).collect()
}

/// The message of a failure, with its hint.
pub(crate) fn failure(args: &[&str], code: i32) -> String {
    let output = cabak(args);
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{args:?}: {errors}");
    assert_eq!(output.stdout, b"", "{args:?}");
    assert!(errors.contains("\nhint: "), "{args:?}: {errors}");
    errors
}

pub(crate) fn str(path: &Path) -> &str {
    path.to_str().unwrap()
}
