//! Carries the plan out. Every step may be the last one: what it leaves behind is something that the next run starts
//! over from.

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use certadm::{Cancel, Hresult, MapEntry, Registration, RestoreSession, RestoreState, RestoreUntil};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::plan::Database;
use super::{Plan, Request, Stop, show};
use crate::exit::{Exit, Failure};
use crate::medium::{Set, sync_directory};
use crate::output::Reporter;
use crate::platform::{self, private_directory, private_file};
use crate::verify;

const DATABASE: &str = "database";
const STAGED_DATABASE: &str = "database.restoring";
const STAGED_LOGS: &str = "restore-logs";
/// certsrvd renames a database that was restored into its place to this before it replays.
const SERVER_INPUT: &str = ".restored";
const ASIDE_PREFIX: &str = "database.before-restore-";

pub(super) fn run(
    plan: &Plan,
    mut session: RestoreSession,
    request: &Request,
    reporter: &mut Reporter,
    cancel: &Cancel,
) -> anyhow::Result<()> {
    let data = plan.data();
    let range = plan.range.context("the backup has no logs, and a database without its logs is not consistent")?;
    put_back(plan, reporter)?;

    reporter.info("staging", json!({ "event": "staging" }));
    let logs = fresh_directory(data, STAGED_LOGS)?;
    for log in plan.logs.values() {
        copy(&log.path, &logs.join(&log.name), &log.sha256, data, reporter, cancel)?;
    }
    sync(&logs)?;
    let staged = fresh_directory(data, STAGED_DATABASE)?;
    for database in &plan.databases {
        copy(&database.from, &staged.join(&database.name), &database.sha256, data, reporter, cancel)?;
    }
    sync(&staged)?;
    sync(data)?;
    verify::stop_if(cancel)?;

    session.start_over();
    let until = match plan.stop() {
        Stop::AtEnd | Stop::AtSet => None,
        Stop::Generation(generation) => Some(RestoreUntil::Generation(generation)),
        Stop::Time(time) => Some(RestoreUntil::Time(show(time))),
    };
    let map = |database: &Database| MapEntry {
        old: database.source.clone(),
        new: text(&data.join(DATABASE).join(&database.name)),
    };
    let registration = Registration {
        checkpoint_directory: None,
        log_directory: None,
        map: plan.databases.iter().map(map).collect(),
        backup_log_directory: Some(text(&logs)),
        generation_low: range.first,
        generation_high: range.last,
        state: RestoreState::Registered,
    };
    session.set_until(until);
    session.register(registration)?;
    reporter
        .info("registered; certsrvd does not start before the restore is complete", json!({ "event": "registered" }));

    if let Err(error) = swap(plan, &staged) {
        // A failed restore keeps the server from starting on half a database, and says so.
        session.register_complete(Err(Hresult::FAIL))?;
        return Err(error.context("the restore is registered as failed; mend the cause and start it again"));
    }
    session.register_complete(Ok(()))?;
    session.end();

    let aside = plan.aside();
    if request.discard && aside.exists() {
        std::fs::remove_dir_all(aside).with_context(|| format!("cannot remove {}", aside.display()))?;
    }
    Ok(())
}

/// An earlier run may have ended between two renames: then a database is aside, and nothing is in its place.
fn put_back(plan: &Plan, reporter: &mut Reporter) -> anyhow::Result<()> {
    let data = plan.data();
    let place = data.join(DATABASE);
    for database in &plan.databases {
        // A start of certsrvd that was interrupted while it carried out an earlier restore: its input is replaced by
        // ours, and the write-ahead log that it had taken away comes back.
        let input = beside(&place.join(&database.name), SERVER_INPUT);
        if input.exists() {
            let (taken, wal) = (beside(&input, "-wal"), beside(&place.join(&database.name), "-wal"));
            if taken.exists() && !wal.exists() {
                rename(&taken, &wal)?;
            }
            std::fs::remove_file(&input).with_context(|| format!("cannot remove {}", input.display()))?;
            sync(&place)?;
        }
        if place.join(&database.name).exists() {
            continue;
        }
        let mut asides: Vec<PathBuf> = Vec::new();
        for entry in std::fs::read_dir(data).with_context(|| format!("cannot list {}", data.display()))? {
            let entry = entry.with_context(|| format!("cannot list {}", data.display()))?;
            let is_aside = entry.file_name().to_string_lossy().starts_with(ASIDE_PREFIX);
            if is_aside && entry.path().join(&database.name).is_file() {
                asides.push(entry.path());
            }
        }
        asides.sort();
        let Some(youngest) = asides.pop() else { continue };
        let from = youngest.join(&database.name);
        rename(&from, &place.join(&database.name))?;
        sync(&place)?;
        let text = format!("an earlier restore was interrupted; {} is back in its place", from.display());
        reporter.info(&text, json!({ "event": "put_back", "from": from.display().to_string() }));
    }
    Ok(())
}

