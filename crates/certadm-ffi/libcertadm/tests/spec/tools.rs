//! Compilers, and other tools that a machine may lack.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Mutex, PoisonError};

/// The directory of certadm-ffi, which has the header, the examples and the manual page.
pub(crate) fn package() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// A file that only the tests have.
pub(crate) fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

/// A file of the examples.
pub(crate) fn example(name: &str) -> PathBuf {
    package().join("examples").join(name)
}

/// The library.
pub(crate) fn library() -> PathBuf {
    testkit::process::cdylib("libcertadm", "certadm").unwrap()
}

/// Whether a tool is there. Without it a test is skipped, with a line that says so; where everything is checked, it fails.
pub(crate) fn installed(tool: &str, debian_package: &str) -> bool {
    let found = installed_or_not(tool, debian_package);
    assert!(found || std::env::var("CI").as_deref() != Ok("true"), "needs {tool}: apt install {debian_package}");
    found
}

/// As [`installed`], for a tool that may be missing everywhere.
pub(crate) fn installed_or_not(tool: &str, debian_package: &str) -> bool {
    let found = std::env::split_paths(&std::env::var_os("PATH").unwrap()).any(|folder| folder.join(tool).is_file());
    if !found {
        println!("skipped: needs {tool}: apt install {debian_package}");
    }
    found
}

/// A way to compile a C source.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Compiler {
    pub(crate) name: &'static str,
    program: &'static str,
    options: &'static [&'static str],
}

pub(crate) const C11: Compiler = Compiler { name: "c11", program: "gcc", options: &["-std=c11", "-O2", "-g"] };
pub(crate) const SHORT_WCHAR: Compiler =
    Compiler { name: "short", program: "gcc", options: &["-std=c11", "-fshort-wchar", "-g"] };
pub(crate) const CPP17: Compiler =
    Compiler { name: "c++17", program: "g++", options: &["-std=c++17", "-O2", "-g", "-x", "c++"] };

/// For Windows, with the `certbcli.h` of MinGW.
pub(crate) const MINGW: Compiler =
    Compiler { name: "mingw", program: "x86_64-w64-mingw32-gcc", options: &["-std=c11", "-municode"] };

impl Compiler {
    pub(crate) fn is_installed(self) -> bool {
        installed(self.program, self.program)
    }

    /// A command without sources and results.
    pub(crate) fn command(self) -> Command {
        let mut command = Command::new(self.program);
        command.args(self.options).args(["-Wall", "-Wextra", "-Wpedantic", "-Werror"]);
        command.arg("-I").arg(package().join("include")).arg("-I").arg(package().join("examples/c"));
        command
    }

    /// Compiles a program, once in a test run, and returns its path.
    pub(crate) fn program(self, source: &Path) -> PathBuf {
        static COMPILED: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(self.name);
        let program = folder.join(source.file_stem().unwrap());
        let mut compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
        if !compiled.contains(&program) {
            fs::create_dir_all(&folder).unwrap();
            // The one of an earlier run may still be running.
            let _ = fs::remove_file(&program);
            succeed(self.command().arg(source).arg("-o").arg(&program));
            compiled.insert(program.clone());
        }
        program
    }
}

/// Runs a command that must work; returns what it prints.
pub(crate) fn succeed(command: &mut Command) -> String {
    let output = run(command);
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{command:?}: {}\n{stdout}\n{stderr}", output.status);
    stdout
}

/// Runs a command that must fail; returns its exit code and all that it prints.
pub(crate) fn fail(command: &mut Command) -> (i32, String) {
    let output = run(command);
    let said = text(&output.stdout) + &text(&output.stderr);
    assert!(!output.status.success(), "{command:?}\n{said}");
    (output.status.code().unwrap(), said)
}

/// A command before another one: `valgrind program ...` of `program ...`.
pub(crate) fn wrapped(wrapper: &[&OsStr], command: &Command) -> Command {
    let mut outer = Command::new(wrapper[0]);
    outer.args(&wrapper[1..]).arg(command.get_program()).args(command.get_args());
    if let Some(directory) = command.get_current_dir() {
        outer.current_dir(directory);
    }
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => outer.env(name, value),
            None => outer.env_remove(name),
        };
    }
    outer
}

fn run(command: &mut Command) -> Output {
    command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
