//! A certificate database at work, as a process that the durability tests kill and starve.
//!
//! `certdb-workload MODE DIRECTORY [name=number]...`; what happens is told line by line, each in one write, in the file
//! `$STORAGE_MARKS` or else on standard output. A failure is told on standard error and by exit status 1.
//!
//! | mode | does | tells |
//! |---|---|---|
//! | `write` | rows from `first`, `rows` of them, on `threads` threads, `pace` microseconds between two | `open`, `ack ID` |
//! | `churn` | the same, while it backs up into `backup/<number>`, truncating | also `backup NUMBER`, `truncated NUMBER` |
//! | `story` | create, write, full and incremental backup with truncation, close, reopen, recover, adopt | also `recovered`, `adopted`, `ack ID` of the adopted one |
//! | `stubborn` | writes; after an error it closes, opens again, and goes on, `patience` times | also `error ID TEXT` |
//! | `recover` | all backup sets and the live logs into `recovered` | `recovered` |
//! | `check` | opens and checks | `rows COUNT` |

use std::env;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use certdb::{BackupKind, Database};
use testkit::workload::{self, Layout};

fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [mode, root, settings @ ..] = arguments.as_slice() else { bail!("MODE DIRECTORY [name=number]...") };
    let setting = |name: &str, default: u64| -> Result<u64> {
        match settings.iter().find_map(|setting| setting.strip_prefix(name)?.strip_prefix('=')) {
            Some(value) => value.parse().with_context(|| format!("{name}={value}")),
            None => Ok(default),
        }
    };
    let worker = Worker {
        layout: Layout::new(Path::new(root)),
        tell: Teller::new()?,
        next: AtomicU64::new(setting("first", 1)?),
        threads: setting("threads", 3)?,
        pace: Duration::from_micros(setting("pace", 0)?),
    };
    let rows = setting("rows", 100)?;
    match mode.as_str() {
        "write" => worker.write(&worker.open()?, rows),
        "churn" => worker.churn(rows, usize::try_from(setting("number", 0)?)?),
        "story" => worker.story(),
        "stubborn" => worker.stubborn(rows, setting("patience", 3)?),
        "recover" => {
            let layout = &worker.layout;
            workload::recover(layout, &layout.backups()?, true, &layout.recovered().data())?;
            worker.tell.line("recovered")
        }
        "check" => {
            let rows = worker.open()?.read(workload::check)?;
            worker.tell.line(&format!("rows {}", rows.len()))
        }
        other => bail!("unknown mode {other}"),
    }
}

struct Worker {
    layout: Layout,
    tell: Teller,
    next: AtomicU64,
    threads: u64,
    /// How long a thread rests between two rows.
    pace: Duration,
}

impl Worker {
    fn open(&self) -> Result<Database> {
        let database = workload::open_or_create(&self.layout)?;
        self.tell.line("open")?;
        Ok(database)
    }

    /// Writes rows on all threads; the first error ends it.
    fn write(&self, database: &Database, rows: u64) -> Result<()> {
        let end = self.next.load(Ordering::SeqCst) + rows;
        thread::scope(|scope| {
            let workers: Vec<_> = (0..self.threads)
                .map(|_| {
                    scope.spawn(|| -> Result<()> {
                        loop {
                            let id = self.next.fetch_add(1, Ordering::SeqCst);
                            if id >= end {
                                return Ok(());
                            }
                            workload::write(database, id)?;
                            self.tell.line(&format!("ack {id}"))?;
                            thread::sleep(self.pace);
                        }
                    })
                })
                .collect();
            workers.into_iter().try_for_each(|worker| worker.join().unwrap_or_else(|_| bail!("a writer panicked")))
        })?;
        self.next.store(end, Ordering::SeqCst);
        Ok(())
    }

    fn churn(&self, rows: u64, number: usize) -> Result<()> {
        let database = self.open()?;
        thread::scope(|scope| {
            let writer = scope.spawn(|| self.write(&database, rows));
            let kind = if number.is_multiple_of(2) { BackupKind::Full } else { BackupKind::Incremental };
            self.back_up(&database, kind, number)?;
            writer.join().unwrap_or_else(|_| bail!("the writer panicked"))
        })
    }

    fn back_up(&self, database: &Database, kind: BackupKind, number: usize) -> Result<()> {
        let tell = |event: &str| self.tell.line(&format!("{event} {number}"));
        workload::back_up(database, kind, &self.layout.backup(number), tell)
    }

    fn story(&self) -> Result<()> {
        let database = self.open()?;
        self.write(&database, 30)?;
        thread::scope(|scope| {
            let writer = scope.spawn(|| self.write(&database, 60));
            self.back_up(&database, BackupKind::Full, 0)?;
            writer.join().unwrap_or_else(|_| bail!("the writer panicked"))
        })?;
        self.write(&database, 20)?;
        self.back_up(&database, BackupKind::Incremental, 1)?;
        self.write(&database, 20)?;
        database.close().context("close")?;

        let database = self.open()?;
        self.write(&database, 20)?;
        database.close().context("close again")?;

        let recovered = self.layout.recovered();
        workload::recover(&self.layout, &[0, 1], true, &recovered.data())?;
        self.tell.line("recovered")?;
        let database = Database::adopt(&recovered.data(), &recovered.options()).context("adopt")?;
        self.tell.line("adopted")?;
        self.next.store(10_001, Ordering::SeqCst);
        self.write(&database, 15)?;
        database.close().context("close the adopted one")?;
        Ok(())
    }

    /// One thread, so that the n-th call of a kind is the same one in every run.
    fn stubborn(&self, rows: u64, mut patience: u64) -> Result<()> {
        let mut database = None;
        let first = self.next.load(Ordering::SeqCst);
        let mut id = first;
        let mut refused = |id: u64, error: &anyhow::Error| -> Result<()> {
            self.tell.line(&format!("error {id} {}", format!("{error:#}").replace('\n', " ")))?;
            patience = patience.checked_sub(1).context("out of patience")?;
            Ok(())
        };
        while id < first + rows {
            let open = match database.take() {
                Some(open) => open,
                None => match self.open() {
                    Ok(open) => open,
                    Err(error) => {
                        refused(id, &error)?;
                        continue;
                    }
                },
            };
            let outcome = match id - first {
                40 => self.back_up(&open, BackupKind::Full, usize::try_from(id)?),
                70 => self.back_up(&open, BackupKind::Incremental, usize::try_from(id)?),
                _ => Ok(()),
            }
            .and_then(|()| workload::write(&open, id));
            match outcome {
                Ok(()) => {
                    self.tell.line(&format!("ack {id}"))?;
                    database = Some(open);
                }
                Err(error) => {
                    drop(open);
                    refused(id, &error)?;
                }
            }
            // A refused row may be there all the same: it is never tried again.
            id += 1;
        }
        if let Some(database) = database {
            database.close().context("close")?;
        }
        Ok(())
    }
}

/// Where the workload tells what happened.
struct Teller(Mutex<Option<File>>);

impl Teller {
    fn new() -> Result<Self> {
        let file = match env::var_os("STORAGE_MARKS") {
            Some(path) => Some(OpenOptions::new().create(true).append(true).open(path)?),
            None => None,
        };
        Ok(Self(Mutex::new(file)))
    }

    fn line(&self, text: &str) -> Result<()> {
        let line = format!("{text}\n");
        match self.0.lock().ok().as_deref_mut() {
            Some(Some(file)) => file.write_all(line.as_bytes())?,
            // Standard output of Rust is line buffered: one line, one write.
            _ => io::stdout().lock().write_all(line.as_bytes())?,
        }
        Ok(())
    }
}
