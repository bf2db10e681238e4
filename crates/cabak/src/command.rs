//! From the command line to the work, and from its result to an exit code.

use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use certadm::{Cancel, Credentials, Options, ReadHint};
use serde_json::json;

use crate::cli::{
    Access, Backup, Cli, Command, Connection, Export, Locations, Ping, Place, Preflight, Restore, Verify,
};
use crate::contents::{certs, crls, diff, export, logs, show};
use crate::credentials::Sources;
use crate::exit::{Exit, Failure, classify};
use crate::manifest::Kind;
use crate::medium::Folder;
use crate::output::{Closed, Reporter, Style, plain};
use crate::table::{BuiltIn, Certadm, Loaded, Machine, Table, Wish, locations_of_session};
use crate::{contents, interrupt, moment, preflight, recover, restore, scenario, snapshots, verify};

/// Runs a command; everything it has to say is on standard output and standard error when this returns.
#[must_use]
pub fn run(cli: Cli) -> Exit {
    let steps = matches!(&cli.command, Command::Backup(backup) if backup.steps);
    let mut reporter = Reporter::new(Style::choose(cli.json), cli.quiet, steps);
    match dispatch(cli.command, &mut reporter) {
        Ok(exit) => exit,
        // Who reads only the beginning of a listing has all that was wanted.
        Err(error) if error.is::<Closed>() => Exit::Success,
        Err(error) => {
            let (exit, hint) = classify(&error);
            reporter.error(&error, exit, hint.as_deref());
            exit
        }
    }
}

/// Reports a command line that cannot be read as one JSON object.
#[must_use]
pub fn usage_error(error: &clap::Error) -> Exit {
    let text = error.to_string();
    let message = text.strip_prefix("error: ").unwrap_or(&text).trim_end().to_owned();
    let hint = Some("`cabak --help` lists the commands, `cabak COMMAND --help` what each one takes");
    Reporter::new(Style::Json, false, false).error(&anyhow::Error::msg(message), Exit::Usage, hint);
    Exit::Usage
}

/// The handlers are installed by each command after the password prompt, at which Ctrl-C simply ends the program.
fn dispatch(command: Command, reporter: &mut Reporter) -> anyhow::Result<Exit> {
    match command {
        Command::Ping(args) => ping(args, reporter),
        Command::Preflight(args) => check_first(args, reporter),
        Command::Locations(args) => locations(args, reporter),
        Command::Backup(args) => backup(args, reporter),
        Command::Verify(args) => prove(args, reporter),
        Command::Recover(args) => {
            let request = recover::Request { set: args.set, to: args.to, partial: args.partial };
            recover::run(&request, reporter, &cancel()?)
        }
        Command::Restore(args) => restore_set(args, reporter),
        Command::Snapshots(args) => {
            snapshots::run(&Folder::open(&args.dir)?, reporter)?;
            Ok(Exit::Success)
        }
        Command::Certs(args) => {
            let request = certs::Request {
                set: args.set.set,
                scratch: args.set.scratch,
                filter: args.filter,
                all: args.all,
                columns: args.columns,
                csv: args.csv,
            };
            certs::run(&request, reporter, &cancel()?)
        }
        Command::Show(args) => {
            let request = show::Request { set: args.set.set, scratch: args.set.scratch, which: args.which };
            show::run(&request, reporter, &cancel()?)
        }
        Command::Crls(args) => {
            let request = crls::Request { set: args.set.set, scratch: args.set.scratch, csv: args.csv };
            crls::run(&request, reporter, &cancel()?)
        }
        Command::Export(args) => export_set(args, reporter),
        Command::Diff(args) => {
            let request = diff::Request { before: args.set1, after: args.set2, scratch: args.scratch };
            diff::run(&request, reporter, &cancel()?)
        }
        Command::Logs(args) => logs::run(&args.set, args.csv, reporter),
    }
}

fn ping(args: Ping, reporter: &mut Reporter) -> anyhow::Result<Exit> {
    let (mut certadm, _) = open(args.connection, None)?;
    let online = certadm.is_server_online()?;
    let name = match certadm.connection()? {
        Some(server) => server.authority().map(str::to_owned).ok(),
        None => None,
    };
    let state = if online { "online" } else { "running, but not ready" };
    let text = match &name {
        Some(name) => format!("{name}: {state}"),
        None => state.to_owned(),
    };
    reporter.result(&text, &json!({ "event": "result", "online": online, "authority": name }));
    Ok(if online { Exit::Success } else { Exit::Failure })
}

