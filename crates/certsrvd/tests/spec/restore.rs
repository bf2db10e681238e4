use std::fs;
use std::path::Path;

use csra::Hresult;
use csra::call::{BackupEnd, BackupGetAttachmentInformation, BackupGetBackupLogs, BackupTruncateLogs};
use csra::restore::{Instruction, MapEntry, Registration, Until};

use crate::network::{Session, place};
use crate::place::{Place, request};

/// A set of a CA that has issued `before` certificates when it is made, and `after` of them since.
struct Scene {
    place: Place,
    generations: (u32, u32),
}

fn scene(before: usize, after: usize) -> Scene {
    let place = place(&["operator"]);
    fs::write(place.path("csr"), request("/CN=x", &[])).unwrap();
    let server = place.serve();
    let issue = |count| {
        for _ in 0..count {
            place.ok(&["request", "submit", place.path("csr").to_str().unwrap()]);
        }
    };
    issue(before);
    let mut session = Session::open(&server, "operator");
    session.prepare(0).unwrap();
    let databases = session.call(&BackupGetAttachmentInformation).unwrap();
    session.store(&databases, &place.path("set"));
    let logs = session.call(&BackupGetBackupLogs).unwrap();
    let generations = session.store(&logs, &place.path("set"));
    session.call(&BackupTruncateLogs).unwrap();
    session.call(&BackupEnd).unwrap();
    issue(after);
    server.kill();
    Scene { generations: (generations[0], *generations.last().unwrap()), place }
}

impl Scene {
    fn registration(&self, database: &Path) -> Registration {
        Registration {
            map: vec![MapEntry {
                old: r"\\ca01\CertSrv$\DataBase\Test CA.db".into(),
                new: database.display().to_string(),
            }],
            backup_log_directory: Some(self.place.path("set").display().to_string()),
            ..Registration::of_generations(self.generations.0, self.generations.1).unwrap()
        }
    }

    /// Puts the copy of the set in the place of the database, as a restore program does, and registers that.
    fn restore_in_place(&self, until: Option<Until>) {
        let database = self.place.layout().database().join("Test CA.db");
        fs::copy(self.place.path("set").join("Test CA.db"), &database).unwrap();
        self.register(&database, until);
    }

    fn register(&self, database: &Path, until: Option<Until>) {
        let mut instruction = Instruction::new("2026-03-01T12:00:00Z");
        instruction.set_until(until);
        instruction.register(self.registration(database)).unwrap();
        instruction.complete(Ok(())).unwrap();
        self.write(&instruction);
    }

    fn write(&self, instruction: &Instruction) {
        fs::write(self.place.layout().restore_instruction(), instruction.to_json().unwrap()).unwrap();
    }

    fn certificates(&self) -> usize {
        // The CA's own is not counted.
        self.place.json(&["certificate", "list"])["certificates"].as_array().unwrap().len() - 1
    }

    fn done(&self) -> usize {
        let names = fs::read_dir(self.place.data()).unwrap().map(|entry| entry.unwrap().file_name());
        names.filter(|name| name.to_string_lossy().starts_with("restore-done-")).count()
    }
}

#[test]
fn a_completed_restore_is_carried_out_and_rolls_forward_to_the_last_certificate() {
    let scene = scene(2, 3);
    scene.restore_in_place(None);
    let server = scene.place.serve();
    assert_eq!(scene.certificates(), 5);
    assert!(!scene.place.layout().restore_instruction().exists());
    assert_eq!(scene.done(), 1);
    let (started, ended) = (scene.place.audited("restore_started"), scene.place.audited("restore_ended"));
    assert_eq!((started.len(), ended.len(), &ended[0]["outcome"]), (1, 1, &serde_json::json!("recovered")));

    let mut session = Session::open(&server, "operator");
    assert_eq!(session.prepare(1), Err(0xC800_0230), "the next backup must be full");
    session.prepare(0).unwrap();
    assert!(server.terminate().success());
    scene.place.serve().terminate();
    assert_eq!(scene.done(), 1, "once");
}

