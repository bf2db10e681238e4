//! A Rust toolchain that can build for Windows: rustup's, or the one that Debian keeps for its web browsers.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, anyhow, bail};
use clap::ValueEnum;

use super::TARGET;
use super::tools::{Missing, apt_get, is_root};
use crate::run::{UNOPTIMISED, cargo, root, step};

/// Where the standard library for the target comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// The toolchain that runs this, with the target that rustup adds
    Rustup,
    /// Debian's rustc-web in a directory of its own, with the standard library built from rust-web-src
    Debian,
}

/// A toolchain that is there.
pub(super) struct Toolchain {
    kind: Kind,
    /// Of Debian's: the program `rustc`.
    rustc: Option<PathBuf>,
}

impl Toolchain {
    /// The wanted one; without a wish the first that is to be had.
    pub(super) fn find(kind: Option<Kind>) -> Result<Self, Missing> {
        match kind {
            Some(Kind::Rustup) => Self::rustup(),
            Some(Kind::Debian) => Self::debian(),
            None => Self::rustup().or_else(|rustup| {
                Self::debian().map_err(|debian| Missing(format!("no Rust for {TARGET}: {rustup}; {debian}")))
            }),
        }
    }

    fn rustup() -> Result<Self, Missing> {
        if !has_target() {
            let added = Command::new("rustup").args(["target", "add", TARGET]).output();
            match added {
                Ok(output) if output.status.success() && has_target() => {}
                Ok(output) => {
                    let text = String::from_utf8_lossy(&output.stderr).into_owned();
                    let last = text.lines().last().unwrap_or("rustup says nothing").to_owned();
                    return Err(Missing(format!("`rustup target add {TARGET}` failed ({last})")));
                }
                Err(error) => return Err(Missing(format!("rustup cannot be run ({error})"))),
            }
        }
        Ok(Self { kind: Kind::Rustup, rustc: None })
    }

    fn debian() -> Result<Self, Missing> {
        let tree = target_directory().join("rust-web");
        let rustc = tree.join("rustc");
        if !rustc.is_file() {
            unpack(&tree).map_err(|error| Missing(format!("Debian's rustc-web is not to be had ({error:#})")))?;
        }
        Ok(Self { kind: Kind::Debian, rustc: Some(rustc) })
    }

    /// Builds packages and returns the directory that the programs are in.
    ///
    /// In the profile `dev` without optimisation: what is asked is whether the programs do on Windows what they do on Linux, and
    /// the databases of the checks are small.
    pub(super) fn build(&self, packages: &[&str]) -> Result<PathBuf> {
        let name = format!("windows: build {} with {}", packages.join(", "), self.name());
        step(&name, &mut self.cargo("build", packages))?;
        Ok(self.directory().join(TARGET).join("debug"))
    }

    /// Runs Clippy for the target, warnings being errors: nothing else looks at the code for Windows. Debian's toolchain has none.
    pub(super) fn lint(&self, packages: &[&str]) -> Result<()> {
        if self.kind == Kind::Debian {
            return Ok(());
        }
        let mut command = self.cargo("clippy", packages);
        step("windows: lints", command.args(["--", "-D", "warnings"]))
    }

    /// `cargo test` of libraries, which has yet to be told how to run a Windows program. Debian's toolchain would need its test
    /// harness built first, for little: it stands in where rustup's servers cannot be reached.
    pub(super) fn test(&self, packages: &[&str]) -> Option<Command> {
        if self.kind == Kind::Debian {
            return None;
        }
        let mut command = self.cargo("test", packages);
        command.args(["--lib", "--tests"]);
        Some(command)
    }

    fn cargo(&self, what: &str, packages: &[&str]) -> Command {
        let mut command = cargo(&[what, "--quiet", "--locked", "--target", TARGET, "--target-dir"]);
        command.arg(self.directory());
        command.args(UNOPTIMISED);
        for package in packages {
            command.args(["--package", package]);
        }
        if let Some(rustc) = &self.rustc {
            // The standard library of a stable compiler is built with flags that only a nightly one takes otherwise.
            command.env("RUSTC", rustc).env("RUSTC_BOOTSTRAP", "1").arg("-Zbuild-std=std,panic_unwind");
        }
        command
    }

    fn name(&self) -> &'static str {
        match self.kind {
            Kind::Rustup => "rustup's toolchain",
            Kind::Debian => "Debian's rustc-web",
        }
    }

    /// Two compilers in one directory would build everything anew each time.
    fn directory(&self) -> PathBuf {
        target_directory().join(match self.kind {
            Kind::Rustup => "rustup",
            Kind::Debian => "debian",
        })
    }
}

/// Beside what is built for Linux, not in it.
fn target_directory() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from).join("windows")
}