fn check_first(args: Preflight, reporter: &mut Reporter) -> anyhow::Result<Exit> {
    if args.connection.access.certadm.as_deref().is_some_and(|path| path != Path::new(Table::BUILT_IN)) {
        let text = "preflight asks for roles, flags and versions, for which Certadm has no functions; --certadm is not \
                    possible here";
        return Err(Failure::new(Exit::Usage, text).hint("leave --certadm away; the built-in library can ask").into());
    }
    let options = options(&args.connection.access);
    let credentials = credentials(&args.connection.access)?;
    let request = preflight::Request { target: args.connection.target, options, credentials, to: args.to };
    preflight::run(&request, reporter, &cancel()?)?;
    Ok(Exit::Success)
}

fn locations(args: Locations, reporter: &mut Reporter) -> anyhow::Result<Exit> {
    let locations = match args.place {
        Place::Set(path) => {
            let refused = args.access.given();
            if !refused.is_empty() {
                let text = format!("{}: not with a set, which is read and not called", refused.join(", "));
                let hint = format!("if {} is a CA, write csra://{0}", path.display());
                return Err(Failure::new(Exit::Usage, text).hint(hint).into());
            }
            contents::locations::read(&path)?
        }
        Place::Ca(target) => {
            let (mut certadm, cancel) = open(Connection { target, access: args.access }, None)?;
            match certadm.connection()? {
                Some(server) => server.database_locations()?,
                None => {
                    Loaded::enable_privilege()?;
                    locations_of_session(certadm.as_mut(), &cancel)?
                }
            }
        }
    };
    let mut lines = Vec::new();
    let mut items = Vec::new();
    for name in locations.names() {
        let kind = certadm::file_type_name(name.file_type());
        lines.push(format!("{kind:<22} {}", plain(name.path())));
        items.push(json!({ "type": kind, "path": name.path() }));
    }
    reporter.result(&lines.join("\n"), &json!({ "event": "result", "locations": items }));
    if let Some(path) = args.save {
        crate::medium::replace(&path, locations.as_bytes())
            .with_context(|| format!("cannot write {}", path.display()))?;
        let text = format!("written to {}", path.display());
        reporter.info(&text, json!({ "event": "saved", "path": path.display().to_string() }));
    }
    Ok(Exit::Success)
}

fn export_set(args: Export, reporter: &mut Reporter) -> anyhow::Result<Exit> {
    let target = match (args.pem, args.sqlite, args.csv) {
        (Some(directory), _, _) => export::Target::Pem(directory),
        (None, Some(file), _) => export::Target::Sqlite(file),
        (None, None, Some(directory)) => export::Target::Csv(directory),
        (None, None, None) => return Err(Failure::new(Exit::Usage, "one of --pem, --sqlite, --csv is needed").into()),
    };
    let request = export::Request { set: args.set.set, scratch: args.set.scratch, target, filter: args.filter };
    export::run(&request, reporter, &cancel()?)
}

fn backup(args: Backup, reporter: &mut Reporter) -> anyhow::Result<Exit> {
    let request = scenario::Request {
        target: args.connection.target.clone(),
        to: args.to,
        kind: if args.incremental { Kind::Incremental } else { Kind::Full },
        truncate: args.truncate,
        verify: !args.no_verify,
        dynamic_directories: args.dynamic_dir,
        read_hint: ReadHint::new(args.read_size.saturating_mul(1024)),
        scratch: args.scratch,
    };
    let (certadm, cancel) = open(args.connection, Some(reporter))?;
    if certadm.library().is_some() {
        Loaded::enable_privilege()?;
    }
    let outcome = scenario::run(&request, certadm, reporter, &cancel)?;
    let manifest = outcome.set.manifest();
    let mut text = format!(
        "{} backup of {}: {}, {} in {}, verified: {}",
        manifest.kind.name(),
        manifest.authority.name,
        outcome.set.name(),
        moment::bytes(manifest.size()),
        moment::counted(manifest.files.len() as u64, "file"),
        manifest.verification.level.name()
    );
    if manifest.truncated.is_some() {
        text.push_str(", logs truncated on the CA");
    }
    let missing: Vec<&str> = manifest.missing.iter().map(|missing| missing.item.as_str()).collect();
    let absent = manifest.dynamic.iter().filter(|dynamic| dynamic.path.is_none()).count();
    text.push_str(&format!("\nnot included: {}", missing.join(", ")));
    if absent > 0 {
        text.push_str(&format!(", {}", moment::counted(absent as u64, "dynamic file")));
    }
    for undone in &outcome.undone {
        text.push_str(&format!("\nnot done: {undone}"));
    }
    let exit = if outcome.undone.is_empty() { Exit::Success } else { Exit::Incomplete };
    let fields = json!({
        "event": "result",
        "set": outcome.set.name(),
        "path": outcome.set.path().display().to_string(),
        "kind": manifest.kind,
        "authority": manifest.authority.name,
        "based_on": manifest.based_on,
        "size": manifest.size(),
        "files": manifest.files.len(),
        "logs": manifest.logs,
        "verified": manifest.verification.level,
        "truncated": manifest.truncated.is_some(),
        "missing": missing,
        "dynamic_files_not_included": absent,
        "undone": outcome.undone,
        "exit": exit.name(),
    });
    reporter.result(&text, &fields);
    Ok(exit)
}

