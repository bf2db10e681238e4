//! The simulator itself: what the shim sees, and what the model makes of it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use testkit::crash::{Disk, Failing, Failure, FailureMode, Image, Journal, Loss, Operation, Shim};
use testkit::temp;

const LOSSES: [Loss; 7] =
    [Loss::Everything, Loss::Nothing, Loss::Data, Loss::Names, Loss::Tail, Loss::Torn, Loss::Garbage];

#[test]
fn the_journal_of_a_program_rebuilds_its_directory() {
    let shell =
        "printf one > a; printf two >> a; mkdir d; cp a d/b; mv d/b d/c; cat a a > e; rm e; truncate -s 2 a; mv d f";
    let run = Run::shell(shell, |_| {});
    let mut disk = Disk::empty();
    disk.advance(&run.journal, usize::MAX).unwrap();
    assert_eq!(disk.current(), Image::read(&run.watched).unwrap());
    assert_eq!(disk.current().files, files(&[("a", "on"), ("f/c", "onetwo")]));
    assert_eq!(disk.image(Loss::Everything, 0), Image::default());
}

#[test]
fn marks_stand_between_the_operations_around_them() {
    let run = Run::shell("printf one > a; printf seen > ../marks; printf two > b", |_| {});
    let text: Vec<String> = run
        .journal
        .operations
        .iter()
        .filter_map(|operation| match operation {
            Operation::Mark(text) => Some(text.clone()),
            Operation::Write { data, .. } => Some(String::from_utf8(data.to_vec()).unwrap()),
            _ => None,
        })
        .collect();
    assert_eq!(text, ["one", "seen", "two"]);
}

#[test]
fn an_ignored_fsync_succeeds_and_leaves_no_trace() {
    let shell = "printf one > a; sync a; printf two > b; sync b; sync .";
    let synced = |run: &Run| {
        run.journal.operations.iter().filter(|operation| matches!(operation, Operation::Sync { .. })).count()
    };
    assert_eq!(synced(&Run::shell(shell, |_| {})), 2);
    let cheated = Run::shell(shell, |command| Shim::ignore_sync(command, "x|b|./"));
    assert_eq!(synced(&cheated), 1);
    assert!(!cheated.journal.operations.iter().any(|operation| matches!(operation, Operation::SyncDirectory { .. })));
}

#[test]
fn calls_fail_as_told() {
    let failing = |operation, nth, mode, shell: &str| {
        let failure = Failure { operation, patterns: "*".to_owned(), nth, errno: 28 /* ENOSPC */, mode };
        Run::shell(shell, |command| Shim::fail(command, std::slice::from_ref(&failure)))
    };
    let text = |run: &Run| run.errors.clone();
    let run = failing(Failing::Write, 2, FailureMode::Once, "echo aa > a; echo bb > b; echo cc > c");
    assert!(text(&run).contains("I/O error"), "{}", text(&run));
    assert_eq!(Image::read(&run.watched).unwrap().files, files(&[("a", "aa\n"), ("b", ""), ("c", "cc\n")]));

    let run = failing(Failing::Write, 2, FailureMode::Forever, "echo aa > a; echo bb > b; echo cc > c");
    assert_eq!(Image::read(&run.watched).unwrap().files, files(&[("a", "aa\n"), ("b", ""), ("c", "")]));

    let run = failing(Failing::Write, 1, FailureMode::Short, "printf abcdef > x; printf gh > y");
    assert_eq!(Image::read(&run.watched).unwrap().files["x".as_ref() as &Path], b"abc");

    let run = failing(Failing::Rename, 1, FailureMode::Once, "echo aa > a; mv a b");
    assert!(text(&run).contains("No space left"), "{}", text(&run));

    let run = failing(Failing::Sync, 1, FailureMode::Once, "echo aa > a; sync a");
    assert!(run.journal.operations.iter().any(|operation| matches!(operation, Operation::SyncFailed { .. })));
}

#[test]
fn synced_data_and_names_survive_every_loss() {
    let mut script = Script::new();
    script.create("a", 1).write(1, 0, b"durable").sync(1).sync_directory("");
    script.write(1, 0, b"changed").create("b", 2).write(2, 0, b"new");
    for loss in LOSSES {
        for seed in 0..50 {
            let image = script.image(loss, seed);
            let content = &image.files[Path::new("a")];
            assert_eq!(content.len(), 7, "{loss:?}");
            match loss {
                Loss::Everything | Loss::Data => assert_eq!(content, b"durable"),
                Loss::Nothing | Loss::Names => assert_eq!(content, b"changed"),
                _ => {}
            }
            match loss {
                Loss::Everything | Loss::Names => assert!(!image.files.contains_key(Path::new("b"))),
                Loss::Data => assert_eq!(image.files[Path::new("b")], b""),
                Loss::Nothing => assert_eq!(image.files[Path::new("b")], b"new"),
                _ => {}
            }
        }
    }
}

#[test]
fn a_torn_write_changes_only_sectors_of_its_own() {
    let mut script = Script::new();
    script.create("a", 1).write(1, 0, &[1; 2048]).sync(1).sync_directory("").write(1, 100, &[2; 1500]);
    let mut seen = BTreeMap::new();
    for seed in 0..200 {
        let content = script.image(Loss::Torn, seed).files.remove(Path::new("a")).unwrap();
        assert!(
            content[..100].iter().chain(&content[1600..]).all(|byte| *byte == 1),
            "bytes outside of the write changed"
        );
        let sectors: Vec<u8> = [(100, 512), (512, 1024), (1024, 1536), (1536, 1600)]
            .iter()
            .map(|(start, end)| {
                assert!(content[*start..*end].iter().all(|byte| *byte == content[*start]), "a sector is torn inside");
                content[*start]
            })
            .collect();
        *seen.entry(sectors).or_insert(0) += 1;
    }
    assert_eq!(seen.len(), 16, "every combination of sectors shows up: {seen:?}");
    let garbage = (0..50).filter(|seed| {
        let content = script.image(Loss::Garbage, *seed).files.remove(Path::new("a")).unwrap();
        content[100..1600].iter().any(|byte| *byte > 2)
    });
    assert_eq!(garbage.count(), 50, "one sector holds garbage");
}

