//! A workload that ran, and what must be true of any directory that a crash of it leaves behind.
#![allow(unreachable_pub, reason = "shared by the modules of this test")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use certdb::{Database, OpenError};
use rusqlite::{Connection, OpenFlags};
use tempfile::TempDir;
use testkit::crash::{Disk, Image, Journal, Loss, Operation, Shim};
use testkit::random::Random;
use testkit::temp;
use testkit::workload::{self, DATABASE_NAME, Layout};

/// A workload in a directory of its own, with the shim in place.
pub struct Scene {
    directory: TempDir,
    shim: Shim,
}

impl Scene {
    pub fn new() -> Self {
        let directory = temp::directory().unwrap();
        fs::create_dir(directory.path().join("watched")).unwrap();
        let shim = Shim::build(directory.path()).unwrap();
        Self { directory, shim }
    }

    pub fn layout(&self) -> Layout {
        Layout::new(&self.directory.path().canonicalize().unwrap().join("watched"))
    }

    /// The workload, watched, told what to do; the caller may add failures and ignored fsyncs.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_certdb-workload"));
        command.arg(arguments[0]).arg(self.layout().root).args(&arguments[1..]);
        command.env_remove("RUST_BACKTRACE").env("RUST_BACKTRACE", "0");
        self.shim.watch(&mut command, &self.layout().root).unwrap();
        command
    }

    pub fn journal_path(&self) -> PathBuf {
        self.directory.path().canonicalize().unwrap().join("journal")
    }

    /// Makes the command keep a journal with marks.
    pub fn record(&self, command: &mut Command) {
        let marks = self.directory.path().canonicalize().unwrap().join("marks");
        Shim::journal(command, &self.journal_path(), &marks);
    }

    /// Runs the workload to its end, which must be a good one, and reads its journal.
    pub fn recorded(&self, mut command: Command) -> Journal {
        self.record(&mut command);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", told(&output));
        Journal::read(&self.journal_path()).unwrap()
    }
}

