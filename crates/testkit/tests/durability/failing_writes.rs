//! The disk is full, or breaks: nothing that is lost was acknowledged, the error is told, and opening again goes on.

use std::collections::BTreeMap;
use std::path::Path;

use testkit::crash::{Failing, Failure, FailureMode, Image, Journal, Operation, Shim};
use testkit::workload::Layout;

use crate::scene::{Known, Scene, assert_none, roll_forward, told, verify};

const ENOSPC: i32 = 28;
const EIO: i32 = 5;

/// Calls that fail below `data`, and how many points of each are tried.
const CLASSES: &[(Failing, &str, usize)] = &[
    (Failing::Write, "data/ca.db-wal", 14),
    (Failing::Write, "data/ca.db", 8),
    (Failing::Write, "data/log/edb*.log", 14),
    (Failing::Write, "data/log/edb.chk", 4),
    (Failing::Sync, "data/ca.db-wal", 8),
    (Failing::Sync, "data/ca.db", 6),
    (Failing::Sync, "data/log/edb*.log", 8),
    (Failing::Sync, "data/log/edb.chk", 4),
    (Failing::Sync, "data/*/|data/", 8),
    (Failing::Rename, "data/*", 8),
    (Failing::Truncate, "data/*", 6),
    (Failing::Create, "data/*", 8),
    (Failing::Unlink, "data/*", 6),
];

#[test]
fn a_full_or_broken_disk_loses_nothing_acknowledged() {
    let journal = undisturbed();
    let mut images = 0;
    let mut noticed = 0;
    let mut failures = Vec::new();
    for (class, (operation, patterns, points)) in CLASSES.iter().enumerate() {
        let calls = count(&journal, *operation, patterns);
        for index in 0..calls.min(*points) {
            let nth = 1 + index * calls / calls.min(*points);
            let (errno, mode) = match (class + index) % 4 {
                0 => (ENOSPC, FailureMode::Forever),
                1 => (EIO, FailureMode::Once),
                2 => (ENOSPC, if *operation == Failing::Write { FailureMode::Short } else { FailureMode::Once }),
                _ => (ENOSPC, FailureMode::Once),
            };
            let failure = Failure { operation: *operation, patterns: (*patterns).to_owned(), nth, errno, mode };
            images += 1;
            match stubborn_under(&failure) {
                Ok(told_of_it) => noticed += usize::from(told_of_it),
                Err(error) => failures.push(format!("{failure:?} of {calls}: {error:#}")),
            }
        }
    }
    println!("{images} failures injected, {noticed} of them told to the caller");
    assert!(images >= 60, "only {images} failures");
    assert_none(&failures, images);
}

/// Runs the stubborn workload with a failure; whether it was told of one.
fn stubborn_under(failure: &Failure) -> anyhow::Result<bool> {
    let scene = Scene::new();
    let mut command = scene.command(&["stubborn"]);
    Shim::fail(&mut command, std::slice::from_ref(failure));
    let output = command.output()?;
    let text = String::from_utf8(output.stdout.clone())?;
    let panicked = String::from_utf8_lossy(&output.stderr).contains("panicked");
    anyhow::ensure!(
        output.status.code().is_some() && !panicked,
        "the workload did not end in order: {}",
        told(&output)
    );
    let known = Known::from_lines(text.lines());
    let told_of_it = !output.status.success() || text.lines().any(|line| line.starts_with("error"));
    verify(&scene.layout(), &known).map_err(|error| error.context(told(&output)))?;
    Ok(told_of_it)
}

/// After a failed fsync the kernel may have forgotten what was dirty: a row acknowledged later must not rest on it.
#[test]
fn a_failed_fsync_is_not_trusted_when_it_succeeds_later() {
    let undisturbed = undisturbed();
    let mut images = 0;
    let mut failures = Vec::new();
    for patterns in ["data/ca.db-wal", "data/ca.db", "data/log/edb*.log", "data/log/edb.chk"] {
        let calls = count(&undisturbed, Failing::Sync, patterns);
        for index in 0..calls.min(5) {
            let failure = Failure {
                operation: Failing::Sync,
                patterns: patterns.to_owned(),
                nth: 1 + index * calls / calls.min(5),
                errno: EIO,
                mode: FailureMode::Once,
            };
            let scene = Scene::new();
            let mut command = scene.command(&["stubborn"]);
            Shim::fail(&mut command, std::slice::from_ref(&failure));
            scene.record(&mut command);
            let output = command.output().unwrap();
            assert!(output.status.code().is_some(), "{}", told(&output));
            let journal = Journal::read(&scene.journal_path()).unwrap();
            let failed =
                journal.operations.iter().position(|operation| matches!(operation, Operation::SyncFailed { .. }));
            let Some(failed) = failed else { continue };
            let crashes: Vec<_> =
                crate::scene::crashes(&journal, 400).into_iter().filter(|crash| crash.point > failed).collect();
            let crashes: Vec<_> = crashes.iter().step_by((crashes.len() / 10).max(1)).copied().collect();
            images += crashes.len();
            let found = crate::scene::verify_all(&Image::default(), &journal, &crashes);
            failures.extend(found.into_iter().map(|error| format!("{failure:?}: {error}")));
        }
    }
    println!("{images} images");
    assert_none(&failures, images);
}