/// Whether the compiler that cargo uses has a standard library for the target.
fn has_target() -> bool {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).args(["--print", "target-libdir", "--target", TARGET]).output();
    let Ok(output) = output else { return false };
    let directory = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    let is_std = |entry: fs::DirEntry| entry.file_name().to_string_lossy().starts_with("libstd-");
    fs::read_dir(directory).is_ok_and(|mut entries| entries.any(|entry| entry.is_ok_and(is_std)))
}

/// Makes a private tree of Debian's packages, which neither rustup nor `/usr` notices.
///
/// Debian drops old versions, so that names and versions are those that apt knows now.
fn unpack(tree: &Path) -> Result<()> {
    eprintln!("== windows: unpacking Debian's rustc-web into {}", tree.display());
    if candidate("rustc-web").is_none() && is_root() {
        step("windows: apt-get update", apt_get().args(["update", "-qq"]))?;
    }
    let std = dependency("libstd-rust-web-dev", "libstd-rust-web-")?;
    let llvm = dependency(&std, "libllvm")?;
    let version = candidate("rustc-web").context("apt does not know rustc-web")?;

    let downloads = tempfile::Builder::new().prefix("rust-web-").tempdir().context("cannot make a directory")?;
    // Compiler and library sources must be of one version.
    let same = ["rustc-web", "libstd-rust-web-dev", &std, "rust-web-src"].map(|name| format!("{name}={version}"));
    quietly(apt_get().args(["download", "-qq"]).args(&same).arg(&llvm).current_dir(downloads.path()))?;

    // What an interruption leaves has another name.
    let parent = tree.parent().context("a tree has a parent")?;
    fs::create_dir_all(parent)?;
    let fresh = tempfile::Builder::new().prefix("rust-web-").tempdir_in(parent)?;
    for entry in fs::read_dir(downloads.path())? {
        let package = entry?.path();
        let name = package.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with("rust-web-src_") {
            unpack_library(&package, fresh.path())?;
        } else {
            quietly(Command::new("dpkg").arg("-x").arg(&package).arg(fresh.path()))?;
        }
    }
    let wrapper = fresh.path().join("rustc");
    fs::write(
        &wrapper,
        "#!/bin/sh\n\
         tree=$(dirname \"$0\")\n\
         export LD_LIBRARY_PATH=\"$tree/usr/lib/x86_64-linux-gnu:$tree/usr/lib\"\n\
         exec \"$tree/usr/bin/rustc\" \"$@\"\n",
    )?;
    fs::set_permissions(&wrapper, fs::Permissions::from_mode(0o755))?;
    fs::set_permissions(fresh.path(), fs::Permissions::from_mode(0o755))?;
    if tree.exists() {
        fs::remove_dir_all(tree)?;
    }
    let fresh = fresh.keep();
    fs::rename(&fresh, tree).with_context(|| format!("cannot rename {}", fresh.display()))
}

/// Of the sources only the standard library; the compiler's are ten times as many.
fn unpack_library(package: &Path, tree: &Path) -> Result<()> {
    let mut archive = Command::new("dpkg").arg("--fsys-tarfile").arg(package).stdout(Stdio::piped()).spawn()?;
    let stdout = archive.stdout.take().context("dpkg's output")?;
    let unpacked = quietly(
        Command::new("tar")
            .args(["-x", "--wildcards", "-C"])
            .arg(tree)
            .args(["./usr/src/rustc-*/library/*", "./usr/lib/rustlib/src/rust"])
            .stdin(stdout),
    );
    let status = archive.wait()?;
    unpacked?;
    if status.success() { Ok(()) } else { Err(anyhow!("dpkg --fsys-tarfile {}: {status}", package.display())) }
}

/// The version of a package that apt would install.
fn candidate(package: &str) -> Option<String> {
    let output = Command::new("apt-cache").args(["policy", package]).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let version = text.lines().find_map(|line| line.trim().strip_prefix("Candidate: "))?;
    (version != "(none)").then(|| version.to_owned())
}

/// The first package on which another depends and whose name begins like that.
fn dependency(package: &str, prefix: &str) -> Result<String> {
    let output = Command::new("apt-cache")
        .args(["depends", "--no-recommends", "--no-suggests", package])
        .output()
        .context("cannot run apt-cache")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines()
        .filter_map(|line| line.trim().strip_prefix("Depends: "))
        .find(|name| name.starts_with(prefix))
        .map(str::to_owned)
        .with_context(|| format!("apt knows no {prefix}* on which {package} depends"))
}

/// Runs a command; an error carries what it wrote.
fn quietly(command: &mut Command) -> Result<()> {
    let output = command.output().with_context(|| format!("{command:?}"))?;
    if !output.status.success() {
        bail!("{command:?}: {}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim_end());
    }
    Ok(())
}
