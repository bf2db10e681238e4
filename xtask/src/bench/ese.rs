//! `cargo xtask bench ese`: a whole database read by crate `ese`, beside readers that nobody here wrote.
//!
//! Each program reads every value of every row of the same file, in turns, and hands them on: ours and dissect.esedb as
//! text into nothing, esedbexport as text into files in a new directory, because it can do nothing else. What is measured
//! is the whole process.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};

use super::MIB;
use crate::memory;
use crate::run::{cargo, root, step};

/// Reads `file`, or the largest database of the samples, `runs` times with each program.
pub(crate) fn run(file: Option<PathBuf>, runs: u32) -> Result<()> {
    let Some(file) = file.map_or_else(largest, |file| Ok(Some(file)))? else { return Ok(()) };
    step("the reader", &mut cargo(&["build", "--quiet", "--release", "--locked", "-p", "ese", "--example", "dump"]))?;
    let scratch = tempfile::tempdir()?;
    let mut readers = vec![Reader::new("crate ese (example dump)", |file, _| {
        let mut command = Command::new(crate::python::target().join("release/examples/dump"));
        command.arg(file);
        command
    })];
    if let Some(python) = crate::python::with("oracles-venv", "interop/esedb-requirements.txt", "dissect.esedb")? {
        readers.push(Reader::new("dissect.esedb", move |file, _| {
            let mut command = Command::new(&python);
            command.arg(root().join("interop/esedb_dissect.py")).arg(file);
            command
        }));
    }
    if Command::new("esedbexport").arg("-V").output().is_ok_and(|output| output.status.success()) {
        readers.push(Reader::new("esedbexport -m tables", |file, target| {
            let mut command = Command::new("esedbexport");
            command.args(["-m", "tables", "-t"]).arg(target).arg(file);
            command
        }));
    } else {
        eprintln!("== esedbexport: skipped, it is not installed (apt install libesedb-utils)");
    }
    println!("machine: {} cores, {}", std::thread::available_parallelism()?, super::processor());
    let rows = rows(&mut (readers[0].command)(&file, Path::new("")))?;
    let size = std::fs::metadata(&file)?.len() as f64 / MIB;
    println!("database: {}, {size:.1} MiB, {rows} rows", file.display());

    // In turns, so that what else the machine does meets all of them.
    for round in 0..runs {
        for (index, reader) in readers.iter_mut().enumerate() {
            reader.measure(&file, &scratch.path().join(format!("{index}-{round}")))?;
        }
    }
    let ours = median(&readers[0].seconds);
    for reader in &readers {
        let Some(seconds) = median(&reader.seconds) else {
            println!("{:>12}  {}: it does not read this file", "-", reader.name);
            continue;
        };
        let rate = |seconds: f64| rows as f64 / seconds;
        let slowest = reader.seconds.iter().copied().fold(0.0, f64::max);
        let fastest = reader.seconds.iter().copied().fold(f64::INFINITY, f64::min);
        println!(
            "{:8.0} rows/s  ({:.0} to {:.0}, {runs} runs), {:.2} times our time, {:.1} MiB of memory  {}",
            rate(seconds),
            rate(slowest),
            rate(fastest),
            ours.map_or(1.0, |ours| seconds / ours),
            reader.memory as f64 / MIB,
            reader.name,
        );
    }
    Ok(())
}

/// The command that reads a database, the first path; what it writes goes to a new directory, the second.
type Invocation = dyn Fn(&Path, &Path) -> Command;

/// A program that reads databases, and what it took.
struct Reader {
    name: &'static str,
    command: Box<Invocation>,
    seconds: Vec<f64>,
    memory: u64,
    failed: bool,
}

impl Reader {
    fn new(name: &'static str, command: impl Fn(&Path, &Path) -> Command + 'static) -> Self {
        Reader { name, command: Box::new(command), seconds: Vec::new(), memory: 0, failed: false }
    }

    fn measure(&mut self, file: &Path, target: &Path) -> Result<()> {
        if self.failed {
            return Ok(());
        }
        let mut command = (self.command)(file, target);
        let start = Instant::now();
        let (status, peak) = memory::watch(command.stdout(Stdio::null()).stderr(Stdio::null()))?;
        let seconds = start.elapsed().as_secs_f64();
        if status.success() {
            self.seconds.push(seconds);
            self.memory = self.memory.max(peak);
        } else {
            self.failed = true;
            self.seconds.clear();
        }
        Ok(())
    }
}

fn median(seconds: &[f64]) -> Option<f64> {
    let mut sorted = seconds.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied()
}

/// How many rows our reader finds.
fn rows(command: &mut Command) -> Result<usize> {
    let output = command.stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        bail!("the reader: {}", output.status);
    }
    let text = String::from_utf8(output.stdout).context("the output of the reader")?;
    Ok(text.lines().filter(|line| line.starts_with("{\"row\"")).count())
}

fn largest() -> Result<Option<PathBuf>> {
    let samples = crate::oracles::samples();
    let mut databases = crate::oracles::databases(&samples)?;
    databases.sort_by_key(|path| std::fs::metadata(path).map(|metadata| metadata.len()).unwrap_or_default());
    let largest = databases.pop();
    if largest.is_none() {
        eprintln!("== bench ese: skipped, no database in {} (CABAK_SAMPLES says where)", samples.display());
    }
    Ok(largest)
}
