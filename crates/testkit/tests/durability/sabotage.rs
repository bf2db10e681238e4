//! Without one kind of fsync the images must show losses: this proves that the simulator sees what fsync is for.

use testkit::crash::{Image, Shim};

use crate::scene::{Scene, crashes, verify_all};

#[test]
fn without_fsync_of_the_write_ahead_log_rows_are_lost() {
    sabotage("*-wal");
}

#[test]
fn without_fsync_of_the_logs_recovery_fails() {
    sabotage("*/edb*.log");
}

#[test]
fn without_fsync_of_directories_files_are_lost() {
    sabotage("*/");
}

#[test]
fn without_fsync_of_the_database_checkpoints_lose_pages() {
    sabotage("data/ca.db");
}

fn sabotage(patterns: &str) {
    let scene = Scene::new();
    let mut command = scene.command(&["story"]);
    Shim::ignore_sync(&mut command, patterns);
    let journal = scene.recorded(command);
    let all = crashes(&journal, 500);
    let crashes: Vec<_> = all.iter().step_by(all.len() / 60).copied().collect();
    let failures = verify_all(&Image::default(), &journal, &crashes);
    println!("fsync of {patterns} ignored: {} of {} images fail", failures.len(), crashes.len());
    assert!(!failures.is_empty(), "none of {} images fails without fsync of {patterns}", crashes.len());
}
