//! Sets of Windows CAs: composed ones, seen through the program.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use testkit::ese::{Authority, BackupSet, CaDatabase, Certificate, Format, Part, Request};

use crate::contents::{cabak, events, failure, str, text};

type Material = (Vec<(Request, Certificate)>, Vec<u8>);

/// What a CA signed: requests and certificates in their order, and a revocation list.
fn material() -> &'static Material {
    static MATERIAL: OnceLock<Material> = OnceLock::new();
    MATERIAL.get_or_init(|| {
        let authority = Authority::new("Lab CA", Duration::from_secs(100 * 3600)).unwrap();
        let material = (0..60).map(|number| authority.material(number).unwrap()).collect();
        (material, authority.revocation_list(1).unwrap())
    })
}

/// Of the CA's material, the beginning.
fn first(count: usize) -> &'static [(Request, Certificate)] {
    &material().0[..count]
}

fn set(format: Format, requests: usize) -> BackupSet {
    CaDatabase::sample(format, "Lab CA", 4, first(requests), &material().1)
}

/// The set that most tests look at, in a folder; nobody changes it.
fn folder() -> &'static Path {
    static FOLDER: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    let (_, path) = FOLDER.get_or_init(|| {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("set");
        set(Format::SERVER_2022, 50).write(&path).unwrap();
        (directory, path)
    });
    path
}

/// A folder of its own with a set that somebody has damaged.
fn damaged(damage: impl FnOnce(&mut BackupSet)) -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("set");
    let mut set = set(Format::SERVER_2022, 50);
    damage(&mut set);
    set.write(&path).unwrap();
    (directory, path)
}

fn verdict(path: &Path, code: i32) -> Value {
    events(&["verify", str(path)], "result", code).remove(0)
}

fn codes(path: &Path, code: i32) -> Vec<(String, i64)> {
    let finding = |event: Value| (event["file"].as_str().unwrap().to_owned(), event["code"].as_i64().unwrap());
    events(&["verify", str(path)], "finding", code).into_iter().map(finding).collect()
}

#[test]
fn a_whole_set_is_restorable_and_says_what_was_proved() {
    let result = verdict(folder(), 0);
    assert_eq!(result["verdict"], "restorable");
    let replayed = &result["replayed"];
    assert!(replayed["applied"].as_u64().unwrap() > 100, "{result}");
    assert_eq!(replayed["rolled_back"], 1);
    assert!(replayed["rows"].as_u64().unwrap() > 49 * 3, "{result}");
    assert!(text(&["verify", str(folder())], 0).contains("restorable"));
}

#[test]
fn sets_of_every_version_and_page_size_are_restorable_and_readable() {
    for format in [
        Format::SERVER_2019,
        Format::SERVER_2025,
        Format::SERVER_2022.with_page_size(8192),
        Format::SERVER_2022.with_page_size(0x4000),
        Format::SERVER_2025.with_page_size(0x8000),
    ] {
        let directory = tempfile::tempdir().unwrap();
        set(format, 30).write(directory.path()).unwrap();
        assert_eq!(verdict(directory.path(), 0)["verdict"], "restorable", "{format:?}");
        let rows = events(&["certs", str(directory.path()), "--all"], "certificate", 0);
        // The last request was never committed.
        assert_eq!(rows.len(), 29, "{format:?}");
    }
}

#[test]
fn certificates_that_are_only_in_the_logs_are_listed_and_what_never_committed_is_not() {
    let rows = events(&["certs", str(folder()), "--all"], "certificate", 0);
    let ids: Vec<i64> = rows.iter().map(|row| row["id"].as_i64().unwrap()).collect();
    assert_eq!(ids, (1..=49).collect::<Vec<_>>());
    let last = &rows[48];
    assert_eq!(
        (last["disposition"].as_str(), last["serial"].as_str()),
        (Some("revoked"), Some(first(49)[48].1.serial.as_str()))
    );
    // Without its logs the copy is not the whole truth.
    let directory = tempfile::tempdir().unwrap();
    let copy = directory.path().join("Lab CA.edb");
    std::fs::copy(folder().join("DataBase/Lab CA.edb"), &copy).unwrap();
    let output = cabak(&["certs", str(&copy), "--all", "--csv"]);
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(errors.contains("logs") || !output.status.success(), "{errors}");
    assert!(String::from_utf8(output.stdout).unwrap().lines().count() < 50);
}

