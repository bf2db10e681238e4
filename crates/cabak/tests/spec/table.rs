//! The table: which library fills it, and the scenario over one that is made up.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use cabak::exit::{Exit, classify};
use cabak::manifest::{DatabaseFormat, Kind, Level};
use cabak::medium::Folder;
use cabak::output::{Reporter, Style};
use cabak::scenario::{Outcome, Request, run};
use cabak::table::{
    Backup, Certadm, Machine, OpenFile, Table, Wish, authority_of, locations_of_session, server_name, stem_of,
    unsanitize,
};
use certadm::{BackupKind, Cancel, DatabaseLocations, Error, FileName, FileType, Hresult, ReadHint, Server};

const DLL: &str = "C:\\Windows";

fn windows() -> Machine {
    Machine { windows: true, computer_name: Some("CA01".to_owned()), system_root: Some(DLL.into()) }
}

fn system_library() -> PathBuf {
    Path::new(DLL).join("System32").join("certadm.dll")
}

fn choose(target: &str, wish: Wish<'_>, machine: &Machine, installed: bool) -> Table {
    Table::choose(&target.parse().unwrap(), wish, machine, |path| installed && path == system_library())
}

#[test]
fn windows_own_library_serves_the_machine_it_is_on() {
    for target in ["localhost", "LOCALHOST", "127.0.0.1", "::1", "[::1]", "ca01", "CA01\\Test CA", "csra://ca01/Test"] {
        let table = choose(target, Wish::default(), &windows(), true);
        assert_eq!(table, Table::System(system_library()), "{target}");
    }
}

#[test]
fn everything_else_is_served_by_the_built_in_library() {
    let wish = Wish::default();
    for target in ["localhost:1135", "127.0.0.2", "ca01.corp.example", "ca02", "[::1]:1135"] {
        assert_eq!(choose(target, wish, &windows(), true), Table::BuiltIn, "{target}");
    }
    assert_eq!(choose("localhost", wish, &windows(), false), Table::BuiltIn, "there is no such file");
    assert_eq!(choose("localhost", wish, &Machine { windows: false, ..windows() }, true), Table::BuiltIn);
    assert_eq!(choose("localhost", wish, &Machine { system_root: None, ..windows() }, true), Table::BuiltIn);
    let nameless = Machine { computer_name: None, ..windows() };
    assert_eq!(choose("ca01", wish, &nameless, true), Table::BuiltIn);
    let account = Wish { built_in_only: true, ..wish };
    assert_eq!(choose("localhost", account, &windows(), true), Table::BuiltIn, "C functions take no account");
}

#[test]
fn a_library_that_is_named_is_the_one() {
    let wish = Wish { certadm: Some(Path::new("./libcertadm.so")), built_in_only: false };
    for target in ["localhost", "ca02", "ca02:1135"] {
        for machine in [windows(), Machine::default()] {
            assert_eq!(choose(target, wish, &machine, true), Table::Named("./libcertadm.so".into()));
        }
    }
    let wish = Wish { certadm: Some(Path::new("built-in")), built_in_only: false };
    assert_eq!(choose("localhost", wish, &windows(), true), Table::BuiltIn);
}

#[test]
fn the_functions_get_the_name_of_the_server() {
    for (target, name) in [
        ("ca01.corp.example", "ca01.corp.example"),
        ("ca01:135", "ca01"),
        ("csra://ca01:1135/Test%20CA", "ca01:1135\\Test CA"),
        ("ca01\\Test CA", "ca01\\Test CA"),
        ("[::1]", "::1"),
        ("[::1]:1135", "[::1]:1135"),
    ] {
        let target = target.parse().unwrap();
        assert_eq!(server_name(&target), name);
        assert_eq!(name.parse(), Ok(target), "libcertadm reads it back");
    }
}

#[test]
fn a_sanitized_name_is_read_back() {
    for (stem, name) in [
        ("Test CA", "Test CA"),
        ("Contoso !0028Root!0029", "Contoso (Root)"),
        ("M!00fcnchen", "München"),
        ("!d83d!de00 CA", "😀 CA"),
        ("A!002FB", "A/B"),
        ("Issuing-12345", "Issuing-12345"),
        // Not of this form, or not text: as it is.
        ("Half!00", "Half!00"),
        ("Hash!!", "Hash!!"),
        ("Not!00zz", "Not!00zz"),
        ("Plus!+123", "Plus!+123"),
        ("Lone!d83d", "Lone!d83d"),
        ("Bell!0007", "Bell!0007"),
        ("", ""),
    ] {
        assert_eq!(unsanitize(stem), name, "{stem}");
    }
    // Shortened: the rest of the name is lost, so none of it is read back.
    let shortened = format!("!0028{}-00295", "a".repeat(46));
    assert_eq!(unsanitize(&shortened), shortened);
    let whole = format!("!0028{}", "a".repeat(46));
    assert_eq!(unsanitize(&whole), format!("({}", "a".repeat(46)));
}

