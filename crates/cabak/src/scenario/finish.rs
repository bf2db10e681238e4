//! The end of a backup, in the order that keeps it safe: verify, publish, truncate, end.

use std::path::Path;

use std::cell::RefCell;
use std::time::{Duration, Instant};

use certadm::Cancel;
use serde_json::json;

use super::Request;
use crate::chain;
use crate::exit::{Exit, Failure};
use crate::manifest::{DatabaseFormat, Kind, Level, Manifest, Role, Truncated, Verification};
use crate::medium::{Listing, PartialSet, Set};
use crate::moment;
use crate::output::Reporter;
use crate::source::LogFile;
use crate::table::Backup;
use crate::verify::{self, Until, View};
use crate::windows::Files;
use crate::windows::proof::{self, Verdict};

/// How often a server hears from us while we verify.
const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// Proves that the set is good, then makes it visible.
pub(super) fn publish(
    request: &Request,
    listing: &Listing,
    session: Box<dyn Backup>,
    set: PartialSet,
    mut manifest: Manifest,
    reporter: &mut Reporter,
    cancel: &Cancel,
) -> anyhow::Result<(Box<dyn Backup>, Set)> {
    manifest.files = set.files().to_vec();
    let mut session = session;
    if request.verify {
        let level = verify(request, listing, session.as_mut(), &set, &manifest, reporter, cancel)?;
        manifest.verification = Verification { level, at: Some(moment::rfc3339(moment::now())?) };
    }
    verify::stop_if(cancel)?;
    manifest.finished = moment::rfc3339(moment::now())?;
    let set = set.publish(&manifest)?;
    let text = format!("published {}", set.path().display());
    reporter.info(&text, json!({ "event": "published", "set": set.name(), "path": set.path().display().to_string() }));
    Ok((session, set))
}

fn verify(
    request: &Request,
    listing: &Listing,
    session: &mut dyn Backup,
    set: &PartialSet,
    manifest: &Manifest,
    reporter: &mut Reporter,
    cancel: &Cancel,
) -> anyhow::Result<Level> {
    let view = View { name: set.name(), path: set.path(), manifest };
    reporter.info("verifying", json!({ "event": "verifying", "set": set.name() }));
    let last_call = RefCell::new(Instant::now());
    let mut tick = |reporter: &mut Reporter, bytes: u64| -> anyhow::Result<()> {
        reporter.advance(bytes);
        verify::stop_if(cancel)?;
        let mut last_call = last_call.borrow_mut();
        if last_call.elapsed() >= KEEP_ALIVE {
            // A loaded library has no function for it; whether it keeps its connection alive is its own affair.
            if let Some(server) = session.connection() {
                server.state()?;
            }
            *last_call = Instant::now();
        }
        Ok(())
    };

    reporter.begin_progress("read back", manifest.size());
    let damages = verify::inspect(view, &mut |bytes| tick(reporter, bytes))?;
    reporter.end_progress();
    if let Some(first) = damages.first() {
        return Err(Failure::new(
            Exit::VerifyFailed,
            format!("what was just written comes back changed: {}: {}", first.file, first.problem),
        )
        .hint("do not trust this medium; nothing was published and nothing was truncated")
        .into());
    }
    if manifest.database_format == DatabaseFormat::Unknown {
        reporter.warn(&format!(
            "the database format is {}: the set is verified by its hashes only, this version cannot recover it",
            manifest.database_format.name()
        ));
        return Ok(Level::Hashes);
    }

    let below = match manifest.kind {
        Kind::Full => Vec::new(),
        Kind::Incremental => chain::below(manifest, listing)?,
    };
    let views: Vec<View<'_>> = below.iter().map(View::of).chain([view]).collect();
    if manifest.database_format == DatabaseFormat::Ese {
        return prove_windows(&views, request.scratch.as_deref(), reporter, &mut tick);
    }
    reporter.begin_progress("trial recovery", views.iter().map(|view| view.manifest.size()).sum());
    let recovered = verify::trial(&views, Until::End, request.scratch.as_deref(), &mut |bytes| tick(reporter, bytes))?;
    reporter.end_progress();
    reporter.info(&format!("  {recovered}"), json!({ "event": "recovered", "recovered": recovered }));
    Ok(Level::Replayed)
}

