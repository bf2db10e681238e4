//! A client of the network, and what it is told.

use std::fs;
use std::path::Path;

use csra::call::{
    BackupCloseFile, BackupEnd, BackupGetAttachmentInformation, BackupGetBackupLogs, BackupGetDynamicFiles,
    BackupOpenFile, BackupPrepare, BackupReadFile, BackupTruncateLogs, Call, CallError, GetCaProperty, GetConfigEntry,
    GetMyRoles, GetServerState, Ping, RestoreGetDatabaseLocations, ServerControl,
};
use csra::ids::{CLSID_CCERT_ADMIN_D, IID_ICERT_ADMIN_D2};
use csra::ndr::Encoder;
use csra::{FileType, NameList, Roles, Variant};
use orpc::client::{Client, Credentials, Error, Object, Options};
use serde_json::json;
use zeroize::Zeroizing;

use crate::place::{NAME, Place, Server};

const PASSWORD: &str = "Back it up, 1!";

/// A CA with one account for each of the given roles, named after them.
pub(crate) fn place(roles: &[&str]) -> Place {
    let place = Place::with_authority();
    place.configure("role_separation = false", "role_separation = false\nhost_name = \"ca01\"");
    add(&place, roles);
    place
}

fn add(place: &Place, roles: &[&str]) {
    fs::write(place.path("password"), PASSWORD).unwrap();
    for role in roles {
        let file = place.path("password");
        place.ok(&["account", "add", role, "--role", role, "--password-file", file.to_str().unwrap()]);
    }
}

/// An activated object of a server.
pub(crate) struct Session {
    object: Object,
    // Its connections end with it.
    _client: Client,
}

impl Session {
    pub(crate) fn open(server: &Server, user: &str) -> Self {
        Self::log_on(server, user, PASSWORD).unwrap()
    }

    fn log_on(server: &Server, user: &str, password: &str) -> Result<Self, Error> {
        let address = server.ready["endpoint_mapper"].as_str().unwrap();
        let (host, port) = address.rsplit_once(':').unwrap();
        let credentials =
            Credentials { domain: String::new(), user: user.to_owned(), password: Zeroizing::new(password.to_owned()) };
        let options = Options { endpoint_mapper_port: port.parse().unwrap(), ..Options::default() };
        let client = Client::new(credentials, options);
        let object = client.activate(host, CLSID_CCERT_ADMIN_D, IID_ICERT_ADMIN_D2)?;
        Ok(Self { object, _client: client })
    }

    /// Makes a call; an error is the HRESULT.
    pub(crate) fn call<C: Call>(&mut self, call: &C) -> Result<C::Reply, u32> {
        self.read(call).map(|(reply, _)| reply)
    }

    fn read<C: Call>(&mut self, call: &C) -> Result<(C::Reply, Vec<u8>), u32> {
        let mut body = Encoder::new();
        call.encode(&mut body);
        let mut reply = Vec::new();
        let start = self.object.call(C::OPNUM, &body.into_bytes(), &mut reply).unwrap();
        let reply = reply.split_off(start);
        match call.finish(&reply) {
            Ok(value) => Ok((value, reply)),
            Err(CallError::Refused(code)) => Err(code.0),
            Err(error) => panic!("{error}"),
        }
    }

    pub(crate) fn prepare(&mut self, grbit: u32) -> Result<(), u32> {
        self.call(&BackupPrepare { authority: Some(NAME.to_owned()), grbit })
    }

    /// Reads a file of the backup to its end.
    pub(crate) fn download(&mut self, path: &str) -> Vec<u8> {
        let length = self.call(&BackupOpenFile { path: Some(path.to_owned()) }).unwrap();
        let mut content = Vec::new();
        loop {
            let (range, reply) = self.read(&BackupReadFile::new(64 * 1024).unwrap()).unwrap();
            if range.is_empty() {
                break;
            }
            content.extend_from_slice(&reply[range]);
        }
        self.call(&BackupCloseFile).unwrap();
        assert_eq!(u64::try_from(content.len()).unwrap(), length);
        content
    }

    /// Stores the listed files under their last names; which generations the logs are.
    pub(crate) fn store(&mut self, list: &NameList, into: &Path) -> Vec<u32> {
        fs::create_dir_all(into).unwrap();
        let mut generations = Vec::new();
        for name in &list.names {
            let local = name.local_name().unwrap();
            fs::write(into.join(local), self.download(name.path())).unwrap();
            generations.extend(certdb::Generation::of_file_name(local).map(|generation| generation.0));
        }
        generations
    }

