//! Programs under test are waited for, and stop by their own handle.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "tests")]

use std::io::ErrorKind;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use testkit::process::{Child, bin_of};

const SOON: Duration = Duration::from_secs(20);

fn shell(script: &str) -> Child {
    Child::start(Command::new("sh").arg("-c").arg(script)).unwrap()
}

#[test]
fn a_ready_line_is_waited_for() {
    let mut child = shell("echo starting; echo ready 42; exec sleep 60");
    let port = child.wait_for(SOON, |line| line.strip_prefix("ready ").map(str::to_owned)).unwrap();
    assert_eq!(port, "42");
}

#[test]
fn a_program_that_ends_before_its_ready_line_is_an_error() {
    let error = shell("echo starting; exit 3").wait_for(SOON, |line| (line == "ready").then_some(())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
    assert!(error.to_string().contains("exit status: 3"), "{error}");
}

#[test]
fn a_silent_program_is_a_timeout() {
    let mut child = shell("exec sleep 60");
    assert_eq!(child.line(Duration::from_millis(20)).unwrap_err().kind(), ErrorKind::TimedOut);
}

#[test]
fn a_line_without_its_end_says_nothing() {
    let mut child = shell("echo whole; printf cut");
    assert_eq!(child.remaining_lines(), ["whole"]);
}

#[test]
fn stop_lets_a_program_end_in_its_own_way() {
    let mut child = shell("trap 'echo bye; exit 7' TERM; echo ready; while :; do sleep 0.01; done");
    child.wait_for(SOON, |line| (line == "ready").then_some(())).unwrap();
    assert_eq!(child.stop(SOON).unwrap().code(), Some(7));
    assert_eq!(child.remaining_lines(), ["bye"]);
}

#[test]
fn a_dropped_program_is_gone() {
    let child = shell("exec sleep 60");
    let process = format!("/proc/{}", child.id());
    drop(child);
    assert!(!Path::new(&process).exists());
}

#[test]
fn programs_of_the_workspace_are_found() {
    assert!(bin_of("testkit", "certdb-workload").unwrap().is_file());
    assert!(bin_of("testkit", "no-such-program").is_err());
}
