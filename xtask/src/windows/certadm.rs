//! `certadm.dll` in the hands of programs that were compiled against Windows' own `certbcli.h`, and of `cabak.exe`.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use super::{Bed, Check, cabak, wine};
use crate::run::root;
use crate::scene::{CA_NAME, OPERATOR};

/// The checks, in their order.
pub(super) const CHECKS: &[Check] = &[
    ("certadm.dll exports", exports),
    ("a program linked against it", linked),
    ("backup.c, full", full),
    ("backup.c, incremental", incremental),
    ("backup.c with a wrong password", wrong_password),
    ("restore.c", restore),
    ("cabak --certadm certadm.dll", loaded),
];

const LIBRARY: &str = "certadm.dll";

/// The names of the 18 functions, in the order in which they are sorted.
const FUNCTIONS: &[&str] = &[
    "CertSrvBackupClose",
    "CertSrvBackupEnd",
    "CertSrvBackupFree",
    "CertSrvBackupGetBackupLogsW",
    "CertSrvBackupGetDatabaseNamesW",
    "CertSrvBackupGetDynamicFileListW",
    "CertSrvBackupOpenFileW",
    "CertSrvBackupPrepareW",
    "CertSrvBackupRead",
    "CertSrvBackupTruncateLogs",
    "CertSrvIsServerOnlineW",
    "CertSrvRestoreEnd",
    "CertSrvRestoreGetDatabaseLocationsW",
    "CertSrvRestorePrepareW",
    "CertSrvRestoreRegisterComplete",
    "CertSrvRestoreRegisterThroughFile",
    "CertSrvRestoreRegisterW",
    "CertSrvServerControlW",
];

/// binutils reads the tables of the file.
fn exports(bed: &Bed) -> Result<String> {
    let mut command = Command::new("x86_64-w64-mingw32-objdump");
    let output = command.arg("-p").arg(bed.programs.join(LIBRARY)).output().context("cannot run objdump")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let table = text.split_once("[Ordinal/Name Pointer] Table").context("no table of names")?.1;
    let names = table.lines().filter_map(|line| line.trim().strip_prefix('['));
    let mut names: Vec<&str> = names.filter_map(|line| line.split_whitespace().last()).collect();
    names.sort_unstable();
    ensure!(names == FUNCTIONS, "{names:?}");
    let name = text.lines().find(|line| line.trim_start().starts_with("Name ") && line.ends_with(LIBRARY));
    ensure!(name.is_some(), "the file does not call itself {LIBRARY}");
    Ok(format!("the {} functions, and nothing else", names.len()))
}

fn linked(bed: &Bed) -> Result<String> {
    let program = bed.programs.join("linked.exe");
    let import = bed.programs.join("libcertadm.dll.a");
    let import = import.to_str().context("a path in UTF-8")?;
    wine::compile(&["-municode"], &root().join("xtask/src/windows/linked.c"), &program, &[import])?;
    let said = run(bed, OPERATOR, &program, &[&bed.server.endpoint_mapper], 0)?;
    Ok(format!("{} calls, each with the code that is documented", said.lines().count()))
}

fn full(bed: &Bed) -> Result<String> {
    let said = backup(bed, "c-full", &["full"])?;
    let set = bed.scene.path().join("c-full/DataBase");
    let (restored, issued) = (crate::set::recover_and_count(&set)?, bed.scene.certificates()?.len());
    ensure!(usize::try_from(restored)? == issued, "{restored} certificates come out of it, {issued} were issued");
    Ok(format!("{said}; {restored} certificates come out of the set"))
}

fn incremental(bed: &Bed) -> Result<String> {
    bed.scene.issue("c-incremental")?;
    backup(bed, "c-incremental", &["incremental"])
}

