//! Programs under test: found or built, started, waited for, and stopped by their own handle.

use std::collections::HashSet;
use std::env;
use std::io::{self, BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{self, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// A running program. Dropping it kills exactly this process and reaps it.
#[derive(Debug)]
pub struct Child {
    inner: process::Child,
    name: String,
    lines: Receiver<String>,
}

/// Path of a program of this workspace whose package has the same name; see [`bin_of`].
///
/// # Errors
/// As [`bin_of`].
pub fn bin(name: &str) -> io::Result<PathBuf> {
    bin_of(name, name)
}

/// Path of the program `name` of the package `package` of this workspace, beside the running test, built by cargo with the
/// profile of the running test. Cargo is asked once per process, also when the file is there: a stale program would be
/// tested in silence. With `TESTKIT_NO_BUILD` set the file is taken as it is.
///
/// # Errors
/// When the running test is not in a cargo target directory, or cargo fails.
pub fn bin_of(package: &str, name: &str) -> io::Result<PathBuf> {
    built(package, &["--bin", name], &format!("{name}{}", env::consts::EXE_SUFFIX))
}

/// Path of the shared library `library` of the package `package` of this workspace, built as [`bin_of`] builds a program.
///
/// # Errors
/// As [`bin_of`].
pub fn cdylib(package: &str, library: &str) -> io::Result<PathBuf> {
    let file = format!("{}{library}{}", env::consts::DLL_PREFIX, env::consts::DLL_SUFFIX);
    built(package, &["--lib"], &file)
}

/// Path of what cargo makes of a target of a package: a file directly in the directory of the profile.
fn built(package: &str, target_options: &[&str], file: &str) -> io::Result<PathBuf> {
    static BUILT: Mutex<Option<HashSet<PathBuf>>> = Mutex::new(None);
    let test = env::current_exe()?;
    let outside = || io::Error::other(format!("{} is not in a cargo target directory", test.display()));
    let beside = test.parent().ok_or_else(outside)?;
    let profile_directory = if beside.ends_with("deps") { beside.parent().ok_or_else(outside)? } else { beside };
    let target = profile_directory.parent().ok_or_else(outside)?;
    let path = profile_directory.join(file);

    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    if env::var_os("TESTKIT_NO_BUILD").is_none() && built.get_or_insert_default().insert(path.clone()) {
        let profile = match profile_directory.file_name().and_then(|name| name.to_str()) {
            Some("debug") | None => "dev",
            Some(other) => other,
        };
        let output = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
            .args(["build", "--quiet", "--package", package])
            .args(target_options)
            .args(["--profile", profile, "--target-dir"])
            .arg(target)
            .output()?;
        if !output.status.success() {
            return Err(io::Error::other(format!("cargo build {file}: {}", String::from_utf8_lossy(&output.stderr))));
        }
    }
    if path.is_file() { Ok(path) } else { Err(io::Error::new(io::ErrorKind::NotFound, path.display().to_string())) }
}

impl Child {
    /// Starts the program with its standard output piped to [`Child::line`]; standard error stays where it is unless the
    /// command says otherwise.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub fn start(command: &mut Command) -> io::Result<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        let mut inner = command.stdout(Stdio::piped()).spawn()?;
        let (sender, lines) = channel();
        if let Some(output) = inner.stdout.take() {
            thread::spawn(move || {
                let mut output = BufReader::new(output);
                let mut line = Vec::new();
                // A last line without its end was cut off by the death of the program: it says nothing.
                while output.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) && line.last() == Some(&b'\n')
                {
                    line.pop();
                    if sender.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                        break;
                    }
                    line.clear();
                }
                let _ = io::copy(&mut output.take(u64::MAX), &mut io::sink());
            });
        }
        Ok(Self { inner, name, lines })
    }

    /// The next line of its output, without the line end; `None` once the program has closed it.
    ///
    /// # Errors
    /// [`io::ErrorKind::TimedOut`].
    pub fn line(&mut self, timeout: Duration) -> io::Result<Option<String>> {
        match self.lines.recv_timeout(timeout) {
            Ok(line) => Ok(Some(line)),
            Err(RecvTimeoutError::Disconnected) => Ok(None),
            Err(RecvTimeoutError::Timeout) => {
                Err(io::Error::new(io::ErrorKind::TimedOut, format!("{} wrote no line in {timeout:?}", self.name)))
            }
        }
    }

    /// Skips lines until one for which `wanted` has an answer: the ready line of a server.
    ///
    /// # Errors
    /// [`io::ErrorKind::TimedOut`]; [`io::ErrorKind::UnexpectedEof`] when the program ends first.
    pub fn wait_for<T>(&mut self, timeout: Duration, mut wanted: impl FnMut(&str) -> Option<T>) -> io::Result<T> {
        let deadline = Instant::now() + timeout;
        loop {
            match self.line(deadline.saturating_duration_since(Instant::now()))? {
                Some(line) => {
                    if let Some(answer) = wanted(&line) {
                        return Ok(answer);
                    }
                }
                None => {
                    let status = self.inner.wait()?;
                    let text = format!("{} ended before it was ready: {status}", self.name);
                    return Err(io::Error::new(io::ErrorKind::UnexpectedEof, text));
                }
            }
        }
    }

    /// Lines that are there now, without waiting.
    pub fn pending_lines(&mut self) -> Vec<String> {
        self.lines.try_iter().collect()
    }

    /// All lines until the program closes its output.
    pub fn remaining_lines(&mut self) -> Vec<String> {
        self.lines.iter().collect()
    }

    /// Its standard input, once, when the command piped it.
    pub fn stdin(&mut self) -> Option<ChildStdin> {
        self.inner.stdin.take()
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.inner.id()
    }

    /// Kills it at once, as a crash of the program would, and reaps it.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn kill(&mut self) -> io::Result<ExitStatus> {
        self.inner.kill()?;
        self.inner.wait()
    }

    /// Asks it to stop (SIGTERM) and waits; kills it after `timeout`.
    ///
    /// # Errors
    /// When the system refuses; [`io::ErrorKind::TimedOut`] when it had to be killed.
    pub fn stop(&mut self, timeout: Duration) -> io::Result<ExitStatus> {
        if self.inner.try_wait()?.is_none() {
            // The process is not reaped yet, so its id cannot belong to another one.
            Command::new("kill").arg("-TERM").arg(self.id().to_string()).stderr(Stdio::null()).status()?;
        }
        self.wait(timeout)
    }

    /// Waits for its end; kills it after `timeout`.
    ///
    /// # Errors
    /// [`io::ErrorKind::TimedOut`] when it had to be killed.
    pub fn wait(&mut self, timeout: Duration) -> io::Result<ExitStatus> {
        let deadline = Instant::now() + timeout;
        loop {
            if let Some(status) = self.inner.try_wait()? {
                return Ok(status);
            }
            if Instant::now() >= deadline {
                self.kill()?;
                return Err(io::Error::new(io::ErrorKind::TimedOut, format!("{} had to be killed", self.name)));
            }
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.inner.kill();
        let _ = self.inner.wait();
    }
}