#[test]
fn a_restore_can_be_registered_in_the_terms_of_the_locations_list() {
    let scene = scene(2, 1);
    let layout = scene.place.layout();
    let database = layout.database().join("Test CA.db");
    fs::copy(scene.place.path("set").join("Test CA.db"), &database).unwrap();
    for entry in fs::read_dir(scene.place.path("set")).unwrap() {
        let file = entry.unwrap();
        if file.file_name().to_string_lossy().starts_with("edb") {
            fs::copy(file.path(), scene.place.data().join("log").join(file.file_name())).unwrap();
        }
    }
    let in_terms_of_the_list = |log_directory: &str, backup_log_directory: &str| {
        let mut instruction = Instruction::new("2026-03-01T12:00:00Z");
        let name = r"\\ca01\CertSrv$\DataBase\Test CA.db".to_owned();
        let registration = Registration {
            checkpoint_directory: Some(r"\\ca01\CertSrv$\DataBase".into()),
            log_directory: Some(log_directory.into()),
            map: vec![MapEntry { old: name.clone(), new: name }],
            backup_log_directory: Some(backup_log_directory.into()),
            ..scene.registration(&database)
        };
        instruction.register(registration).unwrap();
        instruction.complete(Ok(())).unwrap();
        scene.write(&instruction);
    };

    let log = r"\\ca01\CertSrv$\Log";
    for (log_directory, backup_log_directory) in [(r"\\ca01\Elsewhere\Log", log), (log, r"\\ca01\CertSrv$\DataBase")] {
        in_terms_of_the_list(log_directory, backup_log_directory);
        assert_eq!(scene.place.fails(&["serve"]).0, 17, "{log_directory} {backup_log_directory}");
    }
    in_terms_of_the_list(log, log);
    let _server = scene.place.serve();
    assert_eq!((scene.certificates(), scene.done()), (3, 1));
}

#[test]
fn a_restore_up_to_a_generation_stops_there() {
    let scene = scene(2, 3);
    scene.restore_in_place(Some(Until::Generation(scene.generations.1)));
    let _server = scene.place.serve();
    assert_eq!(scene.certificates(), 2);
}

#[test]
fn the_copy_can_lie_in_another_place() {
    let scene = scene(1, 1);
    let copy = scene.place.path("set").join("Test CA.db");
    let before = fs::read(&copy).unwrap();
    scene.register(&copy, None);
    let _server = scene.place.serve();
    assert_eq!(scene.certificates(), 2);
    assert_eq!(fs::read(&copy).unwrap(), before, "it is only read");
}

#[test]
fn a_registered_restore_that_is_not_completed_keeps_the_server_from_starting() {
    let scene = scene(1, 0);
    let mut instruction = Instruction::new("2026-03-01T12:00:00Z");
    instruction.register(scene.registration(&scene.place.path("set").join("Test CA.db"))).unwrap();
    scene.write(&instruction);
    let (code, said) = scene.place.fails(&["serve"]);
    assert_eq!(code, 14, "{said}");
    assert!(said.contains("registered") && said.contains("not completed"), "{said}");

    instruction.complete(Err(Hresult::FAIL)).unwrap();
    scene.write(&instruction);
    let (code, said) = scene.place.fails(&["serve"]);
    assert_eq!(code, 14, "{said}");
    assert!(said.contains("has failed"), "{said}");

    // Nor does another command touch the database behind its back.
    assert_eq!(scene.place.fails(&["crl", "publish"]).0, 14);
    fs::remove_file(scene.place.layout().restore_instruction()).unwrap();
    scene.place.serve().terminate();
    assert_eq!(scene.certificates(), 1);
}

#[test]
fn who_gives_a_restore_up_is_told_to_move_the_database_back_too() {
    let scene = scene(1, 0);
    let mut instruction = Instruction::new("2026-03-01T12:00:00Z");
    let database = scene.place.layout().database();
    instruction.register(scene.registration(&database.join("Test CA.db"))).unwrap();
    scene.write(&instruction);
    for command in [&["serve"][..], &["status"]] {
        let (_, said) = scene.place.fails(command);
        assert!(said.contains("move that file away") && !said.contains("before-restore"), "{said}");
    }

    // As cabak does it: the database aside, the copy in its place.
    let aside = scene.place.data().join("database.before-restore-2026-03-01T120000Z");
    fs::create_dir(scene.place.data().join("database.before-restore-2026-02-01T120000Z")).unwrap();
    fs::rename(&database, &aside).unwrap();
    fs::create_dir(&database).unwrap();
    fs::copy(scene.place.path("set").join("Test CA.db"), database.join("Test CA.db")).unwrap();
    let expected = format!("replace {} with {}", database.display(), aside.display());
    for command in [&["serve"][..], &["status"]] {
        let (code, said) = scene.place.fails(command);
        assert_eq!(code, 14, "{said}");
        assert!(said.contains("move that file away") && said.contains(&expected), "{said}");
    }

    fs::remove_file(scene.place.layout().restore_instruction()).unwrap();
    fs::remove_dir_all(&database).unwrap();
    fs::rename(&aside, &database).unwrap();
    scene.place.serve().terminate();
    assert_eq!(scene.certificates(), 1);
}