#[test]
fn filters_details_lists_logs_and_locations_work_on_a_windows_set() {
    let set = str(folder());
    let revoked = events(&["certs", set, "--where", "disposition=revoked"], "certificate", 0);
    assert_eq!(revoked.len(), 5);
    assert_eq!(events(&["certs", set, "--where", "requester~alice and template=WebServer"], "certificate", 0).len(), 0);
    let shown = text(&["show", set, "1"], 0);
    for part in
        ["www0.contoso.example", "CONTOSO\\web$", "-----BEGIN CERTIFICATE-----", "CertificateTemplate", "WebServer"]
    {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let serial = format!("serial:{}", first(1)[0].1.serial);
    assert!(text(&["show", set, &serial], 0).contains("www0.contoso.example"));
    assert!(!events(&["crls", set], "crl", 0).is_empty());
    let logs = events(&["logs", set], "log", 0);
    assert!(logs.len() > 1 && logs[0]["created"].as_str().unwrap().starts_with("20"), "{logs:?}");
    assert!(text(&["locations", set], 0).contains("CertLog"));
}

#[test]
fn a_windows_set_exports_to_sqlite() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("ca.sqlite");
    text(&["export", str(folder()), "--sqlite", str(&file)], 0);
    let database = rusqlite::Connection::open(&file).unwrap();
    let count = |table: &str| -> i64 {
        database.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
    };
    assert_eq!((count("Requests"), count("RequestAttributes"), count("CRLs")), (49, 49, 4));
    let requester: String =
        database.query_row("SELECT RequesterName FROM Requests WHERE RequestID = 10", [], |row| row.get(0)).unwrap();
    assert_eq!(requester, "CONTOSO\\web$");
}

#[test]
fn two_windows_sets_are_compared() {
    let directory = tempfile::tempdir().unwrap();
    set(Format::SERVER_2022, 30).write(directory.path()).unwrap();
    let changes = events(&["diff", str(directory.path()), str(folder())], "difference", 4);
    let issued = changes.iter().filter(|change| change["kind"] == "issued").count();
    assert!(issued > 5, "{changes:?}");
    assert_eq!(events(&["diff", str(folder()), str(folder())], "difference", 0).len(), 0);
    // The other way around numbers went back.
    let back = events(&["diff", str(folder()), str(directory.path())], "difference", 4);
    assert!(back.iter().any(|change| change["kind"] == "deleted" || change["kind"] == "rollback"), "{back:?}");
}

#[test]
fn damage_has_the_code_of_windows_and_an_exit_code() {
    type Damage = Box<dyn FnOnce(&mut BackupSet)>;
    let log = |index: usize| move |set: &BackupSet| *set.logs.keys().nth(index).unwrap();
    let cases: Vec<(&str, i32, i64, Damage)> = vec![
        (
            "two bits of a page",
            21,
            -1018,
            Box::new(|set| {
                set.flip(Part::Database, 8 * 4096 * 10 + 500);
                set.flip(Part::Database, 8 * 4096 * 10 + 900);
            }),
        ),
        ("pages swapped", 21, -1018, Box::new(|set| set.swap_pages(4, 5))),
        ("the trailer cut", 21, -535, Box::new(|set| set.cut(Part::Database, 4096))),
        (
            "both headers",
            21,
            -1206,
            Box::new(|set| {
                set.flip(Part::Database, 8 * 100);
                set.flip(Part::Database, 8 * 4200);
            }),
        ),
        ("the first log missing", 21, -554, Box::new(move |set| drop(set.remove_log(log(0)(set))))),
        ("a log in between missing", 21, -557, Box::new(move |set| drop(set.remove_log(log(1)(set))))),
        ("two logs swapped", 21, -513, Box::new(move |set| set.swap_logs(log(0)(set), log(1)(set)))),
        ("a log cut", 21, -541, Box::new(move |set| set.cut(Part::Log(log(0)(set)), 4096))),
        (
            "two bits of a segment",
            21,
            -573,
            Box::new(move |set| {
                let part = Part::Log(log(0)(set));
                set.flip(part, 8 * 4096 * 2 + 600);
                set.flip(part, 8 * 4096 * 2 + 901);
            }),
        ),
    ];
    for (name, exit, code, damage) in cases {
        let (_directory, path) = damaged(damage);
        let found = codes(&path, exit);
        assert!(found.iter().any(|(_, found)| *found == code), "{name}: {found:?}");
    }
}