fn locations(list: &str) -> DatabaseLocations {
    let bytes: Vec<u8> = format!("{list}\0\0").encode_utf16().flat_map(u16::to_le_bytes).collect();
    DatabaseLocations::from_bytes(&bytes).unwrap()
}

#[test]
fn the_database_names_the_authority() {
    let typed = locations("\u{83}\\\\ca01\\Check\0D\\\\ca01\\CertSrv$\\DataBase\\Contoso v1.0 !0028A!0029.edb");
    assert_eq!(stem_of(&typed), Some("Contoso v1.0 !0028A!0029"));
    assert_eq!(authority_of(&typed).as_deref(), Some("Contoso v1.0 (A)"));
    for nameless in ["\u{83}\\\\ca01\\Check", "D\\\\ca01\\x\\..", "D\\\\ca01\\x\\.edb", "D\\\\ca01\\x\\a:b.edb"] {
        assert_eq!(authority_of(&locations(nameless)), None, "{nameless}");
    }
}

/// A made-up library: what it was asked, what it is to refuse, what its files contain.
#[derive(Clone, Default)]
struct Fake {
    asked: Rc<RefCell<Vec<String>>>,
    refuses: Option<&'static str>,
    /// Read number `.0` asks to stop.
    stops_at: Option<(usize, Cancel)>,
    /// Bytes per read, over and over.
    portions: Vec<usize>,
    /// Added to every announced length.
    announces: i64,
    has_no_full: bool,
}

const DATABASE: &str = "\\\\ca01\\CertSrv$\\DataBase\\Fake !0028CA!0029.edb";
const LOGS: [&str; 2] = ["\\\\ca01\\CertSrv$\\Log\\edb00003.log", "\\\\ca01\\CertSrv$\\Log\\edb00004.log"];

/// Different everywhere, so that a byte in the wrong place shows.
fn content(name: &str) -> Vec<u8> {
    let length = if name == DATABASE { 200_003 } else { 65_536 };
    let seed = name.len() as u32;
    (0..length).map(|at: u32| (at.wrapping_mul(2_654_435_761).rotate_left(seed) >> 24) as u8).collect()
}

impl Fake {
    fn ask(&self, function: &'static str, what: &str) -> Result<(), Error> {
        self.asked.borrow_mut().push(format!("{function} {what}").trim_end().to_owned());
        match self.refuses {
            Some(refused) if refused == function => {
                Err(Error::Refused { method: function, hresult: Hresult::UNEXPECTED })
            }
            _ => Ok(()),
        }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.borrow().clone()
    }

    fn names(file_type: Option<FileType>, paths: &[&str]) -> Vec<FileName> {
        paths.iter().map(|path| FileName::new(file_type, *path).unwrap()).collect()
    }
}

impl Certadm for Fake {
    fn is_server_online(&mut self) -> Result<bool, Error> {
        self.ask("IsServerOnline", "").map(|()| true)
    }

    fn backup_prepare(&mut self, kind: BackupKind) -> Result<Box<dyn Backup>, Error> {
        self.ask("BackupPrepare", &format!("{kind:?}"))?;
        if self.has_no_full && kind == BackupKind::Incremental {
            return Err(Error::FullBackupNeeded { hresult: Hresult::UNEXPECTED });
        }
        Ok(Box::new(Session { fake: self.clone(), over: false }))
    }

    fn connection(&mut self) -> Result<Option<&mut Server>, Error> {
        Ok(None)
    }

    fn library(&self) -> Option<&Path> {
        Some(Path::new("/fake/libcertadm.so"))
    }

    fn account(&self) -> String {
        "nobody".to_owned()
    }
}

struct Session {
    fake: Fake,
    over: bool,
}

impl Drop for Session {
    fn drop(&mut self) {
        if !self.over {
            self.fake.ask("dropped", "").unwrap();
        }
    }
}

impl Backup for Session {
    fn restore_get_database_locations(&mut self) -> Result<DatabaseLocations, Error> {
        self.fake.ask("GetDatabaseLocations", "")?;
        Ok(locations(&format!("D{DATABASE}\0\u{82}\\\\ca01\\CertSrv$\\Log")))
    }

