//! The backup scenario: Microsoft's "Backing Up Certificate Services", step by step.
//!
//! | step | article | here |
//! |---|---|---|
//! | 1, 2 | load Certadm.dll, find its functions | a [`table`]: of a loaded library, or built in |
//! | 3 | `CertSrvIsServerOnline` | as it says; the built-in library connects |
//! | 4 | `CertSrvBackupPrepare` | as it says |
//! | 5 | `CertSrvRestoreGetDatabaseLocations` | becomes `DataBase/certbkxp.dat`; now the CA is known, and what an incremental backup continues |
//! | 6 | `CertSrvBackupGetDatabaseNames` | not in an incremental backup |
//! | 7, 8, 9 | open, read, close each file | into the medium, hashed on the way, synced |
//! | 10 | `CertSrvBackupGetBackupLogs` | then 7 to 9 for each |
//! | 12, 13 | `CertSrvBackupGetDynamicFileList`, copy them | with the built-in library CA certificates and CRLs too, over the wire |
//! | 11 | `CertSrvBackupTruncateLogs` | after the set is verified, durable and listed |
//! | 14 | `CertSrvBackupEnd` | as it says; also when anything fails |
//! | 15, 16 | free the lists, unload | drop |
//!
//! Step 11 comes after 13: the logs leave the CA only when nothing can go wrong with the set any more.
//!
//! Whether to stop is asked before every call and every read. The built-in library also stops waiting for an answer; a call
//! of a loaded library that is under way is waited for.

mod authority;
mod dynamic;
mod finish;
mod transfer;

use std::path::PathBuf;

use anyhow::Context;
use certadm::{BackupKind, Cancel, DatabaseLocations, FileName, ReadHint, Target};
use serde_json::json;

use crate::chain;
use crate::exit::{Exit, Failure};
use crate::manifest::{self, DatabaseFormat, Directory, Kind, LogRange, Manifest, Role, SetPath};
use crate::medium::{Folder, Listing, Lock, PartialSet, Set};
use crate::moment;
use crate::output::Reporter;
use crate::table::{self, Certadm};
use crate::verify::{self, RESTORE_MAP};

/// What a backup is to be.
#[derive(Clone, Debug)]
pub struct Request {
    /// The CA.
    pub target: Target,
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

/// Takes a backup: steps 3 to 16. `certadm` comes from 1 and 2.
///
/// # Errors
/// Nothing new is listed then, and the session on the server is ended. The exit code is in the error.
pub fn run(
    request: &Request,
    mut certadm: Box<dyn Certadm>,
    reporter: &mut Reporter,
    cancel: &Cancel,
) -> anyhow::Result<Outcome> {
    let is_new = !request.to.exists();
    let folder = Folder::open_or_create(&request.to)?;
    let lock = folder.lock()?;
    let outcome = run_in(&folder, &lock, request, certadm.as_mut(), reporter, cancel);
    if is_new && outcome.is_err() {
        folder.remove_if_empty(&lock);
    }
    let outcome = outcome?;
    let what = match certadm.library() {
        Some(library) => format!("unload {}", library.display()),
        None => "nothing to unload, the library is built in".to_owned(),
    };
    reporter.step("16", &what);
    drop(certadm);
    Ok(outcome)
}

fn run_in(
    folder: &Folder,
    lock: &Lock,
    request: &Request,
    certadm: &mut dyn Certadm,
    reporter: &mut Reporter,
    cancel: &Cancel,
) -> anyhow::Result<Outcome> {
    let removed = folder.remove_leftovers(lock)?;
    if !removed.is_empty() {
        let text = format!("removed what interrupted backups left: {}", removed.join(", "));
        reporter.info(&text, json!({ "event": "leftovers_removed", "names": removed }));
    }
    let listing = folder.list()?;

    online(request, certadm, reporter, cancel)?;
    let account = certadm.account();
    let mut session = prepare(request, certadm, reporter, cancel)?;
    let locations = locations(session.as_mut(), reporter, cancel)?;
    let authority = authority::identify(&request.target, session.as_mut(), &locations)?;
    let base = base(request, &authority, &listing)?;

    let mut backup = Backup::begin(request, folder, lock, session, cancel, Origin { authority, account, base })?;
    backup.keep_locations(&locations)?;
    backup.databases(reporter)?;
    backup.logs(reporter)?;
    backup.dynamic_files(reporter)?;
    backup.certificates(reporter)?;
    let Backup { session, set, draft, mut undone, .. } = backup;

    let (mut session, mut set) = finish::publish(request, &listing, session, set, draft, reporter, cancel)?;
    if request.truncate {
        undone.extend(finish::truncate(session.as_mut(), &mut set, reporter, cancel));
    }
    finish::end(session, reporter);
    Ok(Outcome { set, undone })
}

/// A backup that is under way. Dropping it ends the session on the server and removes the unfinished set.
struct Backup<'a> {
    request: &'a Request,
    folder: &'a Folder,
    session: Box<dyn table::Backup>,
    set: PartialSet,
    draft: Manifest,
    previous: Option<LogRange>,
    /// What a read puts its bytes into.
    buffer: Vec<u8>,
    cancel: &'a Cancel,
    undone: Vec<String>,
}

