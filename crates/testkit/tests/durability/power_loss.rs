//! Power is lost behind any operation: nothing acknowledged is lost, and a backup rolls forward to the same rows.

use std::collections::BTreeSet;

use testkit::crash::{Disk, Image, Operation};

use crate::scene::{Known, Scene, assert_none, crashes, deaths, describe, every_loss, setting, verify_all};

#[test]
fn acknowledged_rows_survive_every_power_loss() {
    let scene = Scene::new();
    let journal = scene.recorded(scene.command(&["story"]));
    let known = Known::at(&journal, usize::MAX);
    assert_eq!((known.acknowledged.len(), known.adopted_rows.len()), (150, 15), "the story was told to its end");
    assert_eq!(known.backups, [0, 1]);

    let crashes = crashes(&journal, setting("DURABILITY_IMAGES", 500));
    assert!(crashes.len() >= 500, "only {} crashes", crashes.len());
    let failures = verify_all(&Image::default(), &journal, &crashes);
    println!("{} operations, {} images", journal.operations.len(), crashes.len());
    assert_none(&failures, crashes.len());
}

#[test]
fn acknowledged_rows_survive_a_death_between_any_two_steps() {
    let scene = Scene::new();
    let journal = scene.recorded(scene.command(&["story"]));
    let deaths = deaths(&journal);
    let failures = verify_all(&Image::default(), &journal, &deaths);
    println!("{} deaths", deaths.len());
    assert!(deaths.len() >= 100, "only {} deaths", deaths.len());
    assert_none(&failures, deaths.len());
}

/// Every loss at every step of an adoption: between the end of a recovery and the first acknowledgement after it.
#[test]
fn an_adoption_may_be_interrupted_anywhere() {
    let scene = Scene::new();
    let journal = scene.recorded(scene.command(&["story"]));
    let mark = |text: &str| journal.marks(usize::MAX).find(|(_, mark)| mark.trim() == text).unwrap().0;
    let window = mark("recovered")..mark("adopted");
    let points = journal.crash_points().into_iter().filter(|point| window.contains(point));
    let crashes = every_loss(points, 4);
    let failures = verify_all(&Image::default(), &journal, &crashes);
    println!("{} images of an adoption", crashes.len());
    assert_none(&failures, crashes.len());
}

/// The first page is in the write-ahead log until a checkpoint of it is synced: the copy in the database file may be garbage.
#[test]
fn the_first_page_may_be_torn_by_a_checkpoint() {
    let scene = Scene::new();
    let journal = scene.recorded(scene.command(&["story"]));
    let mut databases = BTreeSet::new();
    let mut points = Vec::new();
    for (index, operation) in journal.operations.iter().enumerate() {
        match operation {
            Operation::Open { path, inode, .. } if path.ends_with("data/ca.db") => _ = databases.insert(*inode),
            Operation::Write { inode, offset: 0, .. } if databases.contains(inode) => points.push(index),
            _ => {}
        }
    }
    assert!(points.len() >= 5, "only {} checkpoints", points.len());
    let crashes = every_loss(points.into_iter(), 4);
    let failures = verify_all(&Image::default(), &journal, &crashes);
    println!("{} images of a torn first page", crashes.len());
    assert_none(&failures, crashes.len());
}

/// The shim has seen everything: its journal, replayed, is the directory, to the byte.
#[test]
fn the_journal_of_the_story_is_complete() {
    let scene = Scene::new();
    let journal = scene.recorded(scene.command(&["story"]));
    let mut disk = Disk::empty();
    disk.advance(&journal, usize::MAX).unwrap();
    let (replayed, found) = (disk.current(), Image::read(&scene.layout().root).unwrap());
    assert_eq!(replayed.directories, found.directories);
    assert_eq!(replayed.files.keys().collect::<Vec<_>>(), found.files.keys().collect::<Vec<_>>());
    for (path, content) in &found.files {
        assert!(replayed.files[path] == *content, "{} differs", path.display());
    }
}

/// A second power loss while the first one is recovered from.
#[test]
fn recovery_may_be_interrupted_too() {
    let first = Scene::new();
    let journal = first.recorded(first.command(&["story"]));
    let crashes = crashes(&journal, 500);
    let mut images = 0;
    let mut failures = Vec::new();
    for earlier in crashes.iter().skip(11).step_by(crashes.len() / 14) {
        let mut disk = Disk::empty();
        disk.advance(&journal, earlier.point).unwrap();
        let image = disk.image(earlier.loss, earlier.seed);
        let known = Known::at(&journal, earlier.point);
        if !known.open {
            continue;
        }
        let second = Scene::new();
        image.write(&second.layout().root).unwrap();
        let reopened = second.recorded(second.command(&["check"]));
        let crashes: Vec<_> = crate::scene::crashes(&reopened, 12).into_iter().take(24).collect();
        images += crashes.len();
        let mut disk = Disk::holding(&image);
        for crash in crashes {
            disk.advance(&reopened, crash.point).unwrap();
            if let Err(error) = crate::scene::verify_image(&disk.image(crash.loss, crash.seed), &known) {
                let operation = describe(&reopened.operations[crash.point]);
                failures.push(format!("{earlier:?}, then {crash:?} after {operation}: {error:#}"));
            }
        }
    }
    println!("{images} images");
    assert!(images >= 100, "only {images} images");
    assert_none(&failures, images);
}