#[test]
fn a_rename_is_atomic_and_durable_with_its_directory() {
    let mut script = Script::new();
    script.create("old", 1).write(1, 0, b"old").sync(1).create("new", 2).write(2, 0, b"new").sync(2).sync_directory("");
    script.rename("new", "old");
    let names = |image: Image| {
        image.files.into_iter().map(|(path, content)| (path.display().to_string(), content[0])).collect::<Vec<_>>()
    };
    let before = vec![("new".to_owned(), b'n'), ("old".to_owned(), b'o')];
    let after = vec![("old".to_owned(), b'n')];
    assert_eq!(names(script.image(Loss::Everything, 0)), before);
    for seed in 0..20 {
        let image = names(script.image(Loss::Tail, seed));
        assert!(image == before || image == after, "{image:?}");
    }
    script.sync_directory("");
    assert_eq!(names(script.image(Loss::Everything, 0)), after);
}

#[test]
fn names_are_durable_per_directory_and_move_with_it() {
    let mut script = Script::new();
    script.make_directory("d").create("d/a", 1).sync(1).sync_directory("");
    assert_eq!(script.image(Loss::Everything, 0).directories.len(), 1);
    assert!(script.image(Loss::Everything, 0).files.is_empty(), "d itself was not synced");
    script.rename("d", "e").sync_directory("e").sync_directory("");
    assert_eq!(script.image(Loss::Everything, 0).files.into_keys().collect::<Vec<_>>(), [PathBuf::from("e/a")]);
    script.create("x", 2).rename("x", "e/x").sync_directory("e");
    let durable: Vec<PathBuf> = script.image(Loss::Everything, 0).files.into_keys().collect();
    assert_eq!(durable, [PathBuf::from("e/a"), PathBuf::from("e/x")]);
}

#[test]
fn an_fsync_after_a_failed_one_writes_nothing_older() {
    let mut script = Script::new();
    script.create("a", 1).sync_directory("").write(1, 0, b"12").operation(Operation::SyncFailed { inode: 1 });
    script.write(1, 2, b"34").sync(1);
    assert_eq!(script.image(Loss::Everything, 0).files[Path::new("a")], [0, 0, b'3', b'4']);
    assert_eq!(script.image(Loss::Nothing, 0).files[Path::new("a")], b"1234");
    script.write(1, 0, b"56").sync(1);
    assert_eq!(script.image(Loss::Everything, 0).files[Path::new("a")], b"5634");
}

/// A shell script that ran in a watched directory.
struct Run {
    _directory: tempfile::TempDir,
    watched: PathBuf,
    journal: Journal,
    errors: String,
}

impl Run {
    fn shell(script: &str, prepare: impl Fn(&mut Command)) -> Self {
        let directory = temp::directory().unwrap();
        let root = directory.path().canonicalize().unwrap();
        let watched = root.join("watched");
        fs::create_dir(&watched).unwrap();
        let mut command = Command::new("sh");
        command.arg("-c").arg(script).current_dir(&watched).env("LC_ALL", "C");
        let shim = Shim::build(&root).unwrap();
        shim.watch(&mut command, &watched).unwrap();
        Shim::journal(&mut command, &root.join("journal"), &root.join("marks"));
        prepare(&mut command);
        let output = command.output().unwrap();
        let errors = String::from_utf8(output.stderr).unwrap();
        assert!(!errors.contains("storage shim"), "{errors}");
        let journal = Journal::read(&root.join("journal")).unwrap();
        Self { _directory: directory, watched, journal, errors }
    }
}

fn files(expected: &[(&str, &str)]) -> BTreeMap<PathBuf, Vec<u8>> {
    expected.iter().map(|(path, content)| (PathBuf::from(path), content.as_bytes().to_vec())).collect()
}

/// A journal written by hand.
struct Script(Journal);

impl Script {
    fn new() -> Self {
        Self(Journal::default())
    }

    fn operation(&mut self, operation: Operation) -> &mut Self {
        self.0.operations.push(operation);
        self
    }

    fn create(&mut self, path: &str, inode: u64) -> &mut Self {
        self.operation(Operation::Open { path: path.into(), inode, created: true, truncated: false, modified: 0 })
    }

    fn write(&mut self, inode: u64, offset: u64, data: &[u8]) -> &mut Self {
        self.operation(Operation::Write { inode, offset, data: data.into(), modified: 0 })
    }

    fn sync(&mut self, inode: u64) -> &mut Self {
        self.operation(Operation::Sync { inode })
    }

    fn sync_directory(&mut self, path: &str) -> &mut Self {
        self.operation(Operation::SyncDirectory { path: path.into() })
    }

    fn rename(&mut self, from: &str, to: &str) -> &mut Self {
        self.operation(Operation::Rename { from: from.into(), to: to.into() })
    }

    fn make_directory(&mut self, path: &str) -> &mut Self {
        self.operation(Operation::MakeDirectory { path: path.into() })
    }

    fn image(&self, loss: Loss, seed: u64) -> Image {
        let mut disk = Disk::empty();
        disk.advance(&self.0, usize::MAX).unwrap();
        disk.image(loss, seed)
    }
}
