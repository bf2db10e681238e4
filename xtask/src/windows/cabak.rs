//! `cabak.exe` backs up a CA on Linux, and Linux reads what it wrote.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::{Bed, Check, wine};
use crate::scene::{CA_NAME, OPERATOR};
use crate::windows_set::{self, Version};

/// The checks, in their order.
pub(super) const CHECKS: &[Check] = &[
    ("cabak ping", ping),
    ("cabak preflight", preflight),
    ("cabak with a wrong password", wrong_password),
    ("cabak where nobody listens", unreachable),
    ("cabak backup", full),
    ("the full set beside the CA's files", compare),
    ("cabak locations --save", locations),
    ("cabak backup --incremental", incremental),
    ("cabak snapshots", snapshots),
    ("cabak verify", verify),
    ("the same sets on Linux", verify_on_linux),
    ("cabak verify of a damaged set", damaged),
    ("cabak and a set of a Windows CA", windows_set),
    ("cabak restore", restore),
];

/// Certificates that are issued before each backup.
const BATCH: usize = 12;

fn ping(bed: &Bed) -> Result<String> {
    let result = result(&run(bed, &["ping", &bed.server.endpoint_mapper], 0)?)?;
    ensure!(result["online"] == true && result["authority"] == CA_NAME, "{result}");
    Ok(format!("{CA_NAME} is online"))
}

fn preflight(bed: &Bed) -> Result<String> {
    fs::create_dir(bed.scene.sets())?;
    let sets = sets(bed);
    run(bed, &["preflight", &bed.server.endpoint_mapper, "--to", &sets], 0)?;
    Ok("a backup will work".to_owned())
}

fn wrong_password(bed: &Bed) -> Result<String> {
    let file = bed.scene.secret("wrong");
    fs::write(&file, "not the password")?;
    let file = wine::path(&file);
    let file = file.to_string_lossy();
    run(bed, &["ping", &bed.server.endpoint_mapper, "--password-file", &file], 12)?;
    Ok("exit code 12".to_owned())
}

fn unreachable(bed: &Bed) -> Result<String> {
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let output = run(bed, &["ping", &format!("127.0.0.1:{port}")], 1)?;
    let message = result(&output)?["message"].as_str().unwrap_or_default().to_owned();
    ensure!(message.starts_with("cannot reach 127.0.0.1"), "{message}");
    Ok("exit code 1".to_owned())
}

fn full(bed: &Bed) -> Result<String> {
    backup(bed, "full", &[])
}

/// The logs in the set are those of the CA, byte by byte; the database, which changes all the time, restores to every certificate.
fn compare(bed: &Bed) -> Result<String> {
    let set = youngest(bed, "full")?.join("DataBase");
    let mut logs = 0;
    for entry in fs::read_dir(&set)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "log") {
            let original = bed.scene.logs().join(path.file_name().context("a log has a name")?);
            let equal = fs::read(&path)? == fs::read(&original).with_context(|| original.display().to_string())?;
            ensure!(equal, "{} differs from the CA's", path.display());
            logs += 1;
        }
    }
    ensure!(logs > 0, "there is no log in {}", set.display());
    let (restored, issued) = (crate::set::recover_and_count(&set)?, bed.scene.certificates()?.len());
    ensure!(usize::try_from(restored)? == issued, "{restored} certificates come out of it, {issued} were issued");
    Ok(format!("{logs} logs are equal, and {restored} certificates come out of it"))
}

/// Written twice, so that the second one replaces a file.
fn locations(bed: &Bed) -> Result<String> {
    let map = bed.scene.path().join("map.dat");
    for _ in 0..2 {
        let file = wine::path(&map);
        run(bed, &["locations", &bed.server.endpoint_mapper, "--save", &file.to_string_lossy()], 0)?;
    }
    let in_set = fs::read(youngest(bed, "full")?.join("DataBase/certbkxp.dat"))?;
    ensure!(fs::read(&map)? == in_set, "the restore map differs from that in the set");
    Ok(format!("{} bytes, as in the set", in_set.len()))
}

fn incremental(bed: &Bed) -> Result<String> {
    backup(bed, "incremental", &["--incremental", "--truncate"])
}

fn snapshots(bed: &Bed) -> Result<String> {
    let output = run(bed, &["snapshots", &sets(bed)], 0)?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let kinds: Vec<Value> = text
        .lines()
        .map(serde_json::from_str::<Value>)
        .collect::<Result<Vec<_>, _>>()?
        .iter()
        .filter_map(|line| line.get("kind").cloned())
        .collect();
    ensure!(kinds == ["full", "incremental"], "{text}");
    Ok("a full set and an incremental one".to_owned())
}

fn verify(bed: &Bed) -> Result<String> {
    let latest = wine::path(&bed.scene.sets().join("latest"));
    run(bed, &["verify", &latest.to_string_lossy()], 0)?;
    Ok("the newest set restores".to_owned())
}

fn verify_on_linux(bed: &Bed) -> Result<String> {
    bed.scene.run(bed.scene.cabak().arg("verify").arg(bed.scene.sets().join("latest")))?;
    Ok("the newest set restores".to_owned())
}