/// Moves the present databases aside and the staged ones into their place. Nothing else in the directory is touched.
///
/// The present write-ahead log may hold committed transactions that are in no log generation yet. To roll forward, it
/// stays beside the restored database, where certsrvd looks for it before it replays; the database aside gets a copy.
fn swap(plan: &Plan, staged: &Path) -> anyhow::Result<()> {
    let data = plan.data();
    let place = data.join(DATABASE);
    if !place.exists() {
        create_directory(&place, data)?;
    }
    for database in &plan.databases {
        let present = place.join(&database.name);
        let wal = beside(&place.join(&database.name), "-wal");
        let aside = plan.aside();
        if present.exists() || wal.exists() {
            if !aside.exists() {
                create_directory(aside, data)?;
            }
            let kept = beside(&aside.join(&database.name), "-wal");
            if wal.exists() {
                std::fs::copy(&wal, &kept).with_context(|| format!("cannot copy {}", wal.display()))?;
                let file = File::open(&kept).with_context(|| format!("cannot open {}", kept.display()))?;
                file.sync_all().with_context(|| format!("cannot sync {}", kept.display()))?;
                like_owner(&kept, data)?;
            }
            if present.exists() {
                sync(aside)?;
                rename(&present, &aside.join(&database.name))?;
            }
            sync(aside)?;
        }
        if !plan.rolls_forward() && wal.exists() {
            std::fs::remove_file(&wal).with_context(|| format!("cannot remove {}", wal.display()))?;
        }
        rename(&staged.join(&database.name), &present)?;
    }
    sync(&place)?;
    std::fs::remove_dir_all(staged).with_context(|| format!("cannot remove {}", staged.display()))?;
    sync(data)
}

/// An empty directory of that name; what an earlier run left in it is gone.
fn fresh_directory(data: &Path, name: &str) -> anyhow::Result<PathBuf> {
    let path = data.join(name);
    match std::fs::remove_dir_all(&path) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(error).with_context(|| format!("cannot remove {}", path.display())),
    }
    create_directory(&path, data)?;
    Ok(path)
}

fn create_directory(path: &Path, data: &Path) -> anyhow::Result<()> {
    private_directory().create(path).with_context(|| format!("cannot create {}", path.display()))?;
    like_owner(path, data)
}

fn copy(
    from: &Path,
    into: &Path,
    sha256: &str,
    data: &Path,
    reporter: &mut Reporter,
    cancel: &Cancel,
) -> anyhow::Result<()> {
    let mut source = Set::open_file(from).with_context(|| format!("cannot open {}", from.display()))?;
    let mut target =
        private_file().create_new(true).open(into).with_context(|| format!("cannot create {}", into.display()))?;
    let size = source.metadata().map_or(0, |metadata| metadata.len());
    let name = into.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    reporter.begin_progress(&name, size);
    let mut buffer = vec![0; 1 << 20];
    let mut hash = Sha256::new();
    loop {
        verify::stop_if(cancel)?;
        let read = source.read(&mut buffer).with_context(|| format!("cannot read {}", from.display()))?;
        if read == 0 {
            break;
        }
        hash.update(&buffer[..read]);
        target.write_all(&buffer[..read]).with_context(|| format!("cannot write {}", into.display()))?;
        reporter.advance(read as u64);
    }
    target.sync_all().with_context(|| format!("cannot sync {}", into.display()))?;
    let found = hex::encode(hash.finalize());
    if found != sha256 {
        return Err(Failure::new(Exit::VerifyFailed, format!("{} changed while it was copied", from.display()))
            .hint("the medium does not give back what it held a moment ago; use another copy of the set")
            .into());
    }
    reporter.finish_progress(&found);
    like_owner(into, data)
}

/// Root restores for the server's account: what is new belongs to whom the data directory belongs.
fn like_owner(path: &Path, data: &Path) -> anyhow::Result<()> {
    platform::like_owner(path, data).with_context(|| format!("cannot change the owner of {}", path.display()))
}

fn rename(from: &Path, to: &Path) -> anyhow::Result<()> {
    std::fs::rename(from, to).with_context(|| format!("cannot rename {} to {}", from.display(), to.display()))
}

fn sync(path: &Path) -> anyhow::Result<()> {
    sync_directory(path).with_context(|| format!("cannot sync {}", path.display()))
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
