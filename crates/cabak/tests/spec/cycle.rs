//! cabak and certsrvd together: the programs themselves, over the network.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use cabak::manifest::{Level, Manifest, Role};
use cabak::medium::{Folder, Set};
use serde_json::{Value, json};
use testkit::process::{Child, cdylib};

const PATIENCE: Duration = Duration::from_secs(60);

/// A CA with an account for backups, and what cabak says to it.
struct Ca {
    ca: testkit::ca::Ca,
    target: String,
}

impl Ca {
    /// Made, and started.
    fn start() -> Self {
        let ca = Ca::stopped();
        ca.serve()
    }

    fn stopped() -> Self {
        Ca { ca: testkit::ca::Ca::new().unwrap(), target: String::new() }
    }

    fn serve(mut self) -> Self {
        self.ca.start().unwrap();
        self.target = self.ca.target().to_owned();
        self
    }

    fn stop(mut self) -> Self {
        self.ca.stop().unwrap();
        self
    }

    fn path(&self, name: &str) -> String {
        self.ca.path(name).display().to_string()
    }

    fn sets(&self) -> PathBuf {
        self.ca.path("sets")
    }

    fn certsrvd(&self, args: &[&str]) {
        self.ca.certsrvd(args).unwrap();
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cabak"));
        command
            .args(args)
            .env("CABAK_USER", "backup")
            .env("CABAK_PASSWORD_FILE", self.path("password"))
            .env_remove("CABAK_PASSWORD")
            .stdin(Stdio::null());
        command
    }