#[test]
fn rows_that_logs_would_add_are_missed_aloud() {
    let whole = events(&["certs", str(folder()), "--all"], "certificate", 0).len();
    let directory = tempfile::tempdir().unwrap();
    for (index, gone) in [0, 1, usize::MAX].into_iter().enumerate() {
        let path = directory.path().join(index.to_string());
        let mut set = set(Format::SERVER_2022, 50);
        let generations: Vec<u32> = set.logs.keys().copied().collect();
        set.remove_log(generations[gone.min(generations.len() - 1)]);
        set.write(&path).unwrap();
        for command in
            [&["certs", str(&path), "--all"][..], &["crls", str(&path)], &["diff", str(&path), str(folder())]]
        {
            let output = cabak(command);
            let error = String::from_utf8(output.stderr).unwrap();
            // Without its first logs the copy contradicts itself, and may not be readable at all.
            let codes = if gone == usize::MAX { &[3][..] } else { &[3, 21] };
            assert!(output.status.code().is_some_and(|code| codes.contains(&code)), "{command:?}: {error}");
            assert!(error.contains("is missing"), "{command:?}: {error}");
        }
        if gone == usize::MAX {
            assert!(events(&["certs", str(&path), "--all"], "certificate", 3).len() < whole);
        }
        failure(&["recover", str(&path), "--to", str(&directory.path().join("new.edb"))], 21);
        // One thing is wrong, and not all that follows from it.
        assert_eq!(codes(&path, 21).len(), 1, "{:?}", codes(&path, 21));
    }
}

#[test]
fn a_last_log_of_zeros_is_damage() {
    let (_directory, path) = damaged(|set| {
        let log = set.logs.values_mut().next_back().unwrap();
        log[4096..].fill(0);
    });
    assert!(codes(&path, 21).iter().any(|(_, code)| *code == -573));
    assert_eq!(cabak(&["certs", str(&path)]).status.code(), Some(3));
}

#[test]
fn a_map_that_does_not_decode_is_told() {
    for bytes in [&b""[..], &[0; 300], b"odd"] {
        let directory = tempfile::tempdir().unwrap();
        set(Format::SERVER_2022, 30).write(directory.path()).unwrap();
        std::fs::write(directory.path().join("DataBase/certbkxp.dat"), bytes).unwrap();
        assert_eq!(codes(directory.path(), 0), [("certbkxp.dat".to_owned(), 0x8007_010B)], "{bytes:?}");
    }
}

#[test]
fn sets_of_different_authorities_are_compared_with_a_warning() {
    let directory = tempfile::tempdir().unwrap();
    let other = CaDatabase::sample(Format::SERVER_2022, "Other CA", 5, first(30), &material().1);
    other.write(directory.path()).unwrap();
    let output = cabak(&["diff", str(folder()), str(directory.path())]);
    assert!(String::from_utf8(output.stderr).unwrap().contains("different CAs, by their names: Lab CA and Other CA"));
}

#[test]
fn one_wrong_bit_is_named_and_stops_nothing() {
    let (_directory, path) = damaged(|set| set.flip(Part::Database, 8 * 4096 * 10 + 500));
    let finding = events(&["verify", str(&path)], "finding", 0).remove(0);
    assert_eq!((finding["code"].as_i64(), finding["stops"].as_bool()), (Some(-1018), Some(false)));
    assert_eq!(finding["offset"].as_i64(), Some(4096 * 10 + 500 / 8));
}

#[test]
fn a_lost_write_is_found_by_the_replay_alone() {
    // A page of the copy as it was before the logs begin, with a sum that fits: no checksum shows that. Where the logs never
    // touch the page again, only the trees can tell.
    let (earlier, set) = set_with_an_earlier_state();
    let range = |page: usize| (page + 1) * 4096..(page + 2) * 4096;
    let changed = |page: &usize| {
        let (old, new) = (earlier.get(range(*page)), set.database.get(range(*page)));
        old.is_some_and(|old| old[8..12] != [0; 4]) && old != new
    };
    let candidates: Vec<usize> = (4..80).filter(changed).collect();
    assert!(candidates.len() > 5, "{candidates:?}");
    let mut lost = 0;
    for page in candidates {
        let directory = tempfile::tempdir().unwrap();
        let mut set = set.clone();
        set.database[range(page)].copy_from_slice(&earlier[range(page)]);
        set.write(directory.path()).unwrap();
        assert_eq!(events(&["verify", str(directory.path()), "--hashes-only"], "finding", 0).len(), 0, "page {page}");
        let output = cabak(&["verify", str(directory.path()), "--json"]);
        if String::from_utf8(output.stdout).unwrap().contains("\"code\":-566") {
            assert_eq!(output.status.code(), Some(21), "page {page}");
            lost += 1;
        }
    }
    assert!(lost > 3, "{lost} pages");
}

