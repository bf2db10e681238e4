//! Writing page images into a copy.

use std::fs::File;
use std::io::{BufReader, Seek, Write};
use std::path::Path;

use super::chain::{BUFFER_SIZE, Meter};
use super::plan::Plan;
use super::{ChainError, Phase, Progress, RecoverError};
use crate::log::{LogReader, Record};
use crate::platform::PositionedFile;
use crate::wal::WalReader;
use crate::{Lsn, PAGE_SIZE, Timestamp};

/// What was written.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Replayed {
    pub(super) images: u64,
    pub(super) last_lsn: Lsn,
    pub(super) last_commit: Timestamp,
    pub(super) transactions: u64,
    pub(super) salvaged: u32,
    pub(super) pages: u32,
}

/// Writes the copy, and every page image of the plan over it, into an empty file.
pub(super) fn replay(
    plan: &Plan,
    path: &Path,
    file: &File,
    progress: &mut dyn FnMut(Progress),
) -> Result<Replayed, RecoverError> {
    let storage = |error: std::io::Error| RecoverError::Storage { path: path.to_owned(), source: error.into() };
    let mut meter = Meter::new(progress, Phase::Copy, &[]);
    meter.expect(plan.copy.length);
    let mut written = Ok(());
    let mut target = file;
    plan.copy.read(&mut meter, &mut |bytes| {
        if written.is_ok() {
            written = target.write_all(bytes);
        }
        Ok(())
    })?;
    written.map_err(storage)?;

    let mut done = Replayed {
        last_lsn: plan.goal.lsn,
        last_commit: plan.goal.time,
        transactions: plan.goal.transactions,
        pages: plan.goal.pages,
        ..Replayed::default()
    };
    let write = |page: u32, image: &[u8]| {
        file.write_all_at(image, u64::from(page.saturating_sub(1)) * PAGE_SIZE as u64).map_err(storage)
    };
    let mut meter = Meter::new(progress, Phase::Replay, &plan.logs);
    let mut written_to = plan.start;
    'logs: for log_path in &plan.logs {
        let io = |source| ChainError::Io { path: log_path.clone(), source };
        let file = match &plan.open_log {
            Some(open) if plan.logs.last() == Some(log_path) => {
                let mut open = open.try_clone().map_err(io)?;
                open.rewind().map_err(io)?;
                open
            }
            _ => File::open(log_path).map_err(io)?,
        };
        let source = BufReader::with_capacity(BUFFER_SIZE, file);
        let mut log =
            LogReader::new(source).map_err(|source| ChainError::NotALog { path: log_path.clone(), source })?;
        let generation = log.header().generation;
        loop {
            // The goal comes before any place where an open log is cut.
            if log.state().next_lsn > plan.goal.lsn {
                if log.header().first_lsn > plan.goal.lsn {
                    break 'logs;
                }
                break;
            }
            let Some(record) = log.next() else { break };
            let record = record.map_err(|source| ChainError::Damaged { path: log_path.clone(), generation, source })?;
            if let Record::Page(page) = record {
                write(page.page, &page.image)?;
                done.images += 1;
                written_to = page.lsn;
                meter.add(page.image.len() as u64);
            }
        }
    }
    if written_to != plan.goal.lsn {
        let path = plan.logs.last().map_or_else(|| path.to_owned(), Clone::clone);
        let source = format!("the logs changed while they were read: they end at page image {written_to}").into();
        return Err(RecoverError::Storage { path, source });
    }
    if let Some((wal_path, from, to)) = &plan.wal {
        let failed =
            |reason: &str| RecoverError::WalDoesNotFollow { path: wal_path.clone(), reason: reason.to_owned() };
        let io = |source| ChainError::Io { path: wal_path.clone(), source };
        let source = BufReader::with_capacity(BUFFER_SIZE, File::open(wal_path).map_err(io)?);
        let mut wal = WalReader::open(source).map_err(io)?.ok_or_else(|| failed("its header is not valid"))?;
        if !wal.resume(*from).map_err(io)? {
            return Err(failed("it changed meanwhile"));
        }
        while wal.position().frame < *to {
            let frame = wal.next().map_err(io)?.ok_or_else(|| failed("it changed meanwhile"))?;
            write(frame.page, &frame.image)?;
            done.images += 1;
            done.salvaged += 1;
            done.last_lsn = done.last_lsn.next();
            if frame.commit_pages != 0 {
                done.pages = frame.commit_pages;
                done.transactions += 1;
            }
        }
    }
    file.set_len(u64::from(done.pages) * PAGE_SIZE as u64).map_err(storage)?;
    file.sync_all().map_err(storage)?;
    Ok(done)
}