    fn property(&mut self, id: i32, kind: i32) -> Result<Vec<u8>, u32> {
        self.call(&GetCaProperty { authority: Some(NAME.to_owned()), id, index: 0, property_type: kind })
    }

    fn entry(&mut self, authority: &str, node: &str, entry: &str) -> Result<Variant, u32> {
        self.call(&GetConfigEntry {
            authority: Some(authority.to_owned()),
            node: Some(node.to_owned()),
            entry: entry.to_owned(),
        })
    }
}

#[test]
fn a_full_backup_gives_out_the_database_and_its_logs() {
    let place = place(&["operator"]);
    let server = place.serve();
    let mut session = Session::open(&server, "operator");
    session.prepare(0).unwrap();
    let locations = session.call(&RestoreGetDatabaseLocations).unwrap();
    let text: Vec<String> =
        locations.names.iter().map(|name| format!("{:?} {}", name.file_type().unwrap(), name.path())).collect();
    assert_eq!(
        text,
        [
            r"Database \\ca01\CertSrv$\DataBase\Test CA.db",
            r"LogDirectory \\ca01\CertSrv$\Log",
            r"CheckpointDirectory \\ca01\CertSrv$\DataBase",
        ]
    );
    let set = place.path("set");
    let databases = session.call(&BackupGetAttachmentInformation).unwrap();
    assert_eq!(databases.paths(FileType::Database).collect::<Vec<_>>(), [r"\\ca01\CertSrv$\DataBase\Test CA.db"]);
    session.store(&databases, &set);
    let logs = session.call(&BackupGetBackupLogs).unwrap();
    assert_eq!(logs.paths(FileType::Log).collect::<Vec<_>>(), [r"\\ca01\CertSrv$\Log\edb00001.log"]);
    session.store(&logs, &set);
    let dynamic = session.call(&BackupGetDynamicFiles).unwrap();
    let dynamic: Vec<&str> = dynamic.names.iter().map(|name| name.path()).collect();
    assert_eq!(dynamic, [r"\\ca01\CertSrv$\CertEnroll\Test CA.crl", r"\\ca01\CertSrv$\CertEnroll\Test CA.crt"]);
    session.call(&BackupTruncateLogs).unwrap();
    session.call(&BackupEnd).unwrap();
    assert!(certdb::set::is_certdb_database(&set.join("Test CA.db")).unwrap());

    let started = &place.audited("backup_started")[0];
    assert_eq!((&started["kind"], &started["caller"]["account"]), (&json!("full"), &json!("operator")));
    assert!(started["caller"]["address"].as_str().unwrap().starts_with("127.0.0.1:"));
    let ended = &place.audited("backup_ended")[0];
    assert_eq!(
        (&ended["outcome"], &ended["files"], &ended["truncated"]),
        (&json!("complete"), &json!(2), &json!(true))
    );
    assert_eq!(place.audited("logs_truncated").len(), 1);

    session.prepare(1).unwrap();
    assert_eq!(session.call(&BackupGetAttachmentInformation).unwrap_err(), 0xC800_0209);
    session.call(&BackupEnd).unwrap();
}

#[test]
fn a_backup_that_ends_before_everything_was_read_is_not_audited_as_complete() {
    let place = place(&["operator"]);
    let server = place.serve();
    let mut session = Session::open(&server, "operator");
    let outcome = || place.audited("backup_ended").last().unwrap()["outcome"].clone();
    session.prepare(0).unwrap();
    let databases = session.call(&BackupGetAttachmentInformation).unwrap();
    session.store(&databases, &place.path("set"));
    session.call(&BackupEnd).unwrap();
    assert_eq!(outcome(), "incomplete", "the logs were not asked for");

    session.prepare(0).unwrap();
    let databases = session.call(&BackupGetAttachmentInformation).unwrap();
    session.store(&databases, &place.path("set"));
    let logs = session.call(&BackupGetBackupLogs).unwrap();
    session.call(&BackupOpenFile { path: Some(logs.names[0].path().to_owned()) }).unwrap();
    session.read(&BackupReadFile::new(4096).unwrap()).unwrap();
    session.call(&BackupCloseFile).unwrap();
    session.call(&BackupEnd).unwrap();
    assert_eq!(outcome(), "incomplete", "a log was not read to its end");

    session.prepare(0).unwrap();
    let databases = session.call(&BackupGetAttachmentInformation).unwrap();
    session.store(&databases, &place.path("set"));
    let logs = session.call(&BackupGetBackupLogs).unwrap();
    session.store(&logs, &place.path("set"));
    session.call(&BackupEnd).unwrap();
    assert_eq!(outcome(), "complete", "truncation is not part of it");
}