/// A set, and the database before the first of its logs.
fn set_with_an_earlier_state() -> (Vec<u8>, BackupSet) {
    let mut ca = CaDatabase::create(Format::SERVER_2022, "Lab CA", 4);
    let mut earlier = Vec::new();
    for (index, (request, certificate)) in first(40).iter().enumerate() {
        let id = ca.submit(request);
        ca.issue(id, certificate, request.submitted);
        if index == 15 {
            ca.engine.flush(1, 1);
            earlier = ca.engine.database_file();
        }
    }
    ca.engine.roll_over();
    ca.engine.flush(1, 1);
    let mut backup = ca.engine.begin_backup();
    ca.engine.read_pages(&mut backup, u32::MAX);
    for (request, certificate) in &first(60)[40..] {
        let id = ca.submit(request);
        ca.issue(id, certificate, request.submitted);
    }
    (earlier, ca.engine.finish_backup(backup))
}

#[test]
fn damage_behind_what_the_copy_needs_leaves_a_set_restorable_to_a_log() {
    let directory = tempfile::tempdir().unwrap();
    let mut whole = set(Format::SERVER_2022, 50);
    let last = *whole.logs.keys().last().unwrap();
    // A log that somebody put behind the set, of another time.
    let foreign = CaDatabase::sample(Format::SERVER_2022, "Lab CA", 5, first(50), &material().1);
    let mut log = foreign.logs.values().next().unwrap().clone();
    let mut header = ese::log::LogHeader::parse(&log).unwrap();
    header.generation = last + 1;
    log[..4096].copy_from_slice(&header.to_bytes());
    whole.logs.insert(last + 1, log);
    whole.write(directory.path()).unwrap();
    let result = verdict(directory.path(), 23);
    assert_eq!((result["verdict"].as_str(), result["generation"].as_u64()), (Some("restorable_to"), Some(last.into())));
}

#[test]
fn what_is_no_backup_is_called_so() {
    let directory = tempfile::tempdir().unwrap();
    let logs = directory.path().join("logs");
    std::fs::create_dir(&logs).unwrap();
    for entry in std::fs::read_dir(folder().join("DataBase")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "log") {
            std::fs::copy(&path, logs.join(path.file_name().unwrap())).unwrap();
        }
    }
    assert_eq!(verdict(&logs, 24)["verdict"], "not_a_backup");
    let empty = directory.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    failure(&["verify", str(&empty)], 24);
    std::fs::write(empty.join("letter.txt"), "Dear CA").unwrap();
    failure(&["verify", str(&empty.join("letter.txt"))], 24);
}

#[test]
fn a_folder_that_certutil_refuses_is_recognised() {
    let inside = folder().join("DataBase");
    let notes = codes(&inside, 0);
    assert_eq!(notes, [("DataBase".to_owned(), 0x8007_010B)]);
    let directory = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(&inside).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().replace("Lab CA.edb", "Lab CA.bak");
        if name != "certbkxp.dat" {
            std::fs::copy(&path, directory.path().join(name)).unwrap();
        }
    }
    let notes = codes(directory.path(), 0);
    assert_eq!(notes.len(), 3, "{notes:?}");
    assert!(notes.iter().all(|(_, code)| *code == 0x8007_010B), "{notes:?}");
}

#[test]
fn a_recovered_database_is_whole_and_needs_no_logs() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("recovered.edb");
    text(&["recover", str(folder()), "--to", str(&file)], 0);
    assert_eq!(events(&["certs", str(&file), "--all"], "certificate", 0).len(), 49);
    let result = verdict(&file, 24);
    assert_eq!(result["verdict"], "not_a_backup");
    assert_eq!(result["replayed"]["applied"], 0);
    // Nothing is replaced.
    failure(&["recover", str(folder()), "--to", str(&file)], 2);
}

#[test]
fn a_set_that_does_not_recover_is_written_only_when_asked() {
    let (directory, path) = damaged(|set| {
        let part = Part::Log(*set.logs.keys().nth(1).unwrap());
        set.flip(part, 8 * 4096 * 2 + 600);
        set.flip(part, 8 * 4096 * 2 + 901);
    });
    let file = directory.path().join("recovered.edb");
    failure(&["recover", str(&path), "--to", str(&file)], 21);
    assert!(!file.exists());
    text(&["recover", str(&path), "--to", str(&file), "--partial"], 3);
    assert!(file.exists());
}