/// The 16 steps, from LoadLibrary to FreeLibrary.
fn backup(bed: &Bed, name: &str, options: &[&str]) -> Result<String> {
    let program = example(bed, "backup")?;
    let (library, set) = (wine::path(&bed.programs.join(LIBRARY)), wine::path(&bed.scene.path().join(name)));
    let (library, set) = (library.to_string_lossy(), set.to_string_lossy());
    let server = format!(r"{}\{CA_NAME}", bed.server.endpoint_mapper);
    let said = run(bed, OPERATOR, &program, &[&[&*library, &server, &set], options].concat(), 0)?;
    for step in ["1 LoadLibrary", "2 GetProcAddress", "3 ", "4 ", "5 ", "10 ", "12 ", "14 ", "15 ", "16 FreeLibrary"] {
        ensure!(said.lines().any(|line| line.starts_with(step)), "step {step} is missing in:\n{said}");
    }
    let bad = said.lines().find(|line| line.contains(": 0x") && !line.contains(": 0x00000000"));
    ensure!(bad.is_none(), "{bad:?}");
    Ok(format!("{} steps, LoadLibrary to FreeLibrary", said.lines().filter(|line| !line.starts_with(' ')).count()))
}

fn wrong_password(bed: &Bed) -> Result<String> {
    let program = example(bed, "backup")?;
    let (library, set) = (wine::path(&bed.programs.join(LIBRARY)), wine::path(&bed.scene.path().join("never")));
    let (library, set) = (library.to_string_lossy(), set.to_string_lossy());
    let said = run(bed, "wrong", &program, &[&library, &bed.server.endpoint_mapper, &set], 1)?;
    // ERROR_LOGON_FAILURE
    ensure!(said.contains("0x8007052E"), "{said}");
    Ok("0x8007052E".to_owned())
}

/// There is no certsrvd on Windows that could be restored; the function says so.
fn restore(bed: &Bed) -> Result<String> {
    let program = example(bed, "restore")?;
    let path = |name: &str| wine::path(&bed.scene.path().join(name)).to_string_lossy().into_owned();
    let library = wine::path(&bed.programs.join(LIBRARY)).to_string_lossy().into_owned();
    let arguments = [&*library, "localhost:1", &path("database"), &path("log"), &path("c-full")];
    let said = run(bed, OPERATOR, &program, &arguments, 1)?;
    ensure!(said.contains("0x80004001"), "{said}");
    Ok("CertSrvRestorePrepare: 0x80004001 (E_NOTIMPL)".to_owned())
}

/// The same scenario as with the built-in functions, to a set that verifies.
fn loaded(bed: &Bed) -> Result<String> {
    let sets = wine::path(&bed.scene.path().join("loaded")).to_string_lossy().into_owned();
    let library = wine::path(&bed.programs.join(LIBRARY)).to_string_lossy().into_owned();
    let arguments = ["backup", &bed.server.endpoint_mapper, "--certadm", &library, "--to", &sets];
    let result = cabak::result(&cabak::run(bed, &arguments, 0)?)?;
    ensure!(result["kind"] == "full" && result["verified"] == "replayed", "{result}");
    Ok(format!("{} files, {} bytes, verified by a trial recovery", result["files"], result["size"]))
}

/// Compiles an example for Windows, where its header includes `<certbcli.h>`.
fn example(bed: &Bed, name: &str) -> Result<PathBuf> {
    let package = root().join("crates/certadm-ffi");
    let program = bed.programs.join(format!("{name}-example.exe"));
    let include = format!("-I{}", package.join("include").display());
    let source = package.join("examples/c").join(format!("{name}.c"));
    wine::compile(&["-std=c11", "-municode", &include], &source, &program, &[])?;
    Ok(program)
}

/// Runs a program as one of the accounts; returns what it wrote, to both of its outputs.
fn run(bed: &Bed, account: &str, program: &std::path::Path, arguments: &[&str], expected: i32) -> Result<String> {
    let mut command = bed.wine.command(program);
    command
        .args(arguments.iter().map(OsStr::new))
        .env("CERTADM_USER", OPERATOR)
        .env("CERTADM_PASSWORD_FILE", wine::path(&bed.scene.secret(account)))
        .env("CERTADM_LOG", "stderr");
    let output = command.output().context("cannot run Wine")?;
    let said = String::from_utf8_lossy(&output.stdout).replace('\r', "");
    let errors = String::from_utf8_lossy(&output.stderr).replace('\r', "");
    if output.status.code() != Some(expected) {
        bail!("{}, exit code {expected} was expected: {said} {errors}", output.status);
    }
    Ok(said + &errors)
}
