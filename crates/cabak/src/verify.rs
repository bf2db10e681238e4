//! Proof that a set is what its manifest says, and that a database comes out of it.
//!
//! A set of cabak has three layers, each of which can end the proof: the files (present, nothing else there, size, SHA-256 of what the
//! medium gives back), the form (the restore map decodes, the log names are consecutive and agree with the manifest),
//! and the trial recovery in a scratch directory with the database's own integrity check.

mod files;
mod form;
mod replay;

use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::json;

use crate::chain;
use crate::exit::{Exit, Failure, classify};
use crate::manifest::{DatabaseFormat, Kind, Level, Manifest};
use crate::medium::Set;
use crate::moment;
use crate::output::Reporter;
use crate::source::{self, Opening, Source};
use crate::windows::proof::{self, Verdict};
use crate::windows::{Files, layout};

pub(crate) use form::RESTORE_MAP;
pub(crate) use replay::recover;
pub use replay::{Recovered, Trial, Until};

/// One thing that is wrong with a set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Damage {
    /// The set, when several are looked at.
    pub set: String,
    /// The file inside it.
    pub file: String,
    /// What is wrong: lowercase, no final period.
    pub problem: String,
}

/// A set as the checks see it: published or not yet.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// Its name, or the name it will have.
    pub name: &'a str,
    /// Where its files are.
    pub path: &'a Path,
    /// What it says about itself.
    pub manifest: &'a Manifest,
}

impl<'a> View<'a> {
    /// A published set.
    #[must_use]
    pub fn of(set: &'a Set) -> Self {
        View { name: set.name(), path: set.path(), manifest: set.manifest() }
    }
}

/// Called with the number of bytes that were just looked at; an error stops the work.
pub type Tick<'a> = dyn FnMut(u64) -> anyhow::Result<()> + 'a;

/// Compares files and form. An empty list means that nothing is wrong.
///
/// # Errors
/// Only what `tick` returns; whatever is wrong with the set is in the list.
pub fn inspect(view: View<'_>, tick: &mut Tick<'_>) -> anyhow::Result<Vec<Damage>> {
    let mut damages = files::compare(view, tick)?;
    damages.extend(form::check(view));
    Ok(damages)
}

