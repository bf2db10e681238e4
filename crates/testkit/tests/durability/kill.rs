//! The process is killed at random moments, again and again.

use std::process::Command;
use std::thread;
use std::time::Duration;

use testkit::process::Child;
use testkit::random::Random;
use testkit::temp;
use testkit::workload::{self, Layout};

use crate::scene::{Known, roll_forward, verify};

const ROUNDS: usize = 60;
const SOON: Duration = Duration::from_secs(30);

#[test]
fn no_acknowledged_row_is_lost_to_kill() {
    let directory = temp::directory().unwrap();
    let layout = Layout::new(&directory.path().canonicalize().unwrap());
    let mut random = Random::new(ROUNDS as u64);
    let mut known = Known::default();
    let mut killed = 0;
    for round in 0..ROUNDS {
        // Every third round backs up, truncating, while it writes; the sets start anew with each full one.
        let mode = if round % 3 == 0 { "churn" } else { "write" };
        let number = round / 3;
        let mut command = Command::new(env!("CARGO_BIN_EXE_certdb-workload"));
        command.arg(mode).arg(&layout.root).args(["rows=100000", "pace=3000"]).arg(format!("number={number}"));
        command.arg(format!("first={}", (round + 1) * 1_000_000));
        let mut child = Child::start(&mut command).unwrap();
        let mut lines = Vec::new();
        // Now and then while it still opens; else behind some of the acknowledgements, or around the end of a backup.
        let (wanted, event) = match (round, random.below(4)) {
            (0, _) => (usize::MAX, "truncated"),
            (_, 0) if round % 3 != 0 => (0, ""),
            (_, 1) if round % 3 == 0 => (usize::MAX, "backup"),
            (_, 2) if round % 3 == 0 => (usize::MAX, "truncated"),
            _ => (random.below(100), ""),
        };
        while lines.len() < wanted {
            let line = child.line(SOON).unwrap().expect("the workload goes on until it is killed");
            let reached = !event.is_empty() && line.starts_with(event);
            lines.push(line);
            if reached {
                break;
            }
        }
        thread::sleep(Duration::from_micros(random.below(6_000) as u64));
        let status = child.kill().unwrap();
        killed += usize::from(!status.success());
        lines.extend(child.remaining_lines());
        let new = Known::from_lines(lines.iter().map(String::as_str));
        known.open |= new.open;
        known.acknowledged.extend(new.acknowledged);
        for backup in new.backups {
            if backup % 2 == 0 {
                known.backups.clear();
            }
            known.backups.push(backup);
        }
        if round % 10 == 9 {
            let database = workload::open_or_create(&layout).unwrap();
            let found = database.read(workload::check).unwrap();
            let lost: Vec<_> = known.acknowledged.difference(&found).collect();
            assert!(lost.is_empty(), "round {round}: acknowledged rows are lost: {lost:?}");
            database.close().unwrap();
            let rolled = roll_forward(&layout, &known, false, &layout.root.join(format!("rolled-{round}"))).unwrap();
            assert_eq!(rolled, found, "round {round}: backup {:?} and logs give other rows", known.backups);
        }
    }
    println!("{killed} kills, {} rows acknowledged, backups {:?}", known.acknowledged.len(), known.backups);
    assert!(killed >= 50, "only {killed} kills");
    verify(&layout, &known).unwrap();
}
