//! `cabak preflight`: everything that decides whether a backup will work, looked at before anything is started.

use std::path::{Path, PathBuf};

use certadm::{Cancel, Credentials, Denied, InterfaceFlags, Roles, Server, Target, roles_text};
use serde::Serialize;
use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::chain;
use crate::exit::{Exit, Failure};
use crate::medium::{Folder, directory_of};
use crate::moment;
use crate::output::Reporter;

/// What to look at.
#[derive(Clone, Debug)]
pub struct Request {
    /// The CA.
    pub target: Target,
    /// How to reach it.
    pub options: certadm::Options,
    /// As whom.
    pub credentials: Credentials,
    /// Where the sets would go.
    pub to: Option<PathBuf>,
}

/// How a check went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Good.
    Ok,
    /// A backup works, and something deserves attention.
    Warn,
    /// A backup would be refused.
    Fail,
}

struct Checks<'a> {
    reporter: &'a mut Reporter,
    failed: usize,
}

impl Checks<'_> {
    fn report(&mut self, check: &str, verdict: Verdict, text: &str, hint: Option<&str>) {
        let word = match verdict {
            Verdict::Ok => "ok  ",
            Verdict::Warn => "warn",
            Verdict::Fail => "FAIL",
        };
        if verdict == Verdict::Fail {
            self.failed += 1;
        }
        let mut line = format!("{word} {check}: {text}");
        if let Some(hint) = hint {
            line.push_str("\n     hint: ");
            line.push_str(hint);
        }
        let fields = json!({ "event": "check", "check": check, "verdict": verdict, "message": text, "hint": hint });
        self.reporter.result(&line, &fields);
    }

    fn ok(&mut self, check: &str, text: &str) {
        self.report(check, Verdict::Ok, text, None);
    }
}

/// Looks, and reports every finding.
///
/// # Errors
/// Exit code 20: a backup would be refused. Exit code 12: the account is not accepted.
pub fn run(request: &Request, reporter: &mut Reporter, cancel: &Cancel) -> anyhow::Result<()> {
    let mut checks = Checks { reporter, failed: 0 };
    let authority = server(request, &mut checks, cancel)?;
    if let Some(to) = &request.to {
        medium(to, authority.as_deref(), &mut checks)?;
    }
    let failed = checks.failed;
    if failed > 0 {
        let what = if failed == 1 { "1 check" } else { &format!("{failed} checks") };
        return Err(Failure::new(Exit::Refused, format!("a backup would fail: {what} failed")).into());
    }
    reporter.result("a backup will work", &json!({ "event": "result", "ready": true, "authority": authority }));
    Ok(())
}

fn server(request: &Request, checks: &mut Checks<'_>, cancel: &Cancel) -> anyhow::Result<Option<String>> {
    let target = &request.target;
    let mut server = match Server::connect(target, &request.credentials, &request.options, cancel) {
        Ok(server) => server,
        Err(error @ (certadm::Error::AuthenticationFailed { .. } | certadm::Error::Cancelled)) => {
            return Err(error.into());
        }
        Err(error) => {
            checks.report("reachable", Verdict::Fail, &error.to_string(), error.hint().as_deref());
            return Ok(None);
        }
    };
    checks.ok("reachable", &format!("{target}, DCOM with packet privacy"));
    checks.ok("account", &format!("authenticated as {}", account(&request.credentials)));
    match server.is_online() {
        Ok(true) => checks.ok("online", "the CA is running and ready"),
        Ok(false) => checks.report(
            "online",
            Verdict::Fail,
            "the CA is running but not ready",
            Some("it may be paused or recovering"),
        ),
        Err(error) => checks.report("online", Verdict::Fail, &error.to_string(), error.hint().as_deref()),
    }

    let authority = match server.authority() {
        Ok(name) => Some(name.to_owned()),
        Err(error) => {
            let hint = error.hint().unwrap_or_else(|| r"name the CA: 'host\CA name'".to_owned());
            checks.report("name", Verdict::Fail, &error.to_string(), Some(&hint));
            None
        }
    };
    if let Some(name) = &authority {
        let version = server.product_version().map(|version| format!(" (version {version})")).unwrap_or_default();
        checks.ok("name", &format!("{name}{version}"));
    }

    match server.my_roles() {
        Ok(roles) if roles.contains(Roles::OPERATOR) => checks.ok("roles", &roles_text(roles)),
        Ok(roles) => checks.report(
            "roles",
            Verdict::Fail,
            &format!("{}; the backup needs the operator role", roles_text(roles)),
            Some(
                "grant the account Read on the CA and the right to back up files and directories \
                  (SeBackupPrivilege) on its host; on certsrvd, give it the role operator",
            ),
        ),
        Err(error) => checks.report("roles", Verdict::Warn, &format!("the server does not say: {error}"), None),
    }

    // Harmless and in the backup group: the server's own answer on whether it lets us back up.
    let allowed = server.database_locations();
    let flags = server.interface_flags();
    let flag_text = |flags: InterfaceFlags| format!("InterfaceFlags {:#x}", flags.bits());
    match (&allowed, &flags) {
        (Ok(_), Ok(flags)) if flags.contains(InterfaceFlags::NO_REMOTE_ADMIN_BACKUP) => checks.report(
            "remote backup",
            Verdict::Ok,
            &format!("allowed here; {} would refuse it from another machine (0x40)", flag_text(*flags)),
            None,
        ),
        (Ok(_), Ok(flags)) => checks.ok("remote backup", &format!("allowed, {}", flag_text(*flags))),
        (Ok(_), Err(_)) => checks.ok("remote backup", "allowed"),
        (Err(_), Ok(flags)) if flags.contains(InterfaceFlags::NO_REMOTE_ADMIN_BACKUP) => checks.report(
            "remote backup",
            Verdict::Fail,
            &format!("disabled: {} has IF_NOREMOTEICERTADMINBACKUP (0x40)", flag_text(*flags)),
            Some(&Denied::RemoteBackupDisabled { flags: *flags }.hint()),
        ),
        (Err(error), _) => checks.report("remote backup", Verdict::Fail, &error.to_string(), error.hint().as_deref()),
    }
    Ok(authority)
}