/// Recovers the database from a chain of sets, full backup first, in a scratch directory that is removed afterwards.
///
/// # Errors
/// Exit code 21: it does not recover, or its integrity check fails. Exit code 1: no room, or the scratch directory is
/// unusable.
pub fn trial(
    chain: &[View<'_>],
    until: Until,
    scratch: Option<&Path>,
    tick: &mut Tick<'_>,
) -> anyhow::Result<Recovered> {
    replay::trial(chain, until, scratch, tick)
}

/// What `cabak verify` was asked for.
#[derive(Clone, Debug)]
pub struct Request {
    /// The set, `DIR/latest`, a folder of certutil, or a file.
    pub set: PathBuf,
    /// No trial recovery and no replay.
    pub hashes_only: bool,
    /// Where the trial recovery may write.
    pub scratch: Option<PathBuf>,
}

/// `cabak verify`: the set, and for an incremental the sets it builds on; or whatever else holds a database or logs.
///
/// # Errors
/// Exit code 21: damaged. Exit code 22: an incremental without its full backup. Exit code 10: no such set. Exit code 24: not
/// a backup.
pub fn run(request: &Request, reporter: &mut Reporter, cancel: &certadm::Cancel) -> anyhow::Result<Exit> {
    // The manifest first: it knows what is missing.
    if source::has_manifest(&request.set) {
        return run_set(request, reporter, cancel);
    }
    let source = match Source::find(&request.set) {
        Ok(source) => source,
        Err(error) if request.set.exists() => return Err(not_a_backup(error)),
        Err(error) => return Err(error),
    };
    match source.format {
        DatabaseFormat::Ese => prove_windows(request, &source, reporter, cancel),
        DatabaseFormat::Certdb => run_certdb(request, &source, reporter, cancel),
        DatabaseFormat::Unknown => {
            Err(Failure::new(Exit::NotABackup, format!("{} holds no database and no logs", source.name)).into())
        }
    }
}

/// A set with a manifest.
fn run_set(request: &Request, reporter: &mut Reporter, cancel: &certadm::Cancel) -> anyhow::Result<Exit> {
    let set = Set::open(&request.set)?;
    let below = match set.manifest().kind {
        Kind::Full => Vec::new(),
        Kind::Incremental => chain::below(set.manifest(), &set.folder()?.list()?)?,
    };
    let views: Vec<View<'_>> = below.iter().chain([&set]).map(View::of).collect();
    let mut damages = Vec::new();
    for &view in &views {
        reporter.begin_progress(view.name, view.manifest.size());
        let mut tick = |bytes| {
            reporter.advance(bytes);
            stop_if(cancel)
        };
        damages.extend(inspect(view, &mut tick)?);
        reporter.end_progress();
    }
    for damage in &damages {
        let text = format!("damaged: {}/{}: {}", damage.set, damage.file, damage.problem);
        reporter.result(
            &text,
            &json!({ "event": "damage", "set": damage.set, "file": damage.file, "problem": damage.problem }),
        );
    }
    if !damages.is_empty() {
        return Err(damaged(set.name(), damages.len()));
    }
    let source = Source::find(&request.set)?;
    if source.format == DatabaseFormat::Ese {
        return prove_windows(request, &source, reporter, cancel);
    }
    let format = views.first().map_or(DatabaseFormat::Unknown, |view| view.manifest.database_format);
    let level = if request.hashes_only || format != DatabaseFormat::Certdb { Level::Hashes } else { Level::Replayed };
    let mut recovered = None;
    if level == Level::Replayed {
        reporter.begin_progress("trial recovery", views.iter().map(|view| view.manifest.size()).sum());
        let mut tick = |bytes| {
            reporter.advance(bytes);
            stop_if(cancel)
        };
        recovered = Some(trial(&views, Until::End, request.scratch.as_deref(), &mut tick)?);
        reporter.end_progress();
    }
    let mut text = format!(
        "{}: {}, {}, {}; verified: {}",
        set.name(),
        if level == Level::Replayed { "restorable" } else { "undamaged" },
        moment::counted(set.manifest().files.len() as u64, "file"),
        moment::bytes(set.manifest().size()),
        level.name()
    );
    if format != DatabaseFormat::Certdb {
        text.push_str(&format!("\n  the database format is {}; this version cannot recover it", format.name()));
    }
    if views.len() > 1 {
        text.push_str(&format!("\n  together with: {}", below.iter().map(Set::name).collect::<Vec<_>>().join(", ")));
    }
    if let Some(recovered) = &recovered {
        text.push_str(&format!("\n  {recovered}"));
    }
    let fields = json!({
        "event": "result",
        "set": set.name(),
        "verified": level,
        "verdict": if level == Level::Replayed { "restorable" } else { "undamaged" },
        "database_format": format,
        "files": set.manifest().files.len(),
        "size": set.manifest().size(),
        "chain": views.iter().map(|view| view.name).collect::<Vec<_>>(),
        "recovered": recovered,
    });
    reporter.result(&text, &fields);
    Ok(Exit::Success)
}

/// A set of a Windows CA: the rules of ESE, and the replay.
fn prove_windows(
    request: &Request,
    source: &Source,
    reporter: &mut Reporter,
    cancel: &certadm::Cancel,
) -> anyhow::Result<Exit> {
    let files = Files { database: source.database.as_ref(), logs: &source.logs, scratch: request.scratch.as_deref() };
    let replay = !request.hashes_only;
    reporter.begin_progress("verify", proof::work(&files, replay).unwrap_or_default());
    let mut tick = |bytes| {
        reporter.advance(bytes);
        stop_if(cancel)
    };
    let mut proof = proof::proof(&files, replay, &mut tick)?;
    reporter.end_progress();
    if proof.verdict != Verdict::NotABackup {
        proof.findings.extend(layout::findings(&request.set, source));
    }
    proof.report(&source.name, reporter);
    Ok(match proof.verdict {
        Verdict::Restorable => Exit::Success,
        Verdict::RestorableTo(_) => Exit::RestorableInPart,
        Verdict::Damaged => Exit::VerifyFailed,
        Verdict::NotABackup => Exit::NotABackup,
    })
}

/// A copy by certsrvd without a manifest: recovering it is the proof.
fn run_certdb(
    request: &Request,
    source: &Source,
    reporter: &mut Reporter,
    cancel: &certadm::Cancel,
) -> anyhow::Result<Exit> {
    if source.database.is_none() {
        let text = format!("{} has logs and no database", source.name);
        return Err(Failure::new(Exit::NotABackup, text)
            .hint("verify it together with the full backup that it continues")
            .into());
    }
    let opened = match source.open(&Opening { scratch: request.scratch.as_deref(), cancel }, reporter) {
        Ok(opened) => opened,
        Err(error) => return Err(damaged_copy(error, &source.name)),
    };
    if opened.recovered.is_none() {
        let text = format!("{} is a whole database, and not the copy of a backup", source.name);
        return Err(Failure::new(Exit::NotABackup, text)
            .hint("certsrvd can be started with it; `cabak backup` takes a backup that also rolls forward")
            .into());
    }
    let mut text = format!("{}: restorable", source.name);
    if let Some(recovered) = &opened.recovered {
        text.push_str(&format!("\n  {recovered}"));
    }
    let fields = json!({
        "event": "result",
        "set": source.name,
        "verdict": "restorable",
        "database_format": source.format,
        "recovered": opened.recovered,
    });
    reporter.result(&text, &fields);
    Ok(Exit::Success)
}

/// What keeps a copy from being recovered is damage, whatever it is in detail; not so what happened to this program.
fn damaged_copy(error: anyhow::Error, name: &str) -> anyhow::Error {
    match classify(&error) {
        (Exit::Failure, _) if error.chain().any(|cause| cause.is::<std::io::Error>()) => error,
        (Exit::Failure | Exit::FullNeeded, hint) => {
            let failure = Failure::new(Exit::VerifyFailed, format!("{name}: damaged: {error:#}"));
            failure.hint(hint.unwrap_or_else(|| "use another set, and take a new full backup".to_owned())).into()
        }
        _ => error,
    }
}

/// What exists and is nothing that a restore could begin with.
fn not_a_backup(error: anyhow::Error) -> anyhow::Error {
    match error.downcast::<Failure>() {
        Ok(failure) if failure.exit == Exit::NotFound => Failure { exit: Exit::NotABackup, ..failure }.into(),
        Ok(failure) => failure.into(),
        Err(error) => error,
    }
}

/// The error for a set with damages.
#[must_use]
pub fn damaged(set: &str, count: usize) -> anyhow::Error {
    let what = if count == 1 { "1 thing is".to_owned() } else { format!("{count} things are") };
    Failure::new(Exit::VerifyFailed, format!("{set}: {what} wrong with this set"))
        .hint("do not restore from it; use an earlier set, and take a new full backup")
        .into()
}

/// Turns a wish to stop into an error.
///
/// # Errors
/// Exit code 130: somebody asked to stop.
pub fn stop_if(cancel: &certadm::Cancel) -> anyhow::Result<()> {
    if cancel.is_cancelled() {
        return Err(certadm::Error::Cancelled.into());
    }
    Ok(())
}
