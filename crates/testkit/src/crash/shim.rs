//! Running a program with the storage shim.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// `shim/storage.c`, compiled.
#[derive(Debug)]
pub struct Shim {
    library: PathBuf,
}

/// Which call shall fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failing {
    /// write(2) and relatives.
    Write,
    /// fsync(2), fdatasync(2), of files and directories.
    Sync,
    /// rename(2).
    Rename,
    /// ftruncate(2).
    Truncate,
    /// open(2) that makes a file.
    Create,
    /// unlink(2), rmdir(2).
    Unlink,
    /// mkdir(2).
    MakeDirectory,
}

/// How often it fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureMode {
    /// Only that one call.
    Once,
    /// That one and all later ones that match.
    Forever,
    /// A write that stores half of its bytes; all later ones fail.
    Short,
}

/// A failure to inject.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The call.
    pub operation: Failing,
    /// Patterns for the path below the watched directory, separated by `|`; directories end in `/`.
    pub patterns: String,
    /// Which of the matching calls, from 1.
    pub nth: usize,
    /// The errno, such as 28 for ENOSPC and 5 for EIO.
    pub errno: i32,
    /// How often.
    pub mode: FailureMode,
}

impl Shim {
    /// Compiles the shim into a directory.
    ///
    /// # Errors
    /// When there is no C compiler (`$CC`, else `cc`), or it refuses the source.
    pub fn build(directory: &Path) -> io::Result<Self> {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("shim/storage.c");
        let library = directory.join("storage.so");
        fs::create_dir_all(directory)?;
        let compiler = env::var_os("CC").unwrap_or_else(|| "cc".into());
        let output = Command::new(&compiler)
            .args([
                "-std=gnu11",
                "-O1",
                "-Wall",
                "-Werror",
                "-shared",
                "-fPIC",
                "-fvisibility=hidden",
                "-pthread",
                "-o",
            ])
            .arg(&library)
            .arg(&source)
            .output()
            .map_err(|error| io::Error::new(error.kind(), format!("C compiler {}: {error}", compiler.display())))?;
        if !output.status.success() {
            return Err(io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned()));
        }
        Ok(Self { library })
    }

    /// Makes a command run with the shim, watching a directory, which must exist.
    ///
    /// # Errors
    /// When the directory has no canonical path.
    pub fn watch(&self, command: &mut Command, directory: &Path) -> io::Result<()> {
        command.env("LD_PRELOAD", &self.library).env("STORAGE_WATCH", directory.canonicalize()?);
        Ok(())
    }

    /// Also journals, with the writes to `marks` (a file outside of the watched directory) as marks. An fsync is then only
    /// journaled: the images are made from the journal, not from the disk.
    pub fn journal(command: &mut Command, journal: &Path, marks: &Path) {
        command.env("STORAGE_JOURNAL", journal).env("STORAGE_MARKS", marks);
    }

    /// Also ignores each fsync of what matches the patterns, separated by `|`.
    pub fn ignore_sync(command: &mut Command, patterns: &str) {
        command.env("STORAGE_IGNORE_SYNC", patterns);
    }

    /// Also lets calls fail; up to eight.
    pub fn fail(command: &mut Command, failures: &[Failure]) {
        let rules: Vec<String> = failures.iter().map(Failure::rule).collect();
        command.env("STORAGE_FAIL", rules.join(";"));
    }
}

impl Failure {
    fn rule(&self) -> String {
        let operation = match self.operation {
            Failing::Write => "write",
            Failing::Sync => "sync",
            Failing::Rename => "rename",
            Failing::Truncate => "truncate",
            Failing::Create => "create",
            Failing::Unlink => "unlink",
            Failing::MakeDirectory => "mkdir",
        };
        let mode = match self.mode {
            FailureMode::Once => "once",
            FailureMode::Forever => "forever",
            FailureMode::Short => "short",
        };
        format!("{operation},{},{},{},{mode}", self.patterns, self.nth, self.errno)
    }
}