fn prove(args: Verify, reporter: &mut Reporter) -> anyhow::Result<Exit> {
    let request = verify::Request { set: args.set, hashes_only: args.hashes_only, scratch: args.scratch };
    verify::run(&request, reporter, &cancel()?)
}

fn restore_set(args: Restore, reporter: &mut Reporter) -> anyhow::Result<Exit> {
    let until = match (args.until_generation, &args.until_time, args.no_roll_forward) {
        (Some(generation), _, _) => restore::Stop::Generation(generation),
        (None, Some(time), _) => restore::Stop::Time(moment::parse(time)?),
        (None, None, true) => restore::Stop::AtSet,
        (None, None, false) => restore::Stop::AtEnd,
    };
    let request = restore::Request {
        set: args.set,
        data_directory: args.data_dir,
        until,
        dry_run: args.dry_run,
        force: args.force,
        discard: args.discard,
        scratch: args.scratch,
    };
    restore::run(&request, reporter, &cancel()?)?;
    Ok(Exit::Success)
}

/// Steps 1 and 2 of the article, shown when they belong to a backup; and the token of Ctrl-C.
fn open(connection: Connection, steps: Option<&mut Reporter>) -> anyhow::Result<(Box<dyn Certadm>, Cancel)> {
    let refused = connection.access.built_in_only();
    let wish = Wish { certadm: connection.access.certadm.as_deref(), built_in_only: !refused.is_empty() };
    let table = Table::choose(&connection.target, wish, &Machine::this(), Path::is_file);
    let Some(path) = table.library() else {
        if let Some(reporter) = steps {
            reporter.step("1, 2", "nothing to load, the library and its functions are built in");
        }
        let credentials = credentials(&connection.access)?;
        let options = options(&connection.access);
        let cancel = cancel()?;
        return Ok((Box::new(BuiltIn::new(connection.target, credentials, options, cancel.clone())), cancel));
    };
    if !refused.is_empty() {
        let options = refused.join(", ");
        let text = format!("{options}: not with {}, whose functions have no such parameters", path.display());
        return Err(Failure::new(Exit::Usage, text)
            .hint(
                "libcertadm takes its account from CERTADM_USER and CERTADM_PASSWORD_FILE and everything from its \
                 configuration file; the library of Windows takes the account that runs cabak",
            )
            .into());
    }
    let cancel = cancel()?;
    let Some(reporter) = steps else { return Ok((Box::new(Loaded::load(path, &connection.target)?), cancel)) };
    reporter.step("1", &format!("load {}", path.display()));
    let loaded = Loaded::load(path, &connection.target)?;
    reporter.step("2", &format!("find its {} functions", Loaded::functions()));
    Ok((Box::new(loaded), cancel))
}

fn credentials(access: &Access) -> anyhow::Result<Credentials> {
    Sources::new(access.user.clone(), access.password_file.clone()).credentials()
}

fn cancel() -> anyhow::Result<Cancel> {
    interrupt::install().context("cannot install the signal handlers")
}

fn options(access: &Access) -> Options {
    let default = Options::default();
    Options {
        connect_timeout: access.connect_timeout.map_or(default.connect_timeout, Duration::from_secs),
        call_timeout: access.timeout.map_or(default.call_timeout, Duration::from_secs),
    }
}
