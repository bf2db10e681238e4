//! Restore at start: what CertSrvRestoreRegister left is carried out before the server answers anything.
//!
//! | file | means |
//! |---|---|
//! | `restore.json` | a restore is registered ([`csra::restore`]); completed, it is carried out, otherwise the server does not start |
//! | `restore-recovered.json` | the database has been recovered and gets new logs now |
//! | `restore-done-<time>.json` | a restore that was carried out |
//!
//! Each step ends with a rename, and each can be repeated: a restore that a crash interrupted goes on at the next start.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use certdb::set::{BackupSet, RecoverRequest, Recovered, Until, recover};
use certdb::{Database, Generation};
use csra::restore::{Instruction, Registration, State, Until as RegisteredUntil};
use serde_json::json;

use crate::audit::{AuditLog, Caller, Event};
use crate::authority::database_options;
use crate::configuration::Configuration;
use crate::data_directory::DataDirectory;
use crate::durable;
use crate::failure::{Code, Failure};
use crate::filetime::FileTime;
use crate::unc::Folder;

/// Refuses commands that may not open the database before a registered restore.
///
/// # Errors
/// [`Code::RestorePending`] when there is one.
pub fn refuse_pending(directory: &DataDirectory) -> Result<(), Failure> {
    let registered = directory.restore_instruction();
    let recovered = directory.recovered_instruction();
    let pending =
        |file: &Path| Failure::new(Code::RestorePending, format!("a restore is registered in {}", file.display()));
    if registered.exists() {
        let hint = format!("certsrvd serve carries out a completed restore; {}", giving_up(directory));
        return Err(pending(&registered).hint(hint));
    }
    if recovered.exists() {
        return Err(pending(&recovered).hint("certsrvd serve finishes it"));
    }
    Ok(())
}

/// How to give up a registered restore, in words. A program like `cabak restore` moves the present database aside before it
/// puts its copy in place; with the instruction alone the copy would stay, without its logs.
fn giving_up(directory: &DataDirectory) -> String {
    let entries = fs::read_dir(directory.root()).into_iter().flatten().flatten();
    let aside = entries.map(|entry| entry.path()).filter(|path| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("database.before-restore-"))
    });
    // The names end with a time.
    match aside.max() {
        None => "to give it up, move that file away".to_owned(),
        Some(aside) => format!(
            "to give it up, move that file away and, when the restore has put its copy in place already, replace {} with {}",
            directory.database().display(),
            aside.display(),
        ),
    }
}

/// Carries out a registered restore, or goes on with one that was interrupted; does nothing when there is none. The caller
/// holds the lock of the data directory.
///
/// # Errors
/// [`Code::RestorePending`] for a restore that is not complete or has failed, [`Code::RestoreFailed`] when it cannot be
/// carried out: nothing has been replaced then. [`Code::Configuration`] for an instruction that cannot be read.
pub fn at_start(directory: &DataDirectory, configuration: &Configuration) -> Result<(), Failure> {
    let registered = directory.restore_instruction();
    let recovered = directory.recovered_instruction();
    if !registered.exists() && !recovered.exists() {
        return Ok(());
    }
    let audit = AuditLog::open(&directory.audit()).map_err(|error| io_failure(&directory.audit(), &error))?;
    let restore = Restore { directory, configuration, audit };
    if registered.exists() {
        let instruction = restore.instruction(&registered)?;
        if let Err(failure) = restore.recover(&instruction) {
            let details = json!({ "outcome": "failed", "message": failure.message });
            restore.audit.record_or_warn(Event::RestoreEnded, &Caller::Server, details);
            return Err(failure);
        }
        rename(&registered, &recovered)?;
    }
    restore.adopt()?;
    restore.finish(&recovered)
}

struct Restore<'a> {
    directory: &'a DataDirectory,
    configuration: &'a Configuration,
    audit: AuditLog,
}