#[test]
fn calls_out_of_order_are_refused_and_change_nothing() {
    let place = place(&["operator"]);
    let server = place.serve();
    let mut session = Session::open(&server, "operator");
    let path = || BackupOpenFile { path: Some(r"\\ca01\CertSrv$\DataBase\Test CA.db".to_owned()) };
    assert_eq!(session.call(&BackupEnd), Err(0x8000_FFFF));
    assert_eq!(session.call(&BackupGetAttachmentInformation), Err(0xC800_0209));
    assert_eq!(session.call(&path()), Err(0x8000_FFFF));
    session.prepare(0).unwrap();
    assert_eq!(session.prepare(0), Err(0x8000_FFFF));
    assert_eq!(session.call(&path()), Err(0x8007_0057), "not listed yet");
    session.call(&BackupGetAttachmentInformation).unwrap();
    for strange in [r"C:\secret", "/etc/passwd", r"\\ca01\CertSrv$\DataBase\..\key.pem", ""] {
        assert_eq!(session.call(&BackupOpenFile { path: Some(strange.to_owned()) }), Err(0x8007_0057), "{strange}");
    }
    assert_eq!(session.call(&BackupCloseFile), Err(0x8000_FFFF));
    assert_eq!(session.call(&BackupReadFile::new(4096).unwrap()), Err(0x8000_FFFF));
    session.call(&path()).unwrap();
    assert_eq!(session.call(&path()), Err(0x8000_FFFF), "one file at a time");
    assert_eq!(session.call(&BackupEnd), Err(0x8000_FFFF), "a file is open");
    session.call(&BackupCloseFile).unwrap();
    session.call(&BackupGetBackupLogs).unwrap();
    assert_eq!(session.call(&BackupTruncateLogs), Err(0x8000_FFFF), "the files have not been read");
    session.call(&BackupEnd).unwrap();
}

#[test]
fn the_database_says_why_it_refuses() {
    let place = place(&["operator", "administrator"]);
    {
        let server = place.serve();
        let mut one = Session::open(&server, "operator");
        let mut other = Session::open(&server, "operator");
        assert_eq!(one.prepare(1), Err(0xC800_0230), "no full backup yet");
        one.prepare(0).unwrap();
        assert_eq!(other.prepare(0), Err(0xC800_01F9), "one backup at a time");
        one.call(&BackupEnd).unwrap();
        other.prepare(0).unwrap();
        let wrong = BackupPrepare { authority: Some("Other CA".to_owned()), grbit: 0 };
        assert_eq!(one.call(&wrong), Err(0x8007_0057));
        server.terminate();
    }
    assert_eq!(place.audited("backup_ended").last().unwrap()["outcome"], "given up", "the server stopped");
    place.configure("circular_logging = false", "circular_logging = true");
    let server = place.serve();
    assert_eq!(Session::open(&server, "operator").prepare(1), Err(0xC800_020E));
}