    fn backup_get_database_names(&mut self) -> Result<Vec<FileName>, Error> {
        self.fake.ask("GetDatabaseNames", "")?;
        Ok(Fake::names(Some(FileType::Database), &[DATABASE]))
    }

    fn backup_open_file<'a>(&'a mut self, name: &FileName, _hint: ReadHint) -> Result<Box<dyn OpenFile + 'a>, Error> {
        self.fake.ask("OpenFile", name.local_name().unwrap())?;
        let content = content(name.path());
        Ok(Box::new(Source { fake: &self.fake, content, at: 0, reads: 0 }))
    }

    fn backup_get_backup_logs(&mut self) -> Result<Vec<FileName>, Error> {
        self.fake.ask("GetBackupLogs", "")?;
        Ok(Fake::names(Some(FileType::Log), &LOGS))
    }

    fn backup_truncate_logs(&mut self) -> Result<(), Error> {
        self.fake.ask("TruncateLogs", "")
    }

    fn backup_get_dynamic_file_list(&mut self) -> Result<Vec<FileName>, Error> {
        self.fake.ask("GetDynamicFileList", "")?;
        Ok(Fake::names(None, &["\\\\ca01\\CertEnroll\\Fake.crl"]))
    }

    fn backup_end(mut self: Box<Self>) -> Result<(), Error> {
        self.over = true;
        self.fake.ask("End", "")
    }

    fn connection(&mut self) -> Option<&mut Server> {
        None
    }
}

struct Source<'a> {
    fake: &'a Fake,
    content: Vec<u8>,
    at: usize,
    reads: usize,
}

