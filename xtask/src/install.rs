//! `cargo xtask install`: libcertadm where compilers, `pkg-config` and `man` look for it.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::Value;

use crate::run::{cargo, root, step};

/// The version of every package of the workspace.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What a program that is linked against the library looks for. It is the soname of `libcertadm/build.rs`.
const SONAME: &str = "libcertadm.so.0";

/// Where to, and what.
#[derive(Args)]
pub(crate) struct Options {
    /// Directory of lib, include and share
    #[arg(long, default_value = "/usr/local")]
    prefix: PathBuf,
    /// Root of the file system to install into, for packages; the files there still say the prefix
    #[arg(long)]
    destdir: Option<PathBuf>,
    /// Also cabak, to bin, and certsrvd, to sbin
    #[arg(long)]
    programs: bool,
    /// Without optimisation, as the tests are built
    #[arg(long)]
    debug: bool,
}

/// Builds and copies.
pub(crate) fn run(options: &Options) -> Result<()> {
    if !cfg!(target_os = "linux") {
        bail!("install is for Linux; elsewhere copy the library of `cargo build --release -p libcertadm`");
    }
    if !options.prefix.is_absolute() {
        bail!("the prefix {} is not an absolute path", options.prefix.display());
    }
    let built = build(options)?;
    let package = root().join("crates/certadm-ffi");
    let place = Place::of(options);
    let versioned = format!("libcertadm.so.{VERSION}");
    place.file("lib", &versioned, &built.join("libcertadm.so"), 0o755)?;
    place.link("lib", SONAME, &versioned)?;
    place.link("lib", "libcertadm.so", SONAME)?;
    place.file("include", "certadm.h", &package.join("include/certadm.h"), 0o644)?;
    let template = fs::read_to_string(package.join("certadm.pc.in")).context("certadm.pc.in")?;
    let prefix = options.prefix.to_str().context("the prefix is not UTF-8")?;
    place.text("lib/pkgconfig", "certadm.pc", &template.replace("@prefix@", prefix).replace("@version@", VERSION))?;
    place.file("share/man/man3", "certadm.3", &package.join("man/certadm.3"), 0o644)?;
    if options.programs {
        place.file("bin", "cabak", &built.join("cabak"), 0o755)?;
        place.file("sbin", "certsrvd", &built.join("certsrvd"), 0o755)?;
    }
    if options.destdir.is_none() {
        eprintln!("== install: run ldconfig, or set LD_LIBRARY_PATH, so that programs find {SONAME}");
    }
    Ok(())
}

/// Builds, and returns the directory of what was built.
fn build(options: &Options) -> Result<PathBuf> {
    let mut command = cargo(&["build", "--locked", "--package", "libcertadm"]);
    if options.programs {
        command.args(["--package", "cabak", "--package", "certsrvd"]);
    }
    if !options.debug {
        command.arg("--release");
    }
    step("build", &mut command)?;
    let output = cargo(&["metadata", "--format-version", "1", "--no-deps", "--locked"]).output()?;
    let metadata: Value = serde_json::from_slice(&output.stdout).context("cargo metadata")?;
    let target = metadata.get("target_directory").and_then(Value::as_str).context("no target directory")?;
    Ok(Path::new(target).join(if options.debug { "debug" } else { "release" }))
}

/// The prefix as it is now, below the root of another system or not.
struct Place(PathBuf);

impl Place {
    fn of(options: &Options) -> Self {
        Place(match &options.destdir {
            Some(root) => root.join(options.prefix.strip_prefix("/").unwrap_or(&options.prefix)),
            None => options.prefix.clone(),
        })
    }

    /// A copy of a file. A program that runs with the one that is replaced keeps that.
    fn file(&self, folder: &str, name: &str, from: &Path, mode: u32) -> Result<()> {
        let bytes = fs::read(from).with_context(|| format!("cannot read {}", from.display()))?;
        self.write(folder, name, &bytes, mode)
    }

    fn text(&self, folder: &str, name: &str, text: &str) -> Result<()> {
        self.write(folder, name, text.as_bytes(), 0o644)
    }

    fn write(&self, folder: &str, name: &str, bytes: &[u8], mode: u32) -> Result<()> {
        self.replace(folder, name, |partial| {
            fs::write(partial, bytes)?;
            fs::set_permissions(partial, fs::Permissions::from_mode(mode))
        })
    }

    fn link(&self, folder: &str, name: &str, to: &str) -> Result<()> {
        self.replace(folder, name, |partial| symlink(to, partial))
    }

    fn replace(&self, folder: &str, name: &str, make: impl FnOnce(&Path) -> std::io::Result<()>) -> Result<()> {
        let folder = self.0.join(folder);
        let (path, partial) = (folder.join(name), folder.join(format!(".{name}.partial")));
        fs::create_dir_all(&folder)
            .and_then(|()| match fs::remove_file(&partial) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
                _ => make(&partial),
            })
            .and_then(|()| fs::rename(&partial, &path))
            .with_context(|| format!("cannot write {}", path.display()))?;
        println!("{}", path.display());
        Ok(())
    }
}
