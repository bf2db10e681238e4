//! The backup scenario: Microsoft's "Backing Up Certificate Services", step by step.
//!
//! | step | article | here |
//! |---|---|---|
//! | 1, 2 | load Certadm.dll, find its functions | [`certadm`] is built in: connect, activate |
//! | 3 | `CertSrvIsServerOnline` | as it says |
//! | 4 | `CertSrvBackupPrepare` | as it says |
//! | 5 | `CertSrvRestoreGetDatabaseLocations` | becomes `DataBase/certbkxp.dat` |
//! | 6 | `CertSrvBackupGetDatabaseNames` | not in an incremental backup |
//! | 7, 8, 9 | open, read, close each file | into the medium, hashed on the way, synced |
//! | 10 | `CertSrvBackupGetBackupLogs` | then 7 to 9 for each |
//! | 12, 13 | `CertSrvBackupGetDynamicFileList`, copy them | CA certificates and CRLs too, over the wire |
//! | 11 | `CertSrvBackupTruncateLogs` | after the set is verified, durable and listed |
//! | 14 | `CertSrvBackupEnd` | as it says; also when anything fails |
//! | 15, 16 | free the lists, unload | drop |
//!
//! Step 11 comes after 13: the logs leave the CA only when nothing can go wrong with the set any more.

mod authority;
mod dynamic;
mod finish;
mod transfer;

use std::path::PathBuf;

use anyhow::Context;
use certadm::{BackupKind, BackupSession, Cancel, Credentials, FileName, ReadHint, Server, Target};
use serde_json::json;

use crate::chain;
use crate::exit::{Exit, Failure};
use crate::manifest::{self, DatabaseFormat, Directory, Kind, LogRange, Manifest, Role, SetPath};
use crate::medium::{Folder, Listing, Lock, PartialSet, Set};
use crate::moment;
use crate::output::Reporter;
use crate::verify::RESTORE_MAP;

/// What a backup is to be.
#[derive(Clone, Debug)]
pub struct Request {
    /// The CA.
    pub target: Target,
    /// How to reach it.
    pub options: certadm::Options,
    /// As whom.
    pub credentials: Credentials,
    /// Where the sets are.
    pub to: PathBuf,
    /// Full or incremental.
    pub kind: Kind,
    /// Let the CA delete its logs in the end.
    pub truncate: bool,
    /// Read back and recover before publishing.
    pub verify: bool,
    /// Where dynamic files can be read on this machine.
    pub dynamic_directories: Vec<PathBuf>,
    /// How much to read at once.
    pub read_hint: ReadHint,
    /// Where the trial recovery may write.
    pub scratch: Option<PathBuf>,
}

/// What became of it.
#[derive(Debug)]
pub struct Outcome {
    /// The published set.
    pub set: Set,
    /// What was asked for and was not done; empty in general.
    pub undone: Vec<String>,
}

/// Takes a backup.
///
/// # Errors
/// Nothing new is listed then, and the session on the server is ended. The exit code is in the error.
pub fn run(request: &Request, reporter: &mut Reporter, cancel: &Cancel) -> anyhow::Result<Outcome> {
    let is_new = !request.to.exists();
    let folder = Folder::open_or_create(&request.to)?;
    let lock = folder.lock()?;
    let outcome = run_in(&folder, &lock, request, reporter, cancel);
    if is_new && outcome.is_err() {
        folder.remove_if_empty(&lock);
    }
    outcome
}

fn run_in(
    folder: &Folder,
    lock: &Lock,
    request: &Request,
    reporter: &mut Reporter,
    cancel: &Cancel,
) -> anyhow::Result<Outcome> {
    let removed = folder.remove_leftovers(lock)?;
    if !removed.is_empty() {
        let text = format!("removed what interrupted backups left: {}", removed.join(", "));
        reporter.info(&text, json!({ "event": "leftovers_removed", "names": removed }));
    }
    let listing = folder.list()?;

    let mut server = connect(request, reporter, cancel)?;
    let authority = authority::identify(&request.target, &mut server)?;
    let base = base(request, &authority, &listing)?;
    let session = prepare(request, server, reporter)?;

    let mut backup = Backup::begin(request, folder, lock, session, authority, base)?;
    backup.locations(reporter)?;
    backup.databases(reporter)?;
    backup.logs(reporter)?;
    backup.dynamic_files(reporter)?;
    backup.certificates(reporter)?;
    let Backup { session, set, draft, mut undone, .. } = backup;

    let (mut session, mut set) = finish::publish(request, &listing, session, set, draft, reporter, cancel)?;
    if request.truncate {
        undone.extend(finish::truncate(&mut session, &mut set, reporter));
    }
    finish::end(session, reporter);
    Ok(Outcome { set, undone })
}

/// A backup that is under way. Dropping it ends the session on the server and removes the unfinished set.
struct Backup<'a> {
    request: &'a Request,
    folder: &'a Folder,
    session: BackupSession,
    set: PartialSet,
    draft: Manifest,
    previous: Option<LogRange>,
    undone: Vec<String>,
}