#[test]
fn a_lost_client_does_not_hold_the_backup() {
    let place = place(&["operator"]);
    let server = place.serve();
    let mut lost = Session::open(&server, "operator");
    lost.prepare(0).unwrap();
    drop(lost);
    let mut next = Session::open(&server, "operator");
    let until = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while next.prepare(0).is_err() {
        assert!(std::time::Instant::now() < until, "the session of the lost client is still open");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    assert_eq!(place.audited("backup_ended")[0]["outcome"], "given up");
}

#[test]
fn only_operators_back_up_and_only_readers_read() {
    let place = place(&["administrator", "officer", "auditor", "operator", "read", "enroll"]);
    let server = place.serve();
    for (user, backs_up, bits) in [
        ("administrator", false, 0x101),
        ("officer", false, 0x102),
        ("auditor", false, 0x104),
        ("operator", true, 0x108),
        ("read", false, 0x100),
        ("enroll", false, 0x300),
    ] {
        let mut session = Session::open(&server, user);
        assert_eq!(session.prepare(0).is_ok(), backs_up, "{user}");
        if !backs_up {
            assert_eq!(session.prepare(0), Err(0x8007_0005), "{user}");
            assert_eq!(session.call(&RestoreGetDatabaseLocations), Err(0x8007_0005), "{user}");
        }
        assert_eq!(
            session.call(&GetMyRoles { authority: Some(NAME.to_owned()) }).unwrap(),
            Roles::from_bits_retain(bits)
        );
        assert_eq!(session.call(&GetServerState { authority: Some(NAME.to_owned()) }), Ok(1));
        drop(session);
    }
    let denied = place.audited("access_denied");
    assert_eq!(denied[0]["caller"]["account"], "administrator");
    assert_eq!(denied[0]["opnum"], 20);
}

#[test]
fn the_interface_flags_close_the_doors() {
    for (flags, name, read, backup) in [
        ("1024", "privacy", true, true),
        ("128", "no local backup", true, false),
        ("32", "no local calls", false, false),
    ] {
        let place = place(&["operator"]);
        place.configure("interface_flags = 1024", &format!("interface_flags = {flags}"));
        let server = place.serve();
        let mut session = Session::open(&server, "operator");
        assert_eq!(session.property(6, 4).is_ok(), read, "{name}");
        let expected = if backup { Ok(()) } else { Err(0x8007_0005) };
        assert_eq!(session.prepare(0), expected, "{name}");
    }
}

#[test]
fn role_separation_takes_everything_from_an_account_that_mixes_roles() {
    let place = place(&["operator"]);
    place.configure("role_separation = false", "role_separation = true");
    let file = place.path("password");
    place.ok(&["account", "add", "both", "--role", "operator,officer", "--password-file", file.to_str().unwrap()]);
    let server = place.serve();
    let mut both = Session::open(&server, "both");
    assert_eq!(both.prepare(0), Err(0x8007_0005));
    assert_eq!(both.property(6, 4), Err(0x8007_0005));
    assert_eq!(Session::open(&server, "operator").prepare(0), Ok(()));
}

#[test]
fn an_account_that_is_removed_has_no_roles_from_the_next_call_on() {
    let place = place(&["operator"]);
    let server = place.serve();
    let mut session = Session::open(&server, "operator");
    session.prepare(0).unwrap();
    place.ok(&["account", "remove", "operator"]);
    assert_eq!(session.call(&BackupGetAttachmentInformation), Err(0x8007_0005));
    add(&place, &["operator"]);
    assert!(session.call(&BackupGetAttachmentInformation).is_ok());
}

#[test]
fn wrong_passwords_lock_the_account() {
    let place = place(&["operator", "read"]);
    place.configure("lockout_threshold = 10", "lockout_threshold = 3");
    let server = place.serve();
    let refused = |user, password| match Session::log_on(&server, user, password) {
        Ok(_) => panic!("{user} was let in"),
        Err(error) => assert!(matches!(error, Error::AuthenticationFailed { .. }), "{error:?}"),
    };
    refused("nobody", PASSWORD);
    refused("operator", "wrong");
    refused("operator", "wrong");
    Session::open(&server, "operator");
    for _ in 0..3 {
        refused("Operator", "wrong");
    }
    refused("operator", PASSWORD);
    Session::open(&server, "read");
    let locked = place.audited("account_locked");
    assert_eq!(locked.len(), 1);
    assert_eq!(locked[0]["failures"], 3);
    let accounts = place.json(&["account", "list"]);
    assert_eq!(accounts["accounts"][0], json!({ "name": "operator", "roles": ["operator"], "locked": true }));
}

#[test]
fn server_control_ends_the_server() {
    let place = place(&["operator", "read"]);
    let mut server = place.serve();
    let control = |flags| ServerControl { authority: Some(NAME.to_owned()), flags };
    assert_eq!(Session::open(&server, "read").call(&control(1)), Err(0x8007_0005));
    let mut session = Session::open(&server, "operator");
    assert_eq!(session.call(&control(2)), Ok(()));
    assert_eq!(session.call(&control(9)), Err(0x8007_0057));
    assert_eq!(session.call(&control(1)), Ok(()));
    assert!(server.wait().success());
    assert_eq!(place.audited("service_stopped")[0]["reason"], "ServerControl by operator");
}

#[test]
fn properties_describe_the_ca() {
    let place = place(&["read"]);
    let server = place.serve();
    let mut session = Session::open(&server, "read");
    let text = |bytes: Vec<u8>| csra::ca_property::string_from_bytes(&bytes).unwrap();
    assert_eq!(session.property(6, 4).map(text), Ok(NAME.to_owned()));
    assert_eq!(session.property(7, 4).map(text), Ok(NAME.to_owned()));
    assert_eq!(session.property(0x28, 4).map(text), Ok(NAME.to_owned()));
    assert_eq!(session.property(0x16, 4).map(text), Ok("ca01".to_owned()));
    let information = csra::ca_property::CaInfo::from_bytes(&session.property(0x0A, 1).unwrap()).unwrap();
    assert_eq!((information.ca_type, information.signature_certificates, information.property_id_max), (3, 1, 0x2E));
    let pem = fs::read_to_string(place.certificate()).unwrap();
    let certificate: x509_cert::Certificate = der::DecodePem::from_pem(&pem).unwrap();
    assert_eq!(session.property(0x0C, 3).unwrap(), der::Encode::to_der(&certificate).unwrap());
    assert_eq!(session.property(0x11, 3).unwrap(), fs::read(place.crl()).unwrap());
    for (id, kind, code) in [
        (6, 1, 0x8007_0057),
        (0, 4, 0x8007_0057),
        (0x1000, 4, 0x8007_0057),
        (9, 4, 0x8007_0002),
        (8, 4, 0x8007_0002),
        (0x12, 3, 0x8007_0002),
        (0x0F, 3, 0x8007_0002),
    ] {
        assert_eq!(session.property(id, kind), Err(code), "{id:#x}");
    }
    for id in [0x0D, 0x20] {
        let file = place.path("p7b");
        fs::write(&file, session.property(id, 3).unwrap()).unwrap();
        let mut command = crate::place::openssl(&["pkcs7", "-inform", "DER", "-print_certs", "-in"]);
        assert!(crate::place::succeed(command.arg(&file)).contains("subject=CN = Test CA"));
    }
}

#[test]
fn the_configuration_is_readable_as_a_registry() {
    let place = place(&["read"]);
    let server = place.serve();
    let mut session = Session::open(&server, "read");
    let number = |value| Ok(Variant::I4(value));
    let text = |value: &str| Ok(Variant::Bstr(value.to_owned()));
    assert_eq!(session.entry(NAME, "", "InterfaceFlags"), number(0x400));
    assert_eq!(session.entry(NAME, "", "commonname"), text(NAME));
    assert_eq!(session.entry(NAME, "", "CAType"), number(3));
    assert_eq!(session.entry(NAME, "", "AuditFilter"), number(0x7F));
    assert_eq!(session.entry(NAME, "", "CRLPeriodUnits"), number(168));
    assert_eq!(session.entry(NAME, "", "CRLPeriod"), text("Hours"));
    assert_eq!(session.entry("", "", "Version"), number(0x0007_0001));
    assert_eq!(session.entry("", "", "DBDirectory"), text(place.layout().database().to_str().unwrap()));
    assert_eq!(session.entry("", "", "DBLogDirectory"), text(place.data().join("log").to_str().unwrap()));
    let policy = r"PolicyModules\CertificateAuthority_MicrosoftDefault.Policy";
    assert_eq!(session.entry(NAME, policy, "RequestDisposition"), number(1));
    assert_eq!(session.entry(NAME, policy, "EditFlags"), number(0x146));
    assert_eq!(
        session.entry(NAME, policy, ""),
        Ok(Variant::BstrArray(vec!["EditFlags".into(), "RequestDisposition".into()]))
    );
    let Ok(Variant::BstrArray(names)) = session.entry("", "", "") else { panic!("no names") };
    assert!(names.contains(&"Version".to_owned()));
    assert_eq!(session.entry(NAME, "", "NoSuchThing"), Err(0x8007_0002));
    assert_eq!(session.entry(NAME, "NoSuchNode", "x"), Err(0x8007_0002));
    assert_eq!(session.entry("", "CSP", "Provider"), Err(0x8007_0057));
    assert_eq!(session.entry("Other CA", "", "CAType"), Err(0x8007_0057));
    let ping = |authority: &str| Ping { authority: Some(authority.to_owned()) };
    assert_eq!(session.call(&ping("TEST ca")), Ok(()));
    assert_eq!(session.call(&ping("Other CA")), Err(0x8007_0057));
}
