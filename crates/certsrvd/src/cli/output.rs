//! What the program prints: text for people, JSON for scripts.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::Path;

use serde_json::json;

use crate::authority::{Adopted, Authority};
use crate::control::{Reply, Status};
use crate::disposition::Disposition;
use crate::failure::Failure;
use crate::serve::Ready;

/// Where and how it is printed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Output {
    pub(super) json: bool,
}

impl Output {
    /// To standard output.
    pub(super) fn reply(self, reply: &Reply) {
        if self.json {
            print_line(&serde_json::to_string(reply).unwrap_or_default());
        } else {
            print_line(text(reply).trim_end());
        }
    }

    /// To standard error.
    pub(super) fn failure(self, failure: &Failure) {
        let mut lines = if self.json { json!({ "error": failure }).to_string() } else { format!("error: {failure}") };
        if let (false, Some(hint)) = (self.json, &failure.hint) {
            lines.push_str("\nhint: ");
            lines.push_str(hint);
        }
        let _ = writeln!(io::stderr(), "{lines}");
    }

    pub(super) fn created(self, status: &Status, authority: &Authority, configuration: &Path) {
        if self.json {
            let object = json!({
                "reply": "created",
                "authority": status.authority,
                "fingerprint": status.fingerprint,
                "not_after": status.not_after,
                "certificate": authority.directory().certificate(),
                "configuration": configuration,
            });
            print_line(&object.to_string());
            return;
        }
        print_line(&format!(
            "{} is ready\n  certificate    {} (until {})\n  SHA-256        {}\n  configuration  {}\n  first CRL      {}",
            status.authority,
            authority.directory().certificate().display(),
            status.not_after,
            status.fingerprint,
            configuration.display(),
            authority.crl_file().display(),
        ));
    }

    pub(super) fn adopted(self, adopted: &Adopted) {
        if self.json {
            let object = json!({
                "reply": "adopted",
                "database": adopted.database,
                "generation": adopted.generation,
                "earlier_logs": adopted.earlier_logs,
                "reason": adopted.reason,
            });
            print_line(&object.to_string());
            return;
        }
        let earlier_logs = match &adopted.earlier_logs {
            Some(directory) => format!("moved to {}", directory.display()),
            None => "there were none".to_owned(),
        };
        print_line(&format!(
            "{} is adopted as it is, with new logs from generation {} on\n  reason        {}\n  earlier logs  {earlier_logs}; none of \
             them can be used for this database any more\n  next          make a full backup now: until then incremental ones are \
             refused",
            adopted.database.display(),
            adopted.generation,
            adopted.reason,
        ));
    }

    pub(super) fn ready(self, ready: &Ready) {
        if self.json {
            let object = json!({
                "event": "ready",
                "endpoint_mapper": ready.endpoint_mapper.to_string(),
                "object": ready.object.to_string(),
                "pid": std::process::id(),
            });
            print_line(&object.to_string());
        } else {
            print_line(&format!("ready: endpoint mapper {}, objects {}", ready.endpoint_mapper, ready.object));
        }
    }
}