impl Restore<'_> {
    fn instruction(&self, path: &Path) -> Result<Instruction, Failure> {
        let bytes = fs::read(path).map_err(|error| io_failure(path, &error))?;
        let instruction = Instruction::from_json(&bytes).map_err(|error| {
            let mut failure = Failure::of(Code::Configuration, &error);
            failure.message = format!("{}: {}", path.display(), failure.message);
            failure.hint("register the restore again; the server does not start on an instruction that it cannot read")
        })?;
        if instruction.is_ready() {
            return Ok(instruction);
        }
        let file = path.display();
        Err(match instruction.registrations().last().map(|last| last.state) {
            Some(State::Failed(code)) => {
                let message = format!("a restore is registered in {file} and has failed ({code})");
                Failure::new(Code::RestorePending, message)
                    .hint(format!("restore again; or, {}, then start", giving_up(self.directory)))
            }
            _ => {
                let message =
                    format!("a restore is registered in {file} but not completed, so the server does not start");
                Failure::new(Code::RestorePending, message)
                    .hint(format!("complete the restore; or, {}, then start", giving_up(self.directory)))
            }
        })
    }

    /// Makes the database of the restored files. What is in its place stays there until the new one is whole.
    fn recover(&self, instruction: &Instruction) -> Result<(), Failure> {
        let details = json!({
            "registered": instruction.created(),
            "generations": instruction
                .registrations()
                .iter()
                .map(|registration| [registration.generation_low, registration.generation_high])
                .collect::<Vec<_>>(),
            "until": match instruction.until() {
                None => json!("end"),
                Some(RegisteredUntil::Generation(generation)) => json!({ "generation": generation }),
                Some(RegisteredUntil::Time(time)) => json!({ "time": time }),
            },
        });
        self.audit
            .record(Event::RestoreStarted, &Caller::Server, details)
            .map_err(|error| io_failure(&self.directory.audit(), &error))?;
        let request = self.request(instruction)?;
        tracing::info!(
            database = %request.set.database.display(),
            logs = request.set.logs.len(),
            "recovering the restored database"
        );
        match recover(&request, &mut |_| {}) {
            Ok(recovered) => self.report(&recovered),
            Err(error) => {
                self.put_back(&request)?;
                Err(Failure::of(Code::RestoreFailed, &error)
                    .hint(
                        "nothing was replaced; restore another set, or up to an earlier generation or time. Where logs of a later \
                         life of the database are in the way, take them out of the log directory, or restore with `cabak \
                         restore --no-roll-forward`",
                    ))
            }
        }
    }

    /// Undoes what [`Self::request`] moved.
    fn put_back(&self, request: &RecoverRequest) -> Result<(), Failure> {
        let staged = self.staged();
        if request.set.database != staged || request.target.exists() {
            return Ok(());
        }
        rename(&staged, &request.target)?;
        let wal = beside(&staged, "-wal");
        if wal.exists() {
            rename(&wal, &beside(&request.target, "-wal"))?;
        }
        Ok(())
    }

    fn report(&self, recovered: &Recovered) -> Result<(), Failure> {
        let details = json!({
            "outcome": "recovered",
            "first_generation": recovered.first.0,
            "last_generation": recovered.last.0,
            "transactions": recovered.transactions,
            "salvaged_images": recovered.salvaged,
            "pages": recovered.pages,
        });
        let audited = self.audit.record(Event::RestoreEnded, &Caller::Server, details);
        audited.map_err(|error| io_failure(&self.directory.audit(), &error))
    }

    /// What `certdb` is to do. Brings a restored database that lies in the place of the live one aside: it is an input, and
    /// inputs are not written to.
    fn request(&self, instruction: &Instruction) -> Result<RecoverRequest, Failure> {
        let [full, ..] = instruction.registrations() else {
            return Err(Failure::new(Code::Configuration, "the restore instruction registers nothing"));
        };
        let [entry] = full.map.as_slice() else {
            let message = format!("the restore maps {} databases; a CA has one", full.map.len());
            return Err(Failure::new(Code::RestoreFailed, message));
        };
        for registration in instruction.registrations() {
            self.check_log_directory(registration)?;
        }
        let target = self.target();
        self.check_authority(&entry.old, &target)?;
        let mut source = self.local(&entry.new);
        let mut salvage_wal = beside(&target, "-wal");
        let staged = self.staged();
        if source == target {
            // INVARIANT: from the rename of the database on the staged file is the source, and what is in the place of the
            // target is nothing, or a result that was not recorded any more.
            if !staged.exists() {
                if salvage_wal.exists() {
                    rename(&salvage_wal, &beside(&staged, "-wal"))?;
                }
                rename(&source, &staged)?;
            }
            source = staged.clone();
            salvage_wal = beside(&staged, "-wal");
        }
        let log_directory = self.configuration.log_directory(self.directory.root());
        Ok(RecoverRequest {
            set: BackupSet { database: source, logs: self.logs(instruction.registrations(), &log_directory)? },
            later_logs: log_directory.is_dir().then_some(log_directory),
            salvage_wal: salvage_wal.exists().then_some(salvage_wal),
            target,
            until: match instruction.until() {
                None => Until::End,
                Some(RegisteredUntil::Generation(generation)) => Until::Generation(Generation(*generation)),
                Some(RegisteredUntil::Time(text)) => Until::Time(parse_time(text)?),
            },
            ..RecoverRequest::default()
        })
    }

    /// The logs of all registrations; of a generation that is there twice, the first.
    fn logs(&self, registrations: &[Registration], log_directory: &Path) -> Result<Vec<PathBuf>, Failure> {
        let mut logs = BTreeMap::new();
        for registration in registrations {
            let folder = match &registration.backup_log_directory {
                Some(folder) if !Folder::Log.is(folder) => PathBuf::from(folder),
                _ => log_directory.to_owned(),
            };
            // Stops at the first that is not there, however many are registered.
            for number in registration.generation_low..=registration.generation_high {
                let path = folder.join(Generation(number).file_name());
                if !path.is_file() {
                    let message = format!("log generation {number} is registered, but {} is missing", path.display());
                    return Err(Failure::new(Code::RestoreFailed, message));
                }
                logs.entry(number).or_insert(path);
            }
        }
        Ok(logs.into_values().collect())
    }

    /// A database is called like its CA. That of another one would make this server issue in its name.
    fn check_authority(&self, old: &str, target: &Path) -> Result<(), Failure> {
        let name = |path: &str| path.rsplit(['\\', '/']).next().unwrap_or(path).to_lowercase();
        if name(old) == name(&target.to_string_lossy()) {
            return Ok(());
        }
        let message = format!("the restored database is that of another CA: {old}; this one's is {}", target.display());
        Err(Failure::new(Code::RestoreFailed, message)
            .hint(format!("nothing was replaced; restore a backup of this CA, or, {}", giving_up(self.directory))))
    }

    fn check_log_directory(&self, registration: &Registration) -> Result<(), Failure> {
        let configured = self.configuration.log_directory(self.directory.root());
        match &registration.log_directory {
            Some(wanted) if !Folder::Log.is(wanted) && !same_place(Path::new(wanted), &configured) => {
                let message =
                    format!("the restore wants the logs in {wanted}, the configuration in {}", configured.display());
                Err(Failure::new(Code::RestoreFailed, message).hint("change database.log_directory, then start again"))
            }
            _ => Ok(()),
        }
    }

    /// Gives the recovered database its new logs. The next backup has to be full from here on.
    fn adopt(&self) -> Result<(), Failure> {
        let options = database_options(self.configuration, self.directory);
        let folder = self.directory.database();
        let database = match Database::open(&folder, &options) {
            // A crash came between the adoption and its record.
            Ok(database) => database,
            // Not adopted yet, or only half.
            Err(_) => Database::adopt(&folder, &options).map_err(|error| Failure::of(Code::RestoreFailed, &error))?,
        };
        database.close().map_err(|error| Failure::of(Code::RestoreFailed, &error))
    }

    fn finish(&self, recovered: &Path) -> Result<(), Failure> {
        let staged = self.staged();
        for path in [beside(&staged, "-wal"), beside(&staged, "-shm"), staged] {
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(io_failure(&path, &error)),
                _ => {}
            }
        }
        let time = FileTime::now().rfc3339().replace([':', '-'], "");
        let done = self.directory.root().join(format!("restore-done-{time}.json"));
        rename(recovered, &done)?;
        tracing::info!(record = %done.display(), "the restore is done; the next backup must be full");
        Ok(())
    }

    /// The live database.
    fn target(&self) -> PathBuf {
        self.directory.database().join(database_options(self.configuration, self.directory).database_name)
    }

    /// Where a restored database goes that was put into the place of the live one.
    fn staged(&self) -> PathBuf {
        beside(&self.target(), ".restored")
    }

    /// A name as it was registered: an absolute path of this machine, or a name in the CA's own terms (UNC), of which only
    /// the last part counts.
    fn local(&self, name: &str) -> PathBuf {
        let path = Path::new(name);
        if path.is_absolute() {
            if same_place(path, &self.target()) { self.target() } else { path.to_owned() }
        } else {
            let last = name.rsplit(['\\', '/']).next().unwrap_or(name);
            self.directory.database().join(last)
        }
    }
}

fn parse_time(text: &str) -> Result<std::time::SystemTime, Failure> {
    let invalid = || Failure::new(Code::Configuration, format!("{text:?} is no time of the form 2031-05-06T07:08:09Z"));
    let time = time::OffsetDateTime::parse(text, &time::format_description::well_known::Rfc3339);
    time.map(Into::into).map_err(|_| invalid())
}

/// Whether two paths mean the same file, also where one is relative or goes through a link.
fn same_place(one: &Path, other: &Path) -> bool {
    let resolve = |path: &Path| {
        let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let folder = durable::parent(&absolute);
        let folder = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
        folder.join(absolute.file_name().unwrap_or_default())
    };
    resolve(one) == resolve(other)
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn rename(from: &Path, to: &Path) -> Result<(), Failure> {
    let renamed = fs::rename(from, to).and_then(|()| durable::sync_directory(durable::parent(to)));
    renamed.map_err(|error| io_failure(from, &error))
}

fn io_failure(path: &Path, error: &io::Error) -> Failure {
    Failure::new(Code::Internal, format!("{}: {error}", path.display()))
}