/// Steps 1 to 3.
fn connect(request: &Request, reporter: &mut Reporter, cancel: &Cancel) -> anyhow::Result<Server> {
    reporter.step("1, 2", &format!("connect to {}", request.target));
    let mut server = Server::connect(&request.target, &request.credentials, &request.options, cancel)?;
    reporter.step("3", "ask whether the server is online");
    if !server.is_online()? {
        return Err(Failure::new(Exit::Failure, format!("the CA on {} is running but not ready", request.target.host))
            .hint("it may be paused or recovering; try again in a moment")
            .into());
    }
    Ok(server)
}

/// The set that an incremental backup continues.
struct Base {
    set: Set,
    /// The last logs in its chain.
    logs: Option<LogRange>,
}

/// Finds it; `None` for a full backup.
fn base(request: &Request, authority: &manifest::Authority, listing: &Listing) -> anyhow::Result<Option<Base>> {
    if request.kind == Kind::Full {
        return Ok(None);
    }
    let Some(base) = chain::latest(listing, &authority.name) else {
        return Err(Failure::new(
            Exit::FullNeeded,
            format!(
                "there is no backup of {} in {} that this one could continue",
                authority.name,
                request.to.display()
            ),
        )
        .hint("take a full backup: leave --incremental away")
        .into());
    };
    // Also proves that the chain is whole down to its full backup.
    let below = chain::below(base.manifest(), listing)?;
    let logs = below.iter().chain([base]).rev().find_map(|set| set.manifest().logs);
    if request.truncate && base.manifest().database_format != DatabaseFormat::Certdb {
        return Err(transfer::no_truncation(base.manifest().database_format));
    }
    Ok(Some(Base { set: base.clone(), logs }))
}

/// Step 4.
fn prepare(request: &Request, server: Server, reporter: &mut Reporter) -> anyhow::Result<BackupSession> {
    reporter.step("4", &format!("prepare a {} backup", request.kind.name()));
    let kind = match request.kind {
        Kind::Full => BackupKind::Full,
        Kind::Incremental => BackupKind::Incremental,
    };
    Ok(server.prepare_backup(kind)?)
}

impl<'a> Backup<'a> {
    fn begin(
        request: &'a Request,
        folder: &'a Folder,
        lock: &Lock,
        session: BackupSession,
        authority: manifest::Authority,
        base: Option<Base>,
    ) -> anyhow::Result<Self> {
        let started = moment::now();
        let set = folder.begin(lock, &moment::set_name(started)?)?;
        let (format, version) = Manifest::header();
        let account = match request.credentials.domain.as_str() {
            "" => request.credentials.user.clone(),
            domain => format!("{domain}\\{}", request.credentials.user),
        };
        let draft = Manifest {
            format,
            version,
            started: moment::rfc3339(started)?,
            finished: moment::rfc3339(started)?,
            taken_by: manifest::TakenBy { program: concat!("cabak ", env!("CARGO_PKG_VERSION")).to_owned(), account },
            authority,
            kind: request.kind,
            based_on: base.as_ref().map(|base| base.set.name().to_owned()),
            database_format: base.as_ref().map_or(DatabaseFormat::Unknown, |base| base.set.manifest().database_format),
            logs: None,
            files: Vec::new(),
            dynamic: Vec::new(),
            missing: authority::not_in_the_protocol(),
            verification: manifest::Verification { level: manifest::Level::None, at: None },
            truncated: None,
        };
        let previous = base.and_then(|base| base.logs);
        Ok(Backup { request, folder, session, set, draft, previous, undone: Vec::new() })
    }

    /// Step 5.
    fn locations(&mut self, reporter: &mut Reporter) -> anyhow::Result<()> {
        reporter.step("5", "ask for the database locations and save them as the restore map");
        let locations = self.session.database_locations()?;
        let path = SetPath::new(Directory::DataBase, RESTORE_MAP)?;
        self.set.store(path, Role::RestoreMap, None, locations.as_bytes())
    }

    /// Steps 6 to 9.
    fn databases(&mut self, reporter: &mut Reporter) -> anyhow::Result<()> {
        if self.request.kind == Kind::Incremental {
            return Ok(());
        }
        reporter.step("6", "ask for the names of the databases");
        let names = self.session.database_names()?;
        if names.is_empty() {
            return Err(Failure::new(Exit::Failure, "the server offers no database for a full backup").into());
        }
        for path in transfer::plan(&names)? {
            let format = self.transfer(&path, Role::Database, 1, reporter)?;
            self.draft.database_format = format;
        }
        Ok(())
    }

    /// Steps 10, and 7 to 9 again.
    fn logs(&mut self, reporter: &mut Reporter) -> anyhow::Result<()> {
        reporter.step("10", "ask for the names of the logs");
        let names: Vec<FileName> = self.session.backup_logs()?;
        let planned = transfer::plan(&names)?;
        let generations: Option<Vec<u32>> = planned.iter().map(|file| chain::generation(file.path.name())).collect();
        let generations = generations.context("the server offers a log whose name has no generation in it")?;
        self.draft.logs = chain::range(&generations)?;
        chain::join(self.previous, self.draft.logs)?;
        let mut left = planned.len() as u64;
        for file in planned {
            self.transfer(&file, Role::Log, left, reporter)?;
            left -= 1;
        }
        Ok(())
    }
}