/// Whose backup it is, and on what it builds.
struct Origin {
    authority: manifest::Authority,
    account: String,
    base: Option<Base>,
}

/// Step 3.
fn online(
    request: &Request,
    certadm: &mut dyn Certadm,
    reporter: &mut Reporter,
    cancel: &Cancel,
) -> anyhow::Result<()> {
    verify::stop_if(cancel)?;
    reporter.step("3", &format!("ask whether {} is online", request.target));
    if !certadm.is_server_online()? {
        return Err(Failure::new(Exit::Failure, format!("the CA on {} is running but not ready", request.target.host))
            .hint("it may be paused or recovering; try again in a moment")
            .into());
    }
    Ok(())
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
    if request.truncate && base.manifest().database_format == DatabaseFormat::Unknown {
        return Err(transfer::no_truncation(base.manifest().database_format));
    }
    Ok(Some(Base { set: base.clone(), logs }))
}

/// Step 4.
fn prepare(
    request: &Request,
    certadm: &mut dyn Certadm,
    reporter: &mut Reporter,
    cancel: &Cancel,
) -> anyhow::Result<Box<dyn table::Backup>> {
    verify::stop_if(cancel)?;
    reporter.step("4", &format!("prepare {} backup", request.kind.with_article()));
    let kind = match request.kind {
        Kind::Full => BackupKind::Full,
        Kind::Incremental => BackupKind::Incremental,
    };
    Ok(certadm.backup_prepare(kind)?)
}

/// Step 5.
fn locations(
    session: &mut dyn table::Backup,
    reporter: &mut Reporter,
    cancel: &Cancel,
) -> anyhow::Result<DatabaseLocations> {
    verify::stop_if(cancel)?;
    reporter.step("5", "ask for the database locations and save them as the restore map");
    Ok(session.restore_get_database_locations()?)
}

impl<'a> Backup<'a> {
    fn begin(
        request: &'a Request,
        folder: &'a Folder,
        lock: &Lock,
        session: Box<dyn table::Backup>,
        cancel: &'a Cancel,
        origin: Origin,
    ) -> anyhow::Result<Self> {
        let Origin { authority, account, base } = origin;
        let started = moment::now();
        let set = folder.begin(lock, &moment::set_name(started)?)?;
        let (format, version) = Manifest::header();
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
        let buffer = vec![0; request.read_hint.buffer_size() as usize];
        Ok(Backup { request, folder, session, set, draft, previous, buffer, cancel, undone: Vec::new() })
    }

    fn keep_locations(&mut self, locations: &DatabaseLocations) -> anyhow::Result<()> {
        let path = SetPath::new(Directory::DataBase, RESTORE_MAP)?;
        self.set.store(path, Role::RestoreMap, None, locations.as_bytes())
    }

    /// Steps 6 to 9.
    fn databases(&mut self, reporter: &mut Reporter) -> anyhow::Result<()> {
        if self.request.kind == Kind::Incremental {
            return Ok(());
        }
        verify::stop_if(self.cancel)?;
        reporter.step("6", "ask for the names of the databases");
        let names = self.session.backup_get_database_names()?;
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
        verify::stop_if(self.cancel)?;
        reporter.step("10", "ask for the names of the logs");
        let names: Vec<FileName> = self.session.backup_get_backup_logs()?;
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
