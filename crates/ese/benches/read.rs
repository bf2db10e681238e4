//! Rows a second out of a real database in memory: all values of all tables, keys alone, the check of everything.
//!
//! `cargo bench -p ese --bench read`; `CABAK_SAMPLES=<directory>` says where samples are, `ESE_BENCH=<file>` names
//! another database.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr, missing_docs, reason = "a benchmark")]

use std::hint::black_box;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

use ese::{Database, Format, PageNumber, PageSource};

const ROUNDS: u32 = 5;

fn main() {
    let samples = std::env::var_os("CABAK_SAMPLES")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/samples"), PathBuf::from);
    let path = std::env::var_os("ESE_BENCH").map_or_else(|| samples.join("ese/go-ese/SRUDB.dat"), PathBuf::from);
    let Ok(bytes) = std::fs::read(&path) else {
        eprintln!("skipped: no {}", path.display());
        return;
    };
    println!("{}, {} KiB, best of {ROUNDS}", path.display(), bytes.len() / 1024);
    let file = Memory::new(bytes);
    let format = file.format;
    let database = Database::open(&file, format).unwrap();
    measure("catalog", "openings", || Database::open(&file, format).unwrap().tables().count().min(1));
    measure("keys", "rows", || rows(&database, false));
    measure("values", "rows", || rows(&database, true));
    measure("check", "rows", || usize::try_from(database.check().unwrap().rows).unwrap());
}

fn measure(name: &str, unit: &str, mut run: impl FnMut() -> usize) {
    let rates = (0..ROUNDS).map(|_| {
        let start = Instant::now();
        let count = run();
        count as f64 / start.elapsed().as_secs_f64()
    });
    let best = rates.fold(0.0, f64::max);
    println!("{name:>8}: {best:>12.0} {unit}/s");
}

fn rows(database: &Database<&Memory>, with_values: bool) -> usize {
    let mut count = 0;
    for table in database.tables() {
        let mut rows = table.rows().unwrap();
        while let Some(row) = rows.next().unwrap() {
            count += 1;
            black_box(row.key());
            if with_values {
                for column in table.columns() {
                    black_box(row.value(column).unwrap());
                }
            }
        }
    }
    count
}

struct Memory {
    bytes: Vec<u8>,
    page_size: usize,
    format: Format,
}

impl Memory {
    fn new(bytes: Vec<u8>) -> Memory {
        let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
        let page_size = if number(236) == 0 { 4096 } else { number(236) as usize };
        let format = Format { version: number(8), update: number(232) };
        Memory { bytes, page_size, format }
    }
}

impl PageSource for Memory {
    fn page_size(&self) -> usize {
        self.page_size
    }

    fn last_page(&self) -> PageNumber {
        PageNumber(u32::try_from(self.bytes.len() / self.page_size).unwrap().saturating_sub(2))
    }

    fn read_page(&self, page: PageNumber, buffer: &mut [u8]) -> io::Result<()> {
        let start = usize::try_from(page.offset(self.page_size)).map_err(io::Error::other)?;
        buffer.copy_from_slice(&self.bytes[start..start + self.page_size]);
        Ok(())
    }
}