/// What a workload wrote, for a message.
pub fn told(output: &Output) -> String {
    format!("{}: {}{}", output.status, String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// What the workload was told, and must therefore find again.
#[derive(Clone, Debug, Default)]
pub struct Known {
    pub open: bool,
    pub acknowledged: BTreeSet<u64>,
    /// Complete backup sets, the first of them full.
    pub backups: Vec<usize>,
    pub recovered: bool,
    pub adopted: bool,
    /// Rows acknowledged by the adopted database.
    pub adopted_rows: BTreeSet<u64>,
}

impl Known {
    pub fn from_lines<'a>(lines: impl Iterator<Item = &'a str>) -> Self {
        let mut known = Self::default();
        for line in lines {
            let mut words = line.split_whitespace();
            let event = words.next();
            let number = words.next().and_then(|word| word.parse::<u64>().ok());
            match (event, number) {
                (Some("open"), _) => known.open = true,
                (Some("recovered"), _) => known.recovered = true,
                (Some("adopted"), _) => known.adopted = true,
                (Some("backup"), Some(number)) => known.backups.push(usize::try_from(number).unwrap()),
                (Some("ack"), Some(id)) if known.adopted => _ = known.adopted_rows.insert(id),
                (Some("ack"), Some(id)) => _ = known.acknowledged.insert(id),
                _ => {}
            }
        }
        known
    }

    pub fn at(journal: &Journal, point: usize) -> Self {
        Self::from_lines(journal.marks(point).flat_map(|(_, text)| text.lines()))
    }
}

/// Row that is written after each crash, to see that the database goes on.
const AFTERWARDS: u64 = 999_999;

/// A lock that was released a moment ago may still be held: a process that another test is starting has copies of all
/// descriptors until it runs its program.
fn unlocked<T>(mut open: impl FnMut() -> Result<T, OpenError>) -> Result<T, OpenError> {
    let patience = Instant::now() + Duration::from_secs(5);
    loop {
        match open() {
            Err(OpenError::InUse { .. }) if Instant::now() < patience => std::thread::yield_now(),
            other => return other,
        }
    }
}

/// What must hold of a directory in which a workload was interrupted.
pub fn verify(layout: &Layout, known: &Known) -> Result<()> {
    let database = match unlocked(|| Database::open(&layout.data(), &layout.options())) {
        Ok(database) => database,
        Err(OpenError::NotFound { .. }) if !known.open => {
            unlocked(|| Database::create(&layout.data(), &layout.options(), workload::SCHEMA))
                .context("creation was interrupted, and cannot be done again")?
        }
        Err(error) => return Err(error).context("open"),
    };
    let found = database.read(workload::check).context("the live database")?;
    includes(&found, &known.acknowledged)?;
    workload::write(&database, AFTERWARDS).context("a row after the crash")?;
    let live = database.read(workload::check).context("the live database, a row later")?;
    ensure!(live.contains(&AFTERWARDS) && live.len() == found.len() + 1, "the row after the crash is not there");
    database.close().context("close")?;

    if !known.backups.is_empty() {
        let target = layout.root.join("rolled");
        let rolled = roll_forward(layout, known, false, &target).context("backup and the logs after the crash")?;
        ensure!(rolled == live, "rolled forward to other rows: {:?}", live.symmetric_difference(&rolled));
    }
    if known.recovered {
        let recovered = layout.recovered();
        let adopt = || Database::adopt(&recovered.data(), &recovered.options()).context("adopt");
        let database = match Database::open(&recovered.data(), &recovered.options()) {
            Ok(database) => database,
            Err(_) if !known.adopted => adopt()?,
            Err(error) => return Err(error).context("open the adopted database"),
        };
        let found = database.read(workload::check).context("the adopted database")?;
        includes(&found, &known.acknowledged)?;
        includes(&found, &known.adopted_rows)?;
        database.close().context("close the adopted database")?;
    }
    Ok(())
}

/// What must hold of an untouched crash image: the backup rolls forward over its logs and its write-ahead log.
pub fn verify_salvage(layout: &Layout, known: &Known) -> Result<()> {
    if known.backups.is_empty() {
        return Ok(());
    }
    let rolled =
        roll_forward(layout, known, true, &layout.root.join("rolled")).context("backup, logs, salvaged WAL")?;
    includes(&rolled, &known.acknowledged)
}

pub fn roll_forward(layout: &Layout, known: &Known, salvage: bool, target: &Path) -> Result<BTreeSet<u64>> {
    workload::recover(layout, &known.backups, salvage, target)?;
    let path = target.join(DATABASE_NAME);
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    workload::check(&connection)
}

fn includes(found: &BTreeSet<u64>, acknowledged: &BTreeSet<u64>) -> Result<()> {
    let lost: Vec<_> = acknowledged.difference(found).collect();
    ensure!(lost.is_empty(), "acknowledged rows are lost: {lost:?} of {}", acknowledged.len());
    Ok(())
}

/// One crash.
#[derive(Clone, Copy, Debug)]
pub struct Crash {
    pub point: usize,
    pub loss: Loss,
    pub seed: u64,
}

/// Crashes all over a journal: around every change of names and lengths, and at points spread over the rest.
pub fn crashes(journal: &Journal, at_least: usize) -> Vec<Crash> {
    const LOSSES: [Loss; 7] =
        [Loss::Torn, Loss::Everything, Loss::Tail, Loss::Garbage, Loss::Data, Loss::Torn, Loss::Names];
    let (mut chosen, plain): (Vec<usize>, Vec<usize>) =
        journal.crash_points().into_iter().partition(|point| changes_structure(&journal.operations[*point]));
    let wanted = at_least.saturating_sub(chosen.len()).max(at_least / 2);
    chosen.extend((0..wanted).map(|index| plain[index * plain.len() / wanted]));
    chosen.sort_unstable();
    let mut random = Random::new(setting("DURABILITY_SEED", 7) as u64);
    let crash = |(index, point)| Crash { point, loss: LOSSES[index % LOSSES.len()], seed: random.next_u64() };
    chosen.into_iter().enumerate().map(crash).collect()
}

/// Each of these points with each kind of loss, the random ones with several seeds.
pub fn every_loss(points: impl Iterator<Item = usize>, seeds: u64) -> Vec<Crash> {
    let mut crashes = Vec::new();
    for point in points {
        for loss in [Loss::Everything, Loss::Nothing, Loss::Data, Loss::Names] {
            crashes.push(Crash { point, loss, seed: 0 });
        }
        for loss in [Loss::Tail, Loss::Torn, Loss::Garbage] {
            crashes.extend((0..seeds).map(|seed| Crash { point, loss, seed: point as u64 * 1000 + seed }));
        }
    }
    crashes
}

/// A number from the environment, for long runs.
pub fn setting(name: &str, default: usize) -> usize {
    std::env::var(name).map_or(default, |value| value.parse().unwrap())
}

/// The process alone dies, behind every change of names and lengths: nothing is lost, but nothing is finished either.
pub fn deaths(journal: &Journal) -> Vec<Crash> {
    let points = journal.crash_points().into_iter();
    let points = points.filter(|point| changes_structure(&journal.operations[*point]));
    points.map(|point| Crash { point, loss: Loss::Nothing, seed: 0 }).collect()
}

fn changes_structure(operation: &Operation) -> bool {
    !matches!(operation, Operation::Write { .. } | Operation::Sync { .. })
}

/// Makes the images of the crashes and verifies each, on two threads; the failures, described.
pub fn verify_all(base: &Image, journal: &Journal, crashes: &[Crash]) -> Vec<String> {
    const THREADS: usize = 2;
    let failures = Mutex::new(Vec::new());
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                let mut disk = Disk::holding(base);
                while let Some(crash) = crashes.get(next.fetch_add(1, Ordering::SeqCst)) {
                    disk.advance(journal, crash.point).unwrap();
                    let image = disk.image(crash.loss, crash.seed);
                    if let Err(error) = verify_image(&image, &Known::at(journal, crash.point)) {
                        let operation = describe(&journal.operations[crash.point]);
                        failures.lock().unwrap().push(format!("{crash:?} after {operation}: {error:#}"));
                    }
                }
            });
        }
    });
    failures.into_inner().unwrap()
}

pub fn verify_image(image: &Image, known: &Known) -> Result<()> {
    let directory = temp::directory()?;
    let on = |name: &str, check: fn(&Layout, &Known) -> Result<()>| -> Result<()> {
        let layout = Layout::new(&directory.path().join(name));
        image.write(&layout.root)?;
        check(&layout, known)
    };
    let outcome = on("opened", verify).and_then(|()| on("salvaged", verify_salvage));
    if outcome.is_err() && std::env::var_os("DURABILITY_KEEP").is_some() {
        let kept = directory.keep();
        image.write(&kept.join("image"))?;
        return outcome.with_context(|| format!("kept in {}", kept.display()));
    }
    outcome
}

pub fn describe(operation: &Operation) -> String {
    match operation {
        Operation::Write { inode, offset, data, .. } => format!("write of {} at {offset}, inode {inode}", data.len()),
        other => format!("{other:?}"),
    }
}

/// Fails with the first few of the failures.
pub fn assert_none(failures: &[String], images: usize) {
    let shown: Vec<&str> = failures.iter().take(10).map(String::as_str).collect();
    assert!(failures.is_empty(), "{} of {images} images failed:\n{}", failures.len(), shown.join("\n"));
}