/// The rules of ESE, and the logs replayed over the database. What a restore would stop at fails the backup; what this version
/// cannot replay does not, and then the logs are not proved to be superfluous.
fn prove_windows(
    views: &[View<'_>],
    scratch: Option<&Path>,
    reporter: &mut Reporter,
    tick: &mut dyn FnMut(&mut Reporter, u64) -> anyhow::Result<()>,
) -> anyhow::Result<Level> {
    let database =
        views.iter().find_map(|view| Some(view.manifest.files_of(Role::Database).next()?.path.below(view.path)));
    let logs: Vec<LogFile> = chain::logs(views.iter().copied())?
        .into_iter()
        .map(|(generation, log)| LogFile { generation, path: log.path })
        .collect();
    let files = Files { database: database.as_ref(), logs: &logs, scratch };
    reporter.begin_progress("replay", proof::work(&files, true).unwrap_or_default());
    let proof = proof::proof(&files, true, &mut |bytes| tick(reporter, bytes))?;
    reporter.end_progress();
    for finding in &proof.findings {
        finding.report(reporter);
    }
    if !proof.is_sound() {
        return Err(Failure::new(Exit::VerifyFailed, format!("what the server sent is {}", proof.verdict))
            .hint("nothing was published and nothing was truncated; look at the disks and the event log of the CA")
            .into());
    }
    if proof.verdict != Verdict::Restorable {
        reporter.warn(
            "the set keeps every rule of a restore, but its logs could not be replayed: it is verified by its hashes",
        );
        return Ok(Level::Hashes);
    }
    if let Some(replayed) = &proof.replayed {
        reporter.info(&format!("  {replayed}"), json!({ "event": "recovered", "replayed": replayed }));
    }
    Ok(Level::Replayed)
}

/// Step 11. The set is safe by now, so nothing here fails the backup; what could not be done is returned.
pub(super) fn truncate(
    session: &mut dyn Backup,
    set: &mut Set,
    reporter: &mut Reporter,
    cancel: &Cancel,
) -> Option<String> {
    reporter.step("11", "let the server delete the logs that are in the set");
    if set.manifest().verification.level != Level::Replayed {
        reporter.warn("the logs on the CA are not truncated: the set is not proved by a replay");
        return Some("truncation: the set is not proved by a replay".to_owned());
    }
    if let Err(error) = verify::stop_if(cancel).and_then(|()| Ok(session.backup_truncate_logs()?)) {
        reporter.warn(&format!("the logs on the CA are not truncated: {error}"));
        return Some(format!("truncation: {error}"));
    }
    let recorded = moment::rfc3339(moment::now()).and_then(|at| {
        let mut manifest = set.manifest().clone();
        manifest.truncated = Some(Truncated { at });
        set.rewrite(manifest)
    });
    if let Err(error) = recorded {
        reporter.warn(&format!("the logs on the CA are truncated, but the manifest does not say so: {error:#}"));
        return Some(format!("recording the truncation: {error:#}"));
    }
    reporter.info("logs truncated on the CA", json!({ "event": "truncated", "set": set.name() }));
    None
}

/// Steps 14 and 15.
pub(super) fn end(session: Box<dyn Backup>, reporter: &mut Reporter) {
    reporter.step("14", "end the backup");
    if let Err(error) = session.backup_end() {
        // The set is published; a server that is gone has ended the session by itself.
        reporter.warn(&format!("the server did not confirm the end of the session: {error}"));
        return;
    }
    reporter.step("15", "the lists are freed: each was when it had been copied");
}
