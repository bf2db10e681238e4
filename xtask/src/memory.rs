//! Peak memory of another process, as Linux accounts it.

use std::fs;
use std::process::{Command, ExitStatus};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

/// High-water mark of the resident memory of a running process, in bytes (`VmHWM` of `/proc/<pid>/status`).
pub(crate) fn peak(process: u32) -> Result<u64> {
    let path = format!("/proc/{process}/status");
    let status = fs::read_to_string(&path).with_context(|| path.clone())?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).with_context(|| format!("{path}: VmHWM"))?;
    let kib: u64 = line.trim().trim_end_matches("kB").trim().parse().with_context(|| format!("{path}: {line}"))?;
    Ok(kib * 1024)
}

/// Forgets the high-water mark of a running process, so that the next [`peak`] speaks of what came after.
pub(crate) fn reset_peak(process: u32) -> Result<()> {
    let path = format!("/proc/{process}/clear_refs");
    fs::write(&path, "5").with_context(|| path.clone())
}

/// Runs a command to its end; returns how it ended and its peak memory, sampled every 10 ms.
pub(crate) fn watch(command: &mut Command) -> Result<(ExitStatus, u64)> {
    let mut child = command.spawn().with_context(|| format!("{command:?}"))?;
    let mut highest = 0;
    loop {
        if let Ok(now) = peak(child.id()) {
            highest = highest.max(now);
        }
        if let Some(status) = child.try_wait()? {
            return Ok((status, highest));
        }
        thread::sleep(Duration::from_millis(10));
    }
}