#[test]
fn recovery_on_a_full_or_broken_disk_leaves_its_inputs_alone() {
    let scene = Scene::new();
    let output = scene.command(&["stubborn"]).output().unwrap();
    assert!(output.status.success(), "{}", told(&output));
    let known = Known::from_lines(std::str::from_utf8(&output.stdout).unwrap().lines());
    let prepared = Image::read(&scene.layout().root).unwrap();
    assert_eq!(known.backups, [41, 71]);

    let counted = Scene::new();
    prepared.write(&counted.layout().root).unwrap();
    let journal = counted.recorded(counted.command(&["recover"]));
    let mut runs = 0;
    let classes = [
        (Failing::Write, 12),
        (Failing::Sync, 6),
        (Failing::Rename, 4),
        (Failing::Create, 4),
        (Failing::Truncate, 4),
        (Failing::MakeDirectory, 2),
    ];
    for (operation, points) in classes {
        let calls = count(&journal, operation, "*");
        for index in 0..calls.min(points) {
            let nth = 1 + index * calls / calls.min(points);
            let errno = if index % 2 == 0 { ENOSPC } else { EIO };
            let mode = if index % 3 == 2 { FailureMode::Once } else { FailureMode::Forever };
            let failure = Failure { operation, patterns: "*".to_owned(), nth, errno, mode };
            let scene = Scene::new();
            prepared.write(&scene.layout().root).unwrap();
            let mut command = scene.command(&["recover"]);
            Shim::fail(&mut command, std::slice::from_ref(&failure));
            let output = command.output().unwrap();
            runs += 1;
            let why = format!("{failure:?} of {calls}: {}", told(&output));
            assert_eq!(output.status.code(), Some(1), "a failure must be told: {why}");
            assert!(!why.contains("panicked"), "{why}");
            let clear = [
                if errno == ENOSPC { "No space left" } else { "nput/output error" },
                "disk I/O error",
                "full",
                "unable to open",
            ];
            assert!(clear.iter().any(|text| why.contains(text)), "unclear: {why}");
            assert!(!why.contains("damaged"), "a failing disk is not a damaged backup: {why}");
            assert_eq!(inputs(&scene.layout()), inputs_of(&prepared), "inputs were touched: {why}");
            let again = roll_forward(&scene.layout(), &known, true, &scene.layout().recovered().data());
            let again = again.unwrap_or_else(|error| panic!("a second try fails: {error:#}; {why}"));
            assert!(again.is_superset(&known.acknowledged), "{why}");
        }
    }
    println!("{runs} failures of recovery");
    assert!(runs >= 15, "only {runs} failures");
}

fn undisturbed() -> Journal {
    let scene = Scene::new();
    scene.recorded(scene.command(&["stubborn"]))
}

fn inputs(layout: &Layout) -> BTreeMap<std::path::PathBuf, Vec<u8>> {
    inputs_of(&Image::read(&layout.root).unwrap())
}

fn inputs_of(image: &Image) -> BTreeMap<std::path::PathBuf, Vec<u8>> {
    let input = |path: &Path| path.starts_with("data") || path.starts_with("backup");
    image.files.iter().filter(|(path, _)| input(path)).map(|(path, content)| (path.clone(), content.clone())).collect()
}

/// How often a run without failures makes such a call.
fn count(journal: &Journal, failing: Failing, patterns: &str) -> usize {
    let mut paths = BTreeMap::new();
    let mut calls = 0;
    for operation in &journal.operations {
        let (kind, path) = match operation {
            Operation::Open { path, inode, created, .. } => {
                paths.insert(*inode, path.clone());
                (created.then_some(Failing::Create), path.clone())
            }
            Operation::Write { inode, .. } => (Some(Failing::Write), paths[inode].clone()),
            Operation::Truncate { inode, .. } => (Some(Failing::Truncate), paths[inode].clone()),
            Operation::Sync { inode } | Operation::SyncFailed { inode } => (Some(Failing::Sync), paths[inode].clone()),
            Operation::SyncDirectory { path } if path.as_os_str().is_empty() => (Some(Failing::Sync), "./".into()),
            Operation::SyncDirectory { path } => (Some(Failing::Sync), format!("{}/", path.display()).into()),
            Operation::Rename { from, to } => {
                for path in paths.values_mut() {
                    if path == from {
                        path.clone_from(to);
                    }
                }
                (Some(Failing::Rename), from.clone())
            }
            Operation::Unlink { path } => (Some(Failing::Unlink), path.clone()),
            Operation::MakeDirectory { path } => (Some(Failing::MakeDirectory), path.clone()),
            Operation::Mark(_) => continue,
        };
        let path = path.display().to_string();
        calls += usize::from(kind == Some(failing) && patterns.split('|').any(|pattern| glob(pattern, &path)));
    }
    calls
}

/// fnmatch(3) for patterns of literals and `*`.
fn glob(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, rest)) => text
            .strip_prefix(start)
            .is_some_and(|text| (0..=text.len()).any(|at| text.is_char_boundary(at) && glob(rest, &text[at..]))),
    }
}