fn text(reply: &Reply) -> String {
    match reply {
        Reply::Done { message } => message.clone(),
        Reply::Accounts { accounts } => table(
            &["NAME", "ROLES", "STATE"],
            accounts.iter().map(|account| {
                let roles = account.roles.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
                [account.name.clone(), roles, if account.locked { "locked" } else { "" }.to_owned()]
            }),
        ),
        Reply::Submitted(submitted) => {
            let mut lines =
                format!("request {}: {} ({})\n", submitted.request_id, submitted.disposition, submitted.message);
            if let Some(serial) = &submitted.serial {
                let _ = writeln!(lines, "serial {serial}");
            }
            lines.push_str(submitted.pem.as_deref().unwrap_or_default());
            lines
        }
        Reply::Requests { requests } => table(
            &["ID", "STATE", "SUBMITTED", "REQUESTER", "SUBJECT", "REASON"],
            requests.iter().map(|request| {
                let refused = matches!(request.disposition, Disposition::Failed | Disposition::Denied);
                let reason = request.message.clone().filter(|_| refused);
                [
                    request.request_id.to_string(),
                    request.disposition.to_string(),
                    request.submitted.clone().unwrap_or_default(),
                    request.requester.clone().unwrap_or_default(),
                    request.subject.clone().unwrap_or_default(),
                    reason.unwrap_or_default(),
                ]
            }),
        ),
        Reply::Certificates { certificates } => table(
            &["ID", "STATE", "SERIAL", "NOT AFTER", "SUBJECT"],
            certificates.iter().map(|certificate| {
                [
                    certificate.request_id.to_string(),
                    certificate.disposition.to_string(),
                    certificate.serial.clone(),
                    certificate.not_after.clone().unwrap_or_default(),
                    certificate.subject.clone().unwrap_or_default(),
                ]
            }),
        ),
        Reply::Certificate { summary, pem } => {
            let mut lines = format!(
                "request    {}\nstate      {}\nserial     {}\nsubject    {}\nvalid      {} to {}\nSHA-1      {}\n",
                summary.request_id,
                summary.disposition,
                summary.serial,
                summary.subject.as_deref().unwrap_or_default(),
                summary.not_before.as_deref().unwrap_or_default(),
                summary.not_after.as_deref().unwrap_or_default(),
                summary.hash.as_deref().unwrap_or_default(),
            );
            if let Some(revoked) = &summary.revoked {
                let reason = summary.reason.map(|reason| reason.to_string()).unwrap_or_default();
                let _ = writeln!(lines, "revoked    {revoked} ({reason})");
            }
            lines + pem
        }
        Reply::Crl(crl) => {
            let certificates = if crl.count == 1 { "certificate" } else { "certificates" };
            let (number, count, next_update) = (crl.number, crl.count, &crl.next_update);
            format!("CRL {number} with {count} {certificates}, next update {next_update}\n{}", crl.file)
        }
        Reply::Status(status) => status_text(status),
    }
}

fn status_text(status: &Status) -> String {
    let mut lines = format!("{}\n", status.authority);
    let mut line = |key: &str, value: &str| {
        let _ = writeln!(lines, "  {key:<16} {value}");
    };
    match (&status.endpoint_mapper, &status.object) {
        (Some(endpoint_mapper), Some(object)) => {
            line("server", &format!("running, endpoint mapper {endpoint_mapper}, objects {object}"));
        }
        _ => line("server", "not running"),
    }
    line("valid until", &status.not_after);
    line("SHA-256", &status.fingerprint);
    for (disposition, count) in &status.requests {
        line(&disposition.to_string(), &count.to_string());
    }
    if let Some(crl) = &status.crl {
        line("CRL", &format!("number {}, next update {}", crl.number, crl.next_update));
    }
    line("database", &status.database.file);
    let circular = if status.database.circular_logging { ", circular logging" } else { "" };
    line("log", &format!("generation {}{circular}", status.database.log_generation));
    match (status.database.backup_in_progress, &status.database.full_backup_required) {
        (true, _) => line("backup", "in progress"),
        (false, Some(reason)) => line("backup", &format!("the next one must be full: {reason}")),
        (false, None) => line("backup", "incremental is possible"),
    }
    if let Some(reason) = &status.database.stopped {
        line("STOPPED", reason);
    }
    line("accounts", &status.accounts.to_string());
    lines
}

fn table<const N: usize>(head: &[&str; N], rows: impl Iterator<Item = [String; N]>) -> String {
    let mut all = vec![head.map(str::to_owned)];
    all.extend(rows);
    let mut widths = [0; N];
    for row in &all {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut lines = String::new();
    for row in &all {
        let cells =
            row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect::<Vec<_>>().join("  ");
        lines.push_str(cells.trim_end());
        lines.push('\n');
    }
    lines
}

/// A reader that has gone away (`| head`) is no failure.
fn print_line(line: &str) {
    let mut stdout = io::stdout().lock();
    let _ = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
}
