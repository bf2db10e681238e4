//! `cargo xtask bench`: a large database over loopback at packet privacy, beside `cp` with `sha256sum`, and beside impacket.
//!
//! Every measurement is repeated and printed with its spread; nothing here passes or fails by a time.

pub(crate) mod ese;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::memory;
use crate::scene::{OPERATOR, Profile, Scene};

const MIB: f64 = 1024.0 * 1024.0;
/// How much impacket reads: it is pure Python and would take many minutes for the whole file.
const IMPACKET_MIB: u64 = 16;

/// Measures with a database of `mebibytes`, `runs` times.
pub(crate) fn run(mebibytes: u64, runs: u32) -> Result<()> {
    let scene = Scene::new(Profile::Release)?;
    println!("machine: {} cores, {}", std::thread::available_parallelism()?, processor());
    fs::create_dir(scene.sets())?;

    // What both processes need without a large database: the base for memory growth.
    let small = measure(&scene, runs)?;
    let filled = Instant::now();
    crate::set::fill(&scene, mebibytes)?;
    let size = fs::metadata(scene.database()?)?.len();
    println!("database: {:.0} MiB, filled in {:.0} s", size as f64 / MIB, filled.elapsed().as_secs_f64());
    let large = measure(&scene, runs)?;

    let mut server = scene.serve()?;
    let copies = copies(&scene, runs)?;
    row("cabak backup (one connection, NTLM packet privacy, SHA-256, fsync)", &rates(size, &large.seconds));
    row("cp, sync, then sha256sum of the same file", &rates(size, &copies));
    if let Some(seconds) = impacket(&scene, &server.endpoint_mapper)? {
        row(&format!("impacket reading {IMPACKET_MIB} MiB of the same file"), &rates(IMPACKET_MIB << 20, &[seconds]));
    }
    println!(
        "memory: cabak {:.1} MiB at most, {:+.1} MiB over a small database; certsrvd {:.1} MiB at most, {:+.1} MiB",
        large.cabak as f64 / MIB,
        (large.cabak as f64 - small.cabak as f64) / MIB,
        large.certsrvd as f64 / MIB,
        (large.certsrvd as f64 - small.certsrvd as f64) / MIB,
    );
    server.process.stop(Duration::from_secs(30)).context("certsrvd does not stop")?;
    Ok(())
}

/// What a series of backups took.
struct Measured {
    seconds: Vec<f64>,
    cabak: u64,
    certsrvd: u64,
}

fn measure(scene: &Scene, runs: u32) -> Result<Measured> {
    let mut server = scene.serve()?;
    let mut measured = Measured { seconds: Vec::new(), cabak: 0, certsrvd: 0 };
    for _ in 0..runs {
        memory::reset_peak(server.process.id())?;
        let start = Instant::now();
        let (status, peak) = memory::watch(
            scene
                .cabak()
                .args(["backup", &server.endpoint_mapper, "--no-verify", "--quiet", "--to"])
                .arg(scene.sets())
                .stdout(Stdio::null()),
        )?;
        if !status.success() {
            bail!("cabak backup: {status}");
        }
        measured.seconds.push(start.elapsed().as_secs_f64());
        measured.cabak = measured.cabak.max(peak);
        measured.certsrvd = measured.certsrvd.max(memory::peak(server.process.id())?);
        for entry in fs::read_dir(scene.sets())? {
            let path = entry?.path();
            if path.is_dir() {
                fs::remove_dir_all(path)?;
            }
        }
    }
    server.process.stop(Duration::from_secs(30)).context("certsrvd does not stop")?;
    Ok(measured)
}

fn copies(scene: &Scene, runs: u32) -> Result<Vec<f64>> {
    let from = scene.database()?;
    let to = scene.path().join("copy.db");
    let mut seconds = Vec::new();
    for _ in 0..runs {
        let start = Instant::now();
        for command in [
            Command::new("cp").arg(&from).arg(&to),
            Command::new("sync").arg(&to),
            Command::new("sha256sum").arg(&to).stdout(Stdio::null()),
        ] {
            let status = command.status()?;
            if !status.success() {
                bail!("{command:?}: {status}");
            }
        }
        seconds.push(start.elapsed().as_secs_f64());
        fs::remove_file(&to)?;
    }
    Ok(seconds)
}

fn impacket(scene: &Scene, endpoint_mapper: &str) -> Result<Option<f64>> {
    let Some(python) = crate::interop::python()? else { return Ok(None) };
    let (host, port) = endpoint_mapper.rsplit_once(':').context("the endpoint mapper's address")?;
    let output = Command::new(python)
        .arg(script())
        .args([host, port, OPERATOR])
        .arg(scene.secret(OPERATOR))
        .arg((IMPACKET_MIB << 20).to_string())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stderr(Stdio::inherit())
        .output()?;
    if !output.status.success() {
        bail!("impacket: {}", output.status);
    }
    Ok(Some(String::from_utf8_lossy(&output.stdout).trim().parse().context("impacket's seconds")?))
}

fn script() -> PathBuf {
    crate::run::root().join("interop/read_speed.py")
}

fn rates(bytes: u64, seconds: &[f64]) -> Vec<f64> {
    seconds.iter().map(|seconds| bytes as f64 / MIB / seconds).collect()
}

fn row(name: &str, rates: &[f64]) {
    let mut sorted = rates.to_vec();
    sorted.sort_by(f64::total_cmp);
    if let (Some(low), Some(median), Some(high)) = (sorted.first(), sorted.get(sorted.len() / 2), sorted.last()) {
        println!("{median:8.1} MiB/s  ({low:.1} to {high:.1}, {} runs)  {name}", sorted.len());
    }
}

fn processor() -> String {
    let info = fs::read_to_string(Path::new("/proc/cpuinfo")).unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    model.map_or_else(|| "unknown processor".to_owned(), |(_, name)| name.trim().to_owned())
}