impl OpenFile for Source<'_> {
    fn size(&self) -> u64 {
        (self.content.len() as u64).checked_add_signed(self.fake.announces).unwrap()
    }

    fn backup_read(&mut self, into: &mut [u8]) -> Result<usize, Error> {
        // Reads are too many to be listed one by one.
        if self.reads == 0 {
            self.fake.ask("Read", "")?;
        }
        self.reads += 1;
        if let Some((at, cancel)) = &self.fake.stops_at
            && *at == self.reads
        {
            cancel.cancel();
        }
        let portion = self.fake.portions.get(self.reads % self.fake.portions.len().max(1)).copied();
        let count = portion.unwrap_or(usize::MAX).min(into.len()).min(self.content.len() - self.at);
        into[..count].copy_from_slice(&self.content[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }

    fn backup_close(self: Box<Self>) -> Result<(), Error> {
        self.fake.ask("Close", "")
    }
}

fn request(to: &Path) -> Request {
    Request {
        target: "ca01".parse().unwrap(),
        to: to.to_owned(),
        kind: Kind::Full,
        truncate: false,
        verify: true,
        dynamic_directories: Vec::new(),
        read_hint: ReadHint::new(64 << 10),
        scratch: None,
    }
}

fn back_up(fake: &Fake, request: &Request, cancel: &Cancel) -> anyhow::Result<Outcome> {
    run(request, Box::new(fake.clone()), &mut Reporter::new(Style::Plain, true, false), cancel)
}

/// What a full backup asks, in the order of the article.
const ORDER: [&str; 16] = [
    "IsServerOnline",
    "BackupPrepare Full",
    "GetDatabaseLocations",
    "GetDatabaseNames",
    "OpenFile Fake !0028CA!0029.edb",
    "Read",
    "Close",
    "GetBackupLogs",
    "OpenFile edb00003.log",
    "Read",
    "Close",
    "OpenFile edb00004.log",
    "Read",
    "Close",
    "GetDynamicFileList",
    "End",
];

#[test]
fn the_functions_are_called_in_the_order_of_the_article() {
    let dir = tempfile::tempdir().unwrap();
    let fake = Fake::default();
    let outcome = back_up(&fake, &request(dir.path()), &Cancel::new()).unwrap();
    assert_eq!(fake.asked(), ORDER);
    let manifest = outcome.set.manifest();
    assert_eq!((manifest.authority.name.as_str(), manifest.taken_by.account.as_str()), ("Fake (CA)", "nobody"));
    assert_eq!(manifest.authority.sanitized_name.as_deref(), Some("Fake !0028CA!0029"));
    assert_eq!(
        (manifest.authority.server_version.as_deref(), manifest.database_format),
        (None, DatabaseFormat::Unknown)
    );
    assert_eq!(manifest.verification.level, Level::Hashes);
    let missing: Vec<&str> = manifest.missing.iter().map(|missing| missing.item.as_str()).collect();
    assert_eq!(missing.last(), Some(&"CA certificates and CRLs"));
    assert!(outcome.undone.is_empty(), "what no function hands out was not asked for: {:?}", outcome.undone);
}

#[test]
fn the_name_in_the_target_counts_more_than_the_file_name() {
    let dir = tempfile::tempdir().unwrap();
    let request = Request { target: "ca01\\Named CA".parse().unwrap(), ..request(dir.path()) };
    let outcome = back_up(&Fake::default(), &request, &Cancel::new()).unwrap();
    assert_eq!(outcome.set.manifest().authority.name, "Named CA");
}

#[test]
fn bytes_arrive_unchanged_in_portions_of_any_size() {
    for portions in [vec![], vec![1, 4095, 7], vec![65_536], vec![13, 65_535, 1, 1, 40_000], vec![512]] {
        let dir = tempfile::tempdir().unwrap();
        let fake = Fake { portions: portions.clone(), ..Fake::default() };
        let outcome = back_up(&fake, &request(dir.path()), &Cancel::new()).unwrap();
        for name in [DATABASE, LOGS[0], LOGS[1]] {
            let file = name.rsplit_once('\\').unwrap().1;
            let stored = std::fs::read(outcome.set.path().join("DataBase").join(file)).unwrap();
            assert!(stored == content(name), "{name} in portions of {portions:?}");
        }
    }
}

/// Nothing is listed, nothing is left, and the session has been given back.
fn assert_nothing_left(dir: &Path, fake: &Fake) {
    let listing = Folder::open(dir).unwrap().list().unwrap();
    assert!(listing.sets.is_empty() && listing.leftovers.is_empty(), "{listing:?}");
    let asked = fake.asked();
    let prepared = asked.iter().any(|call| call.starts_with("BackupPrepare"));
    let refused = fake.refuses == Some("BackupPrepare");
    assert_eq!(asked.last().unwrap() == "dropped", prepared && !refused, "{asked:?}");
    assert!(!asked.iter().any(|call| call == "End"), "{asked:?}");
}

#[test]
fn a_call_that_fails_leaves_nothing_and_ends_the_session() {
    for refuses in [
        "IsServerOnline",
        "BackupPrepare",
        "GetDatabaseLocations",
        "GetDatabaseNames",
        "OpenFile",
        "Read",
        "Close",
        "GetBackupLogs",
        "GetDynamicFileList",
    ] {
        let dir = tempfile::tempdir().unwrap();
        let fake = Fake { refuses: Some(refuses), ..Fake::default() };
        let error = back_up(&fake, &request(dir.path()), &Cancel::new()).unwrap_err();
        let Some(Error::Refused { method, .. }) = error.downcast_ref() else { panic!("{error:#}") };
        assert_eq!(*method, refuses);
        assert_nothing_left(dir.path(), &fake);
    }
}

#[test]
fn an_end_that_fails_does_not_take_the_set_away() {
    let dir = tempfile::tempdir().unwrap();
    let fake = Fake { refuses: Some("End"), ..Fake::default() };
    back_up(&fake, &request(dir.path()), &Cancel::new()).unwrap();
    assert_eq!(Folder::open(dir.path()).unwrap().list().unwrap().sets.len(), 1);
}

#[test]
fn logs_of_a_database_that_cannot_be_recovered_stay() {
    let dir = tempfile::tempdir().unwrap();
    let fake = Fake::default();
    let request = Request { truncate: true, ..request(dir.path()) };
    let error = back_up(&fake, &request, &Cancel::new()).unwrap_err();
    assert!(error.to_string().starts_with("--truncate refused"), "{error:#}");
    assert_nothing_left(dir.path(), &fake);
}

#[test]
fn a_file_of_another_length_than_announced_is_not_stored() {
    for (announces, begins) in [
        (1, DATABASE.to_owned() + " ends after 200003 bytes"),
        (-1, DATABASE.to_owned() + " is longer than the 200002 bytes"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let fake = Fake { announces, ..Fake::default() };
        let error = back_up(&fake, &request(dir.path()), &Cancel::new()).unwrap_err();
        assert!(error.to_string().starts_with(&begins), "{error:#}");
        assert_nothing_left(dir.path(), &fake);
    }
}

#[test]
fn a_wish_to_stop_is_heard_before_the_next_read() {
    let dir = tempfile::tempdir().unwrap();
    let cancel = Cancel::new();
    let fake = Fake { stops_at: Some((3, cancel.clone())), portions: vec![100], ..Fake::default() };
    let error = back_up(&fake, &request(dir.path()), &cancel).unwrap_err();
    assert_eq!(classify(&error).0, Exit::Interrupted);
    assert_eq!(fake.asked()[4..], ["OpenFile Fake !0028CA!0029.edb", "Read", "dropped"]);
    assert_nothing_left(dir.path(), &fake);
}

#[test]
fn a_wish_to_stop_is_heard_before_the_first_call() {
    let dir = tempfile::tempdir().unwrap();
    let cancel = Cancel::new();
    cancel.cancel();
    let fake = Fake::default();
    let error = back_up(&fake, &request(dir.path()), &cancel).unwrap_err();
    assert_eq!(classify(&error).0, Exit::Interrupted);
    assert_eq!(fake.asked(), Vec::<String>::new());
}

#[test]
fn an_incremental_backup_without_a_base_ends_with_22_before_a_file_is_opened() {
    let dir = tempfile::tempdir().unwrap();
    let request = Request { kind: Kind::Incremental, ..request(dir.path()) };
    let fake = Fake::default();
    let error = back_up(&fake, &request, &Cancel::new()).unwrap_err();
    assert_eq!(classify(&error).0, Exit::FullNeeded);
    assert_eq!(fake.asked(), ["IsServerOnline", "BackupPrepare Incremental", "GetDatabaseLocations", "dropped"]);
    assert_nothing_left(dir.path(), &fake);
    let fake = Fake { has_no_full: true, ..Fake::default() };
    let error = back_up(&fake, &request, &Cancel::new()).unwrap_err();
    assert_eq!(classify(&error).0, Exit::FullNeeded);
}

#[test]
fn an_incremental_backup_continues_the_set_of_the_same_ca() {
    let dir = tempfile::tempdir().unwrap();
    let full = back_up(&Fake::default(), &request(dir.path()), &Cancel::new()).unwrap();
    let fake = Fake::default();
    // Nothing can be recovered from this database; the hashes are compared.
    let request = Request { kind: Kind::Incremental, ..request(dir.path()) };
    let outcome = back_up(&fake, &request, &Cancel::new()).unwrap();
    assert_eq!(outcome.set.manifest().based_on.as_deref(), Some(full.set.name()));
    assert!(!fake.asked().iter().any(|call| call == "GetDatabaseNames"));
}

#[test]
fn locations_need_a_session_that_reads_nothing() {
    let mut fake = Fake::default();
    assert_eq!(authority_of(&locations_of_session(&mut fake, &Cancel::new()).unwrap()).as_deref(), Some("Fake (CA)"));
    assert_eq!(fake.asked(), ["BackupPrepare Incremental", "GetDatabaseLocations", "End"]);
    let mut fake = Fake { has_no_full: true, ..Fake::default() };
    locations_of_session(&mut fake, &Cancel::new()).unwrap();
    let expected = ["BackupPrepare Incremental", "BackupPrepare Full", "GetDatabaseLocations", "End"];
    assert_eq!(fake.asked(), expected);
    let mut fake = Fake { refuses: Some("GetDatabaseLocations"), ..Fake::default() };
    locations_of_session(&mut fake, &Cancel::new()).unwrap_err();
    assert_eq!(fake.asked().last().unwrap(), "dropped");
}

#[test]
fn locations_are_not_asked_for_when_somebody_wants_to_stop() {
    let cancel = Cancel::new();
    cancel.cancel();
    let mut fake = Fake::default();
    let error = locations_of_session(&mut fake, &cancel).unwrap_err();
    assert_eq!(classify(&error).0, Exit::Interrupted);
    assert_eq!(fake.asked(), Vec::<String>::new());
}

#[test]
fn codes_of_a_library_have_their_exit_codes_and_hints() {
    let of = |code: u32| {
        let (exit, hint) = classify(&Error::of_code("CertSrvIsServerOnlineW", Hresult(code)).into());
        (exit, hint.unwrap())
    };
    // HRESULT_FROM_WIN32 of ERROR_NO_SUCH_USER, ERROR_LOGON_FAILURE, RPC_S_SERVER_UNAVAILABLE, ERROR_BAD_CONFIGURATION.
    let (exit, hint) = of(0x8007_0525);
    assert!(exit == Exit::Usage && hint.contains("CERTADM_USER"), "{hint}");
    let (exit, hint) = of(0x8007_052E);
    assert!(exit == Exit::Authentication && hint.contains("CERTADM_PASSWORD_FILE"), "{hint}");
    assert_eq!(of(0x8007_06BA).0, Exit::Failure);
    let (exit, hint) = of(0x8007_064A);
    assert!(exit == Exit::Failure && hint.contains("CERTADM_LOG=stderr"), "{hint}");
}
