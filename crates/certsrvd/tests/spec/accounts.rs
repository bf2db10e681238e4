use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use certsrvd::accounts::{Account, AccountError, AccountFile, AccountList, NtHash, Role, create_empty};
use certsrvd::lockout::Lockout;

use crate::place::Place;

fn account(name: &str, roles: &[Role]) -> Account {
    Account { name: name.to_owned(), nt_hash: NtHash::of_password("Password"), roles: roles.iter().copied().collect() }
}

#[test]
fn the_hash_of_a_password_is_that_of_the_specification() {
    // [MS-NLMP] 4.2.2.1.2: NTOWFv1 of "Password".
    assert_eq!(*NtHash::of_password("Password").to_hex(), "a4f49c406510bdcab6824ee7c30fd852");
}

#[test]
fn accounts_are_stored_as_hashes_in_a_private_file() {
    let place = Place::with_authority();
    fs::write(place.path("password"), "S3cret pass!\n").unwrap();
    let password = place.path("password");
    place.ok(&["account", "add", "backup", "--role", "operator,read", "--password-file", password.to_str().unwrap()]);
    let text = fs::read_to_string(place.layout().accounts()).unwrap();
    assert!(text.contains(&*NtHash::of_password("S3cret pass!").to_hex()), "{text}");
    assert!(!text.contains("S3cret"));
    assert_eq!(fs::metadata(place.layout().accounts()).unwrap().permissions().mode() & 0o777, 0o600);
    let list = place.json(&["account", "list"]);
    assert_eq!(list["accounts"][0]["name"], "backup");
    assert_eq!(list["accounts"][0]["roles"], serde_json::json!(["operator", "read"]));
    assert!(!place.ok(&["account", "list"]).contains(&*NtHash::of_password("S3cret pass!").to_hex()));
}

#[test]
fn an_account_is_there_once_and_can_be_removed() {
    let place = Place::with_authority();
    fs::write(place.path("password"), "x").unwrap();
    let password = place.path("password");
    let add = ["account", "add", "Backup", "--role", "operator", "--password-file", password.to_str().unwrap()];
    place.ok(&add);
    assert_eq!(place.fails(&add).0, 13);
    place.ok(&["account", "remove", "BACKUP"]);
    assert_eq!(place.fails(&["account", "remove", "backup"]).0, 3);
    assert_eq!(place.audited("account_added").len(), 1);
    assert_eq!(place.audited("account_removed")[0]["account"], "Backup");
}

#[test]
fn an_empty_password_and_a_strange_name_are_refused() {
    let place = Place::with_authority();
    fs::write(place.path("empty"), "\n").unwrap();
    fs::write(place.path("password"), "x").unwrap();
    let (empty, password) = (place.path("empty"), place.path("password"));
    let add = |name, file: &std::path::Path| {
        place.fails(&["account", "add", name, "--role", "read", "--password-file", file.to_str().unwrap()]).0
    };
    assert_eq!(add("backup", &empty), 12);
    assert_eq!(add("CORP\\backup", &password), 16);
    assert_eq!(add(" ", &password), 16);
}

#[test]
fn accounts_and_a_key_that_others_can_read_are_refused() {
    let place = Place::with_authority();
    for file in [place.layout().accounts(), place.layout().key()] {
        for mode in [0o640, 0o604, 0o660, 0o601] {
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
            let (code, said) = place.fails(&["serve"]);
            assert_eq!(code, 15, "{said}");
            assert!(said.contains(&format!("mode {mode:04o}")) && said.contains("chmod 600"), "{said}");
        }
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    }
}

#[test]
fn a_change_of_the_file_is_seen_at_the_next_look() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("accounts.toml");
    create_empty(&path).unwrap();
    let (reader, writer) = (AccountFile::new(path.clone()), AccountFile::new(path));
    assert!(reader.list().unwrap().accounts.is_empty());
    writer.add(account("backup", &[Role::Operator])).unwrap();
    assert_eq!(reader.list().unwrap().find("BACKUP").unwrap().name, "backup");
    writer.remove("backup").unwrap();
    assert!(reader.list().unwrap().find("backup").is_none());
}

#[test]
fn a_broken_file_is_refused_without_showing_what_is_in_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("accounts.toml");
    create_empty(&path).unwrap();
    for text in [
        "[[account]]\nname = \"a\"\nnt_hash = \"8846f7eaee8fb117ad06bdd830b7586\"\nroles = []\n",
        "[[account]]\nname = \"a\"\nnt_hash = \"8846f7eaee8fb117ad06bdd830b7586c\"\nroles = [\"king\"]\n",
        "[[account]]\nname = \"a\"\nnt_hash = 8846f7eaee8fb117ad06bdd830b7586c\nroles = []\n",
    ] {
        fs::write(&path, text).unwrap();
        let error = AccountFile::new(path.clone()).list().unwrap_err();
        assert!(matches!(error, AccountError::Invalid { .. }), "{error:?}");
        assert!(!format!("{error} {error:?}").contains("8846f7eaee8fb117"), "{error}");
    }
}

#[test]
fn a_name_that_is_there_twice_is_refused() {
    let one = |name: &str| format!("[[account]]\nname = \"{name}\"\nnt_hash = \"{}\"\nroles = []\n", "0".repeat(32));
    assert!(AccountList::parse(&(one("a") + &one("b"))).is_ok());
    assert!(AccountList::parse(&(one("a") + &one("A"))).unwrap_err().contains("twice"));
}

#[test]
fn roles_imply_read_and_can_be_kept_apart() {
    assert_eq!(account("a", &[]).role_bits(), 0);
    assert_eq!(account("a", &[Role::Operator]).role_bits(), 0x108);
    assert_eq!(account("a", &[Role::Administrator, Role::Enroll]).role_bits(), 0x301);
    assert!(!account("a", &[Role::Operator, Role::Read, Role::Enroll]).mixes_roles());
    assert!(account("a", &[Role::Operator, Role::Auditor]).mixes_roles());
}

#[test]
fn an_account_is_locked_after_too_many_failures_and_for_a_while() {
    let start = Instant::now();
    let at = |minutes: u64| start + Duration::from_secs(minutes * 60);
    let mut lockout = Lockout::new(3, Duration::from_secs(15 * 60));
    assert!(!lockout.failed("Backup", at(0)) && !lockout.failed("backup", at(1)));
    assert!(!lockout.is_locked("backup", at(1)));
    assert!(lockout.failed("BACKUP", at(2)), "the third one locks");
    assert!(lockout.is_locked("backup", at(16)));
    assert!(!lockout.failed("backup", at(3)), "an attempt while it is locked does not lock it again");
    assert!(!lockout.is_locked("backup", at(17)), "nor for longer");
    assert!(!lockout.failed("backup", at(18)), "counting starts anew");
    assert!(!lockout.is_locked("other", at(3)));
}

#[test]
fn a_success_forgets_the_failures_and_old_failures_do_not_count() {
    let start = Instant::now();
    let at = |minutes: u64| start + Duration::from_secs(minutes * 60);
    let mut lockout = Lockout::new(2, Duration::from_secs(15 * 60));
    lockout.failed("a", at(0));
    lockout.succeeded("A");
    assert!(!lockout.failed("a", at(1)));
    assert!(!lockout.failed("a", at(16)), "the one before is 15 minutes old");
    assert!(lockout.failed("a", at(17)));
    let mut never = Lockout::new(0, Duration::from_secs(60));
    assert!((0..100).all(|minute| !never.failed("a", at(minute))));
}