    fn cabak(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// Runs with `--json`, and returns the exit code and the last event.
    fn json(&self, args: &[&str]) -> (i32, Value) {
        last_event(self.cabak(&[args, &["--json"]].concat()))
    }

    /// A backup over the functions of the shared library, which alone knows the account.
    fn loaded(&self, extra: &[&str]) -> Command {
        let library = cdylib("libcertadm", "certadm").unwrap();
        let (library, sets) = (library.to_str().unwrap(), self.path("sets"));
        let mut command = self.command(&["backup", &self.target, "--to", &sets, "--certadm", library, "--json"]);
        command
            .args(extra)
            .env_remove("CABAK_USER")
            .env_remove("CABAK_PASSWORD_FILE")
            .env("CERTADM_USER", "backup")
            .env("CERTADM_PASSWORD_FILE", self.path("password"));
        command
    }

    fn backup(&self, extra: &[&str]) -> (i32, Value) {
        let sets = self.path("sets");
        self.json(&[&["backup", &self.target, "--to", &sets], extra].concat())
    }

    fn latest(&self) -> String {
        self.sets().join("latest").display().to_string()
    }

    /// Enough content that a transfer takes a while.
    fn fill(&self, mebibytes: u32) {
        let options = certdb::Options {
            database_name: "Test CA.db".to_owned(),
            log_directory: self.ca.path("ca/log"),
            ..certdb::Options::default()
        };
        let database = certdb::Database::open(&self.ca.path("ca/database"), &options).unwrap();
        let result = database.write(move |transaction| -> certdb::rusqlite::Result<()> {
            transaction.execute_batch("CREATE TABLE filler (content BLOB)")?;
            for _ in 0..mebibytes {
                transaction.execute("INSERT INTO filler VALUES (randomblob(1048576))", [])?;
            }
            Ok(())
        });
        result.unwrap();
        database.close().unwrap();
    }
}

#[test]
fn from_the_first_look_to_the_restored_server() {
    let ca = Ca::start();
    assert_eq!(ca.json(&["ping", &ca.target]).0, 0);
    let (exit, result) = ca.json(&["preflight", &ca.target, "--to", &ca.path("sets")]);
    assert_eq!((exit, &result["ready"]), (0, &Value::Bool(true)));
    assert!(!ca.sets().exists(), "preflight changes nothing");
    assert_eq!(ca.backup(&["--incremental"]).0, 22, "there is no full backup yet");

    let (exit, full) = ca.backup(&["--truncate", "--dynamic-dir", &ca.path("ca/crl")]);
    assert_eq!((exit, full["verified"].as_str(), full["truncated"].as_bool()), (0, Some("replayed"), Some(true)));
    let (exit, incremental) = ca.backup(&["--incremental"]);
    assert_eq!((exit, &incremental["based_on"]), (0, &full["set"]));
    let listing = Folder::open(&ca.sets()).unwrap().list().unwrap();
    assert_eq!(listing.sets.len(), 2);
    assert!(listing.leftovers.is_empty());
    assert!(listing.sets.iter().all(|set| set.manifest().verification.level == Level::Replayed));
    assert!(listing.sets[0].path().join("Dynamic/Test CA.crl").is_file());
    assert!(listing.sets[0].path().join("CA/ca-0.crt").is_file());
    assert!(listing.sets[0].path().join("CA/ca-0.crl").is_file());
    let (exit, verified) = ca.json(&["verify", &ca.latest()]);
    assert_eq!((exit, verified["verified"].as_str()), (0, Some("replayed")));

    let data = ca.path("ca");
    assert_eq!(ca.json(&["restore", &ca.latest(), "--data-dir", &data]).0, 11, "the server is running");
    let ca = ca.stop();
    assert_eq!(ca.json(&["restore", &ca.latest(), "--data-dir", &data, "--dry-run"]).0, 0);
    assert!(!Path::new(&data).join("restore.json").exists());
    let dry = ca.cabak(&["restore", &ca.latest(), "--data-dir", &data, "--dry-run", "--quiet"]);
    assert!(dry.stdout.starts_with(b"plan for "), "the plan is the result: {:?}", String::from_utf8_lossy(&dry.stdout));
    // The disaster.
    std::fs::write(Path::new(&data).join("database/Test CA.db"), b"nothing of use").unwrap();
    let (exit, restored) = ca.json(&["restore", &ca.latest(), "--data-dir", &data]);
    assert_eq!((exit, &restored["set"]), (0, &incremental["set"]));
    let kept = Path::new(restored["kept"].as_str().unwrap()).join("Test CA.db");
    assert_eq!(std::fs::read(kept).unwrap(), b"nothing of use");

    let ca = ca.serve();
    assert_eq!(ca.json(&["ping", &ca.target]).0, 0);
    assert_eq!(ca.backup(&["--incremental"]).0, 22, "a restored server starts a new chain");
    assert_eq!(ca.backup(&[]).0, 0);
}

#[test]
fn a_restore_can_be_repeated_and_stopped_at_the_set() {
    let ca = Ca::start();
    assert_eq!(ca.backup(&[]).0, 0);
    let first = ca.latest();
    let name = Folder::open(&ca.sets()).unwrap().list().unwrap().sets[0].name().to_owned();
    assert_eq!(ca.backup(&["--incremental"]).0, 0);
    let ca = ca.stop();
    let data = ca.path("ca");
    let set = ca.sets().join(&name).display().to_string();
    assert_eq!(ca.json(&["restore", &set, "--data-dir", &data, "--no-roll-forward"]).0, 0);
    let quiet = ca.cabak(&["restore", &set, "--data-dir", &data, "--no-roll-forward", "--quiet"]);
    assert_eq!(quiet.status.code(), Some(0));
    let text = String::from_utf8(quiet.stdout).unwrap();
    assert!(text.starts_with(&format!("restored {name}; ")), "the result and nothing else: {text}");
    let instruction: Value =
        serde_json::from_slice(&std::fs::read(Path::new(&data).join("restore.json")).unwrap()).unwrap();
    assert_eq!(instruction["registrations"].as_array().unwrap().len(), 1);
    assert_eq!(instruction["until"]["generation"], instruction["registrations"][0]["generation_high"]);
    let ca = ca.serve();
    assert_eq!(ca.json(&["ping", &ca.target]).0, 0);
    drop(first);
}

#[test]
fn a_damaged_set_is_not_restored_and_nothing_is_touched() {
    let ca = Ca::start();
    assert_eq!(ca.backup(&[]).0, 0);
    let ca = ca.stop();
    let set = Folder::open(&ca.sets()).unwrap().list().unwrap().sets.remove(0);
    let file = set.path().join("DataBase/Test CA.db");
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    let data = ca.path("ca");
    let before = crate::sample::tree(Path::new(&data));
    assert_eq!(ca.json(&["verify", &ca.latest()]).0, 21);
    assert_eq!(ca.json(&["restore", &ca.latest(), "--data-dir", &data]).0, 21);
    assert_eq!(crate::sample::tree(Path::new(&data)), before);
}

#[test]
fn an_incremental_over_a_damaged_full_set_ends_with_21() {
    let ca = Ca::start();
    assert_eq!(ca.backup(&[]).0, 0);
    let (exit, incremental) = ca.backup(&["--incremental"]);
    assert_eq!(exit, 0);
    let full = Folder::open(&ca.sets()).unwrap().list().unwrap().sets.remove(0);
    let manifest = full.path().join("cabak.json");
    let text = std::fs::read_to_string(&manifest).unwrap();
    std::fs::write(&manifest, text.replacen("Test CA", "Best CA", 1)).unwrap();
    let before = crate::sample::tree(&ca.sets());
    assert_eq!(ca.backup(&["--incremental"]).0, 21);
    assert_eq!(crate::sample::tree(&ca.sets()), before);
    let ca = ca.stop();
    let set = ca.sets().join(incremental["set"].as_str().unwrap()).display().to_string();
    assert_eq!(ca.json(&["verify", &set]).0, 21);
    assert_eq!(ca.json(&["restore", &set, "--data-dir", &ca.path("ca")]).0, 21);
}

#[test]
fn a_set_of_another_ca_is_not_restored_into_the_place_of_a_lost_database() {
    let ca = Ca::start();
    assert_eq!(ca.backup(&[]).0, 0);
    let ca = ca.stop();
    let data = ca.path("ca");
    let configuration = Path::new(&data).join("certsrvd.toml");
    let text = std::fs::read_to_string(&configuration).unwrap();
    std::fs::write(&configuration, text.replacen("Test CA", "Other CA", 1)).unwrap();
    std::fs::remove_dir_all(Path::new(&data).join("database")).unwrap();
    let before = crate::sample::tree(Path::new(&data));
    let (code, result) = ca.json(&["restore", &ca.latest(), "--data-dir", &data]);
    assert_eq!(code, 1, "{result}");
    assert!(result["message"].as_str().unwrap().contains("Other CA"), "{result}");
    assert_eq!(crate::sample::tree(Path::new(&data)), before);
}

#[test]
fn an_interrupted_backup_ends_the_session_and_lists_nothing() {
    let ca = Ca::stopped();
    ca.fill(48);
    let ca = ca.serve();
    let mut running = begin(&ca);
    let status = Command::new("kill").args(["-INT", &running.id().to_string()]).status().unwrap();
    assert!(status.success());
    assert_eq!(running.wait(PATIENCE).unwrap().code(), Some(130));
    assert!(!ca.sets().exists(), "a directory that this backup made goes with it");
    // The session is over: another one can begin at once.
    assert_eq!(ca.backup(&[]).0, 0);
}

#[test]
fn a_backup_that_fails_after_the_transfer_does_not_break_the_chain() {
    let ca = Ca::start();
    let full = ca.backup(&[]).1;
    // Everything is read, and then the trial recovery has no place to go.
    assert_eq!(ca.backup(&["--incremental", "--scratch", "/nonexistent"]).0, 1);
    let (exit, incremental) = ca.backup(&["--incremental"]);
    assert_eq!((exit, &incremental["based_on"]), (0, &full["set"]));
}

#[test]
fn both_tables_take_the_same_backup() {
    /// What a copy of the database ends with: when and from which log it was taken.
    const TRAILER: usize = 4096;
    let ca = Ca::start();
    assert_eq!(ca.backup(&[]).0, 0);
    let (exit, loaded) = last_event(ca.loaded(&[]).output().unwrap());
    assert_eq!((exit, loaded["verified"].as_str(), &loaded["undone"]), (0, Some("replayed"), &json!([])), "{loaded}");
    let sets = Folder::open(&ca.sets()).unwrap().list().unwrap().sets;
    let [first, second] = sets.as_slice() else { panic!("{sets:?}") };
    let read = |set: &Set, name: &str| std::fs::read(set.path().join("DataBase").join(name)).unwrap();
    assert!(read(first, "certbkxp.dat") == read(second, "certbkxp.dat"));
    // The server is idle: its file is what both have copied.
    let database = std::fs::read(ca.ca.path("ca/database/Test CA.db")).unwrap();
    for set in [first, second] {
        let copy = read(set, "Test CA.db");
        assert!(copy[..copy.len() - TRAILER] == database, "{}", set.name());
    }
    let logs: Vec<&str> = first.manifest().files_of(Role::Log).map(|file| file.path.name()).collect();
    assert!(!logs.is_empty());
    for log in logs {
        assert!(read(first, log) == read(second, log), "{log}");
    }
    // What is said about them differs in what the functions of C do not tell, and in nothing else.
    let (one, other) = (first.manifest(), second.manifest());
    assert_eq!((&other.authority.name, &other.authority.host), (&one.authority.name, &one.authority.host));
    assert_eq!(other.authority.sanitized_name, one.authority.sanitized_name);
    assert_eq!(other.authority.server_version, None);
    assert_eq!(other.database_format, one.database_format);
    let sources = |manifest: &Manifest| manifest.dynamic.iter().map(|file| file.source.clone()).collect::<Vec<_>>();
    assert_eq!(sources(other), sources(one));
    assert_eq!(other.missing[..one.missing.len()], one.missing);
    assert_eq!(other.missing[one.missing.len()].item, "CA certificates and CRLs");
    assert!(other.taken_by.account.contains("libcertadm") || other.taken_by.account.contains("certadm.dll"));
}

#[test]
fn both_tables_continue_each_others_backups() {
    let ca = Ca::start();
    let (exit, none) = last_event(ca.loaded(&["--incremental"]).output().unwrap());
    assert_eq!((exit, &none["exit"]), (22, &json!("full_needed")));
    let (exit, full) = last_event(ca.loaded(&["--truncate"]).output().unwrap());
    assert_eq!((exit, full["truncated"].as_bool()), (0, Some(true)), "{full}");
    let (exit, second) = ca.backup(&["--incremental"]);
    assert_eq!((exit, &second["based_on"]), (0, &full["set"]));
    let (exit, third) = last_event(ca.loaded(&["--incremental"]).output().unwrap());
    assert_eq!((exit, &third["based_on"], third["verified"].as_str()), (0, &second["set"], Some("replayed")));
}

#[test]
fn the_steps_say_what_is_loaded() {
    let ca = Ca::start();
    let steps = |output: Output| -> Vec<(String, String)> {
        let text = String::from_utf8(output.stdout).unwrap();
        let events = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let text = |event: &Value, member: &str| event[member].as_str().unwrap().to_owned();
        let steps = events.filter(|event| event["event"] == "step");
        steps.map(|event| (text(&event, "step"), text(&event, "what"))).collect()
    };
    let numbers = |steps: &[(String, String)]| -> Vec<String> {
        let mut numbers: Vec<String> = steps.iter().map(|(number, _)| number.clone()).collect();
        // Files are opened, read and closed as often as there are files.
        numbers.retain(|number| !["7", "8", "9"].contains(&number.as_str()));
        numbers
    };
    let library = cdylib("libcertadm", "certadm").unwrap().display().to_string();
    let loaded = steps(ca.loaded(&["--truncate"]).output().unwrap());
    assert_eq!(numbers(&loaded), ["1", "2", "3", "4", "5", "6", "10", "12", "13", "11", "14", "15", "16"]);
    assert_eq!((loaded[0].1.as_str(), loaded[1].1.as_str()), (&*format!("load {library}"), "find its 18 functions"));
    assert_eq!(loaded.last().unwrap().1, format!("unload {library}"));
    let sets = ca.path("sets");
    let built_in = steps(ca.cabak(&["backup", &ca.target, "--to", &sets, "--json"]));
    assert_eq!(numbers(&built_in), ["1, 2", "3", "4", "5", "6", "10", "12", "13", "13", "14", "15", "16"]);
    assert!(built_in[0].1.contains("built in") && built_in.last().unwrap().1.contains("built in"));
}

#[test]
fn ping_and_locations_over_a_loaded_library() {
    let ca = Ca::start();
    let (exit, expected) = ca.json(&["locations", &ca.target]);
    assert_eq!(exit, 0);
    let library = cdylib("libcertadm", "certadm").unwrap().display().to_string();
    let loaded = |args: &[&str]| {
        let mut command = ca.loaded(&[]);
        let mut other = Command::new(command.get_program());
        other.args(args).args([&ca.target, "--certadm", &library, "--json"]).stdin(Stdio::null());
        for (name, value) in command.stdin(Stdio::null()).get_envs() {
            match value {
                Some(value) => other.env(name, value),
                None => other.env_remove(name),
            };
        }
        last_event(other.output().unwrap())
    };
    // The first time there is no full backup that a session for the logs could continue.
    for _ in 0..2 {
        assert_eq!(loaded(&["locations"]), (0, expected.clone()));
        assert_eq!(ca.backup(&[]).0, 0, "the session of the locations is over");
    }
    let (exit, online) = loaded(&["ping"]);
    assert_eq!((exit, &online["online"]), (0, &json!(true)));
    std::fs::write(ca.path("password"), "wrong\n").unwrap();
    assert_eq!(loaded(&["ping"]).0, 12);
}

#[test]
fn a_loaded_backup_that_fails_after_the_transfer_does_not_break_the_chain() {
    let ca = Ca::start();
    let full = ca.backup(&[]).1;
    let (exit, _) = last_event(ca.loaded(&["--incremental", "--scratch", "/nonexistent"]).output().unwrap());
    assert_eq!(exit, 1);
    let (exit, incremental) = eventually(|| last_event(ca.loaded(&["--incremental"]).output().unwrap()));
    assert_eq!((exit, &incremental["based_on"]), (0, &full["set"]), "{incremental}");
}

#[test]
fn an_interrupted_loaded_backup_ends_the_session_and_lists_nothing() {
    let ca = Ca::stopped();
    ca.fill(48);
    let ca = ca.serve();
    let mut running = begin_with(&mut ca.loaded(&[]));
    let status = Command::new("kill").args(["-INT", &running.id().to_string()]).status().unwrap();
    assert!(status.success());
    assert_eq!(running.wait(PATIENCE).unwrap().code(), Some(130));
    assert!(!ca.sets().exists());
    assert_eq!(last_event(ca.loaded(&[]).output().unwrap()).0, 0, "another one can begin at once");
}

#[test]
fn memory_does_not_grow_with_the_database() {
    let ca = Ca::stopped();
    ca.fill(160);
    let ca = ca.serve();
    let sets = ca.path("sets");
    let mut running = Child::start(&mut ca.command(&["backup", &ca.target, "--to", &sets, "--json"])).unwrap();
    let recovered = |line: &str| line.contains("\"recovered\"").then_some(());
    running.wait_for(PATIENCE, recovered).unwrap();
    let status = std::fs::read_to_string(format!("/proc/{}/status", running.id())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let kibibytes: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(kibibytes < 64 << 10, "{kibibytes} KiB");
    assert_eq!(running.wait(PATIENCE).unwrap().code(), Some(0));
}

#[test]
fn a_server_that_dies_leaves_earlier_sets_as_they_were() {
    let ca = Ca::stopped();
    ca.fill(48);
    let mut ca = ca.serve();
    assert_eq!(ca.backup(&["--no-verify"]).0, 0);
    let earlier = crate::sample::tree(&ca.sets());
    let mut running = begin(&ca);
    ca.ca.kill().unwrap();
    assert_eq!(running.wait(PATIENCE).unwrap().code(), Some(1));
    assert_eq!(crate::sample::tree(&ca.sets()), earlier);
}

#[test]
fn a_killed_backup_is_cleaned_up_by_the_next_one() {
    let ca = Ca::stopped();
    ca.fill(48);
    let ca = ca.serve();
    begin(&ca).kill().unwrap();
    let folder = Folder::open(&ca.sets()).unwrap();
    assert_eq!(folder.list().unwrap().leftovers.len(), 1);
    assert!(folder.list().unwrap().sets.is_empty());
    assert_eq!(eventually(|| ca.backup(&["--no-verify"])).0, 0);
    assert!(folder.list().unwrap().leftovers.is_empty());
}

#[test]
fn a_wrong_password_ends_with_12() {
    let ca = Ca::start();
    std::fs::write(ca.path("password"), "wrong").unwrap();
    assert_eq!(ca.json(&["ping", &ca.target]).0, 12);
    assert_eq!(ca.backup(&[]).0, 12);
    assert_eq!(ca.json(&["preflight", &ca.target]).0, 12);
}

#[test]
fn an_account_without_the_role_is_told_so() {
    let ca = Ca::stopped();
    let password = ca.path("password");
    ca.certsrvd(&["account", "add", "reader", "--role", "read", "--password-file", &password]);
    let ca = ca.serve();
    let output = ca.cabak(&["preflight", &ca.target, "--user", "reader"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(20));
    assert!(text.contains("FAIL roles: read; the backup needs the operator role"), "{text}");
    let sets = ca.path("sets");
    let output = ca.cabak(&["backup", &ca.target, "--to", &sets, "--user", "reader"]);
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text.contains("the account has the roles read, this needs operator"), "{text}");
}

/// Tries again while the server has not yet noticed that an earlier client is gone.
fn eventually(attempt: impl Fn() -> (i32, Value)) -> (i32, Value) {
    for _ in 0..60 {
        let (exit, event) = attempt();
        if exit != 11 {
            return (exit, event);
        }
        std::thread::sleep(Duration::from_millis(500));
    }
    attempt()
}

/// The exit code and the last event.
fn last_event(output: Output) -> (i32, Value) {
    let text = String::from_utf8(output.stdout).unwrap();
    let last = text.lines().last().unwrap_or("null");
    (output.status.code().unwrap(), serde_json::from_str(last).unwrap())
}

/// A backup in the middle of the database.
fn begin(ca: &Ca) -> Child {
    let sets = ca.path("sets");
    begin_with(&mut ca.command(&["backup", &ca.target, "--to", &sets, "--json"]))
}

fn begin_with(command: &mut Command) -> Child {
    let mut running = Child::start(command).unwrap();
    let begun = |line: &str| {
        let event: Value = serde_json::from_str(line).ok()?;
        (event["event"] == "file_begin").then_some(())
    };
    running.wait_for(PATIENCE, begun).unwrap();
    running
}