#[test]
fn an_instruction_that_cannot_be_read_keeps_the_server_from_starting() {
    let scene = scene(1, 0);
    fs::write(scene.place.layout().restore_instruction(), "{}").unwrap();
    assert_eq!(scene.place.fails(&["serve"]).0, 16);
}

#[test]
fn the_database_of_another_ca_is_not_taken() {
    let scene = scene(1, 0);
    let mut registration = scene.registration(&scene.place.path("set").join("Test CA.db"));
    registration.map[0].old = r"\\ca02\CertSrv$\DataBase\Another CA.db".into();
    let mut instruction = Instruction::new("2026-03-01T12:00:00Z");
    instruction.register(registration).unwrap();
    instruction.complete(Ok(())).unwrap();
    scene.write(&instruction);
    let (code, said) = scene.place.fails(&["serve"]);
    assert_eq!(code, 17, "{said}");
    assert!(said.contains("the restored database is that of another CA"), "{said}");
    fs::remove_file(scene.place.layout().restore_instruction()).unwrap();
    scene.place.serve().terminate();
    assert_eq!(scene.certificates(), 1);
}

#[test]
fn a_restore_that_cannot_be_carried_out_replaces_nothing() {
    let scene = scene(2, 1);
    let live = scene.place.layout().database().join("Test CA.db");
    let aside = scene.place.path("aside.db");
    fs::copy(&live, &aside).unwrap();
    let log = scene.place.path("set").join(certdb::Generation(scene.generations.0).file_name());
    let mut bytes = fs::read(&log).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&log, bytes).unwrap();
    scene.register(&scene.place.path("set").join("Test CA.db"), None);
    let (code, said) = scene.place.fails(&["serve"]);
    assert_eq!(code, 17, "{said}");
    assert_eq!(fs::read(&live).unwrap(), fs::read(&aside).unwrap());
    assert_eq!(scene.place.audited("restore_ended")[0]["outcome"], "failed");
    assert!(scene.place.layout().restore_instruction().exists(), "it is still registered");

    fs::remove_file(&log).unwrap();
    let (code, said) = scene.place.fails(&["serve"]);
    assert_eq!(code, 17, "{said}");
    assert!(said.contains("is missing"), "{said}");

    fs::remove_file(scene.place.layout().restore_instruction()).unwrap();
    let _server = scene.place.serve();
    assert_eq!(scene.certificates(), 3, "given up: the database is as it was");
}

#[test]
fn a_restore_goes_on_where_a_crash_interrupted_it() {
    // After the copy was brought aside.
    let one = scene(1, 2);
    one.restore_in_place(None);
    let database = one.place.layout().database().join("Test CA.db");
    fs::rename(&database, database.with_extension("db.restored")).unwrap();
    let wal = one.place.layout().database().join("Test CA.db-wal");
    fs::rename(&wal, one.place.layout().database().join("Test CA.db.restored-wal")).unwrap();
    one.place.serve().terminate();
    assert_eq!((one.certificates(), one.done()), (3, 1));

    // After everything but the last rename.
    let two = scene(1, 2);
    two.restore_in_place(None);
    two.place.serve().terminate();
    let done = fs::read_dir(two.place.data()).unwrap().map(|entry| entry.unwrap().path());
    let done = done.into_iter().find(|path| path.to_string_lossy().contains("restore-done-")).unwrap();
    fs::rename(&done, two.place.layout().recovered_instruction()).unwrap();
    assert_eq!(two.place.fails(&["crl", "publish"]).0, 14);
    two.place.serve().terminate();
    assert_eq!((two.certificates(), two.done()), (3, 1));
}

#[test]
fn the_number_of_the_list_does_not_fall_after_a_restore_to_an_earlier_time() {
    let scene = scene(1, 1);
    {
        let _server = scene.place.serve();
        for _ in 0..3 {
            scene.place.ok(&["crl", "publish"]);
        }
    }
    scene.restore_in_place(Some(Until::Generation(scene.generations.1)));
    let _server = scene.place.serve();
    assert_eq!(scene.certificates(), 1);
    assert_eq!(scene.place.json(&["crl", "publish"])["number"], 5);
}