fn damaged(bed: &Bed) -> Result<String> {
    let folder = bed.scene.path().join("damaged");
    let set = folder.join("set");
    copy(&youngest(bed, "full")?, &set)?;
    let database = set.join("DataBase").join(format!("{CA_NAME}.db"));
    let mut bytes = fs::read(&database)?;
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&database, bytes)?;
    run(bed, &["verify", &wine::path(&set).to_string_lossy()], 21)?;
    Ok("exit code 21".to_owned())
}

/// What certutil writes on the CA itself, looked at there.
fn windows_set(bed: &Bed) -> Result<String> {
    const REQUESTS: u32 = 50;
    let set = bed.scene.path().join("windows-set");
    windows_set::compose(&set, Version::Server2022, 4096, REQUESTS)?;
    let set = wine::path(&set).to_string_lossy().into_owned();
    let verified = result(&run(bed, &["verify", &set], 0)?)?;
    ensure!(verified["verdict"] == "restorable" && verified["replayed"]["rolled_back"] == 1, "{verified}");
    let listed = String::from_utf8(run(bed, &["certs", &set, "--all"], 0)?.stdout)?;
    let rows = listed.lines().filter(|line| line.contains("\"event\":\"certificate\"")).count();
    ensure!(rows + 1 == REQUESTS as usize, "{rows} requests are listed");
    let recovered = bed.scene.path().join("recovered.edb");
    run(bed, &["recover", &set, "--to", &wine::path(&recovered).to_string_lossy()], 0)?;
    let again =
        String::from_utf8(bed.scene.run(bed.scene.cabak().args(["certs", "--all", "--json"]).arg(&recovered))?.stdout)?;
    ensure!(again.lines().count() == listed.lines().count(), "the recovered database has other rows: {again}");
    Ok(format!("restorable, {rows} requests; recovered, and read on Linux"))
}

fn restore(bed: &Bed) -> Result<String> {
    let latest = wine::path(&bed.scene.sets().join("latest"));
    let data = wine::path(&bed.scene.data());
    let output = run(bed, &["restore", &latest.to_string_lossy(), "--data-dir", &data.to_string_lossy()], 2)?;
    let hint = result(&output)?["hint"].as_str().unwrap_or_default().to_owned();
    ensure!(hint.contains("certutil -restoreDB"), "{hint}");
    Ok("refused with exit code 2".to_owned())
}

/// Issues some certificates, then backs up.
fn backup(bed: &Bed, kind: &str, options: &[&str]) -> Result<String> {
    for number in 0..BATCH {
        bed.scene.issue(&format!("{kind}-{number}"))?;
    }
    let (sets, dynamic) = (sets(bed), wine::path(&bed.scene.data().join("crl")));
    let dynamic = dynamic.to_string_lossy();
    let arguments = ["backup", &bed.server.endpoint_mapper, "--to", &sets, "--dynamic-dir", &dynamic];
    let result = result(&run(bed, &[&arguments, options].concat(), 0)?)?;
    let expected = result["kind"] == kind
        && result["verified"] == "replayed"
        && result["truncated"] == options.contains(&"--truncate");
    ensure!(expected, "{result}");
    Ok(format!("{} files, {} bytes, verified by a trial recovery", result["files"], result["size"]))
}

/// The directory of the youngest set of that kind.
fn youngest(bed: &Bed, kind: &str) -> Result<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(bed.scene.sets())? {
        let path = entry?.path();
        let Ok(manifest) = fs::read(path.join("cabak.json")) else { continue };
        if serde_json::from_slice::<Value>(&manifest)?["kind"] == kind {
            found.push(path);
        }
    }
    found.into_iter().max().with_context(|| format!("there is no {kind} set"))
}

fn sets(bed: &Bed) -> String {
    wine::path(&bed.scene.sets()).to_string_lossy().into_owned()
}

/// Runs `cabak.exe --json` as the backup account; it must end with this exit code.
pub(super) fn run(bed: &Bed, arguments: &[&str], expected: i32) -> Result<Output> {
    let mut command: Command = bed.wine.command(&bed.programs.join("cabak.exe"));
    command
        .args(arguments)
        .arg("--json")
        .env("CABAK_USER", OPERATOR)
        .env("CABAK_PASSWORD_FILE", wine::path(&bed.scene.secret(OPERATOR)))
        .env("CERTADM_USER", OPERATOR)
        .env("CERTADM_PASSWORD_FILE", wine::path(&bed.scene.secret(OPERATOR)));
    let output = command.output().context("cannot run Wine")?;
    if output.status.code() != Some(expected) {
        bail!(
            "{}, exit code {expected} was expected: {} {}",
            output.status,
            String::from_utf8_lossy(&output.stdout).trim_end(),
            String::from_utf8_lossy(&output.stderr).trim_end()
        );
    }
    Ok(output)
}

/// The last line, which says how it went.
pub(super) fn result(output: &Output) -> Result<Value> {
    let text = String::from_utf8_lossy(&output.stdout);
    let last = text.lines().last().context("it says nothing")?;
    serde_json::from_str(last).with_context(|| format!("not JSON: {last}"))
}

fn copy(from: &Path, into: &Path) -> Result<()> {
    fs::create_dir_all(into)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = into.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