fn medium(to: &Path, authority: Option<&str>, checks: &mut Checks<'_>) -> anyhow::Result<()> {
    if !to.exists() {
        let parent = directory_of(to);
        let text = format!("{} does not exist", to.display());
        if parent.is_dir() {
            checks.report("medium", Verdict::Ok, &format!("{text}; the backup creates it"), None);
        } else {
            checks.report("medium", Verdict::Fail, &text, Some("create it, or mount the medium"));
        }
        return Ok(());
    }
    let folder = match Folder::open(to) {
        Ok(folder) => folder,
        Err(error) => {
            checks.report("medium", Verdict::Fail, &format!("{error:#}"), None);
            return Ok(());
        }
    };
    match tempfile::Builder::new().prefix(".partial-preflight-").tempdir_in(to) {
        Ok(_) => {}
        Err(error) => {
            let text = format!("cannot write into {}: {error}", to.display());
            checks.report(
                "medium",
                Verdict::Fail,
                &text,
                Some("run as a user who may write there, or use another directory"),
            );
        }
    }
    let listing = folder.list()?;
    let free = folder.free_space()?;
    let last_full = authority.and_then(|authority| chain::latest_full(&listing, authority));
    match last_full.map(|set| set.manifest().size()) {
        Some(size) if free < size.saturating_add(size / 10) => checks.report(
            "free space",
            Verdict::Warn,
            &format!("{} free, the last full backup has {}", moment::bytes(free), moment::bytes(size)),
            Some("free space on the medium, or use another directory"),
        ),
        Some(size) => {
            let text = format!("{} free, the last full backup has {}", moment::bytes(free), moment::bytes(size));
            checks.ok("free space", &text);
        }
        None => checks.ok("free space", &format!("{} free in {}", moment::bytes(free), to.display())),
    }
    match last_full {
        Some(set) => {
            let manifest = set.manifest();
            let age = OffsetDateTime::parse(&manifest.started, &Rfc3339)
                .map(|at| format!(", {} ago", moment::age(at, moment::now())))
                .unwrap_or_default();
            let text = format!("{}{age}, {}", set.name(), manifest.verification.level.name());
            checks.ok("last full backup", &text);
        }
        None => checks.report("last full backup", Verdict::Ok, "none here yet; the first one must be full", None),
    }
    if !listing.leftovers.is_empty() {
        let text = format!("{} unfinished: {}", listing.leftovers.len(), listing.leftovers.join(", "));
        checks.report("leftovers", Verdict::Warn, &text, Some("the next backup removes what interrupted ones left"));
    }
    for unusable in &listing.unusable {
        checks.report("sets", Verdict::Warn, &format!("{}: {}", unusable.name, unusable.reason), None);
    }
    Ok(())
}

fn account(credentials: &Credentials) -> String {
    match credentials.domain.as_str() {
        "" => credentials.user.clone(),
        domain => format!("{domain}\\{}", credentials.user),
    }
}
