//! `cabak restore`: Microsoft's "Restoring Certificate Services from Backup", for a certsrvd on this machine.
//!
//! The order keeps an interruption harmless. Copies are staged beside the present database, then the restore is
//! registered, which keeps the server from starting; then two renames swap the databases; then the restore is marked
//! complete. Run again, it starts over from whatever it finds.

mod apply;
mod plan;

use std::path::PathBuf;

use certadm::{Cancel, RestoreSession};
use serde_json::json;
use time::OffsetDateTime;

use crate::exit::{Exit, Failure};
use crate::medium::Set;
use crate::output::Reporter;
use crate::verify::{self, View};

pub use plan::{Plan, Stop};

/// What to restore, and where.
#[derive(Clone, Debug)]
pub struct Request {
    /// The set, or `DIR/latest`.
    pub set: PathBuf,
    /// The data directory of the stopped certsrvd.
    pub data_directory: PathBuf,
    /// How far to roll forward.
    pub until: Stop,
    /// Print the plan and stop.
    pub dry_run: bool,
    /// Go on where a check can only warn.
    pub force: bool,
    /// Delete the present database in the end.
    pub discard: bool,
    /// Where the trial recovery may write.
    pub scratch: Option<PathBuf>,
}

/// Plans, checks, and restores.
///
/// # Errors
/// Before step 4 of the plan nothing of the present database has been touched. Exit codes 10, 11, 21, 22 as documented.
pub fn run(request: &Request, reporter: &mut Reporter, cancel: &Cancel) -> anyhow::Result<()> {
    RestoreSession::check_system()?;
    let set = Set::open(&request.set)?;
    let listing = set.folder()?.list()?;
    let plan = Plan::make(&set, &listing, request, crate::moment::now())?;
    let fields = json!({ "event": "plan", "plan": plan.summary() });
    if request.dry_run {
        // The plan is what was asked for.
        reporter.result(&plan.to_string(), &fields);
    } else {
        reporter.info(&plan.to_string(), fields);
    }
    for warning in plan.warnings() {
        reporter.warn(warning);
    }
    if let Some(obstacle) = plan.warnings().first().filter(|_| !request.force && !request.dry_run) {
        return Err(Failure::new(Exit::Failure, format!("not restored: {obstacle}"))
            .hint("look at the plan; --force restores nevertheless")
            .into());
    }
    if request.dry_run {
        return Ok(());
    }

    let session = RestoreSession::prepare(plan.data())?;
    check(&plan, request, reporter, cancel)?;
    apply::run(&plan, session, request, reporter, cancel)?;

    let text = format!(
        "restored {}; start certsrvd now: it replays the logs before it answers\nthen take a full backup: it starts \
         a new chain",
        set.name()
    );
    let fields = json!({
        "event": "result",
        "set": set.name(),
        "data_directory": request.data_directory.display().to_string(),
        "kept": plan.aside().exists().then(|| plan.aside().display().to_string()),
    });
    reporter.result(&text, &fields);
    Ok(())
}

/// Everything that can be proved without touching the data directory.
fn check(plan: &Plan, request: &Request, reporter: &mut Reporter, cancel: &Cancel) -> anyhow::Result<()> {
    let views: Vec<View<'_>> = plan.sets().iter().map(View::of).collect();
    let total = views.iter().map(|view| view.manifest.size()).sum();
    let tick_with = |reporter: &mut Reporter, bytes: u64| {
        reporter.advance(bytes);
        verify::stop_if(cancel)
    };
    reporter.begin_progress("verify the sets", total);
    let mut damages = Vec::new();
    for &view in &views {
        damages.extend(verify::inspect(view, &mut |bytes| tick_with(reporter, bytes))?);
    }
    reporter.end_progress();
    if let Some(first) = damages.first() {
        reporter.warn(&format!("{}/{}: {}", first.set, first.file, first.problem));
        return Err(verify::damaged(&first.set, damages.len()));
    }
    reporter.begin_progress("trial recovery", total);
    let recovered =
        verify::trial(&views, plan.trial_until(), request.scratch.as_deref(), &mut |bytes| tick_with(reporter, bytes))?;
    reporter.end_progress();
    reporter.info(&format!("trial recovery: {recovered}"), json!({ "event": "recovered", "recovered": recovered }));
    Ok(())
}

/// A time as the plan shows it.
fn show(time: OffsetDateTime) -> String {
    crate::moment::rfc3339(time).unwrap_or_else(|_| time.to_string())
}
