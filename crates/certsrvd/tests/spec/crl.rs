use std::fs;
use std::time::{Duration, Instant};

use certsrvd::authority::Authority;
use certsrvd::configuration::Configuration;
use certsrvd::filetime::FileTime;
use serde_json::json;

use crate::place::{Place, authority, caller, openssl, succeed};

#[test]
fn a_list_has_number_key_identifier_and_next_update() {
    let ca = authority(|configuration| {
        configuration.crl.period_hours = 24;
        configuration.crl.overlap_hours = 2;
    });
    let published = ca.authority.publish_crl(&caller()).unwrap();
    assert_eq!(published.number, 2, "the first one was made with the CA");
    let own = ca.authority.directory().certificate();
    let mut command = openssl(&["crl", "-inform", "DER", "-noout", "-text", "-CAfile"]);
    let output = command.arg(own).arg("-in").arg(ca.authority.crl_file()).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("verify OK"));
    let text = String::from_utf8(output.stdout).unwrap();
    for expected in ["Version 2 (0x1)", "X509v3 CRL Number: \n                2", "X509v3 Authority Key Identifier"] {
        assert!(text.contains(expected), "{expected} is not in\n{text}");
    }
    let seconds = |text: &str| FileTime::parse_rfc3339(text).unwrap().unix_seconds();
    assert_eq!(seconds(&published.next_update) - seconds(&published.this_update), 26 * 3600 + 600);
}

#[test]
fn the_number_never_falls_not_even_when_the_database_knows_less_than_the_file() {
    let ca = authority(|_| {});
    for _ in 0..3 {
        ca.authority.publish_crl(&caller()).unwrap();
    }
    let forget = ca.authority.database().write(|transaction| transaction.execute("DELETE FROM CRLs", []));
    forget.unwrap();
    assert_eq!(ca.authority.publish_crl(&caller()).unwrap().number, 5);
}

#[test]
fn a_stored_list_that_a_crash_kept_from_the_file_is_published_at_the_next_start() {
    let place = Place::with_authority();
    place.ok(&["crl", "publish"]);
    let newest = fs::read(place.crl()).unwrap();
    fs::remove_file(place.crl()).unwrap();
    place.serve().terminate();
    assert_eq!(fs::read(place.crl()).unwrap(), newest);
}

#[test]
fn a_running_server_publishes_the_list_that_is_due() {
    let place = Place::with_authority();
    place.serve().terminate();
    assert_eq!(place.audited("crl_published").len(), 1, "nothing is due");

    let configuration = Configuration::load(&place.layout().configuration()).unwrap();
    let ca = Authority::open(place.layout(), configuration, None).unwrap();
    let past = FileTime::now().minus(Duration::from_secs(60)).0;
    ca.database().write(move |transaction| transaction.execute("UPDATE CRLs SET CRLNextPublish = ?1", [past])).unwrap();
    ca.database().clone().close().unwrap();
    let server = place.serve();
    let deadline = Instant::now() + Duration::from_secs(20);
    while place.audited("crl_published").len() < 2 && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(50));
    }
    let published = place.audited("crl_published");
    assert_eq!((&published[1]["number"], &published[1]["caller"]["via"]), (&json!(2), &json!("server")));
    assert!(server.terminate().success());
}

#[test]
fn the_row_says_whether_the_file_was_written() {
    let ca = authority(|_| {});
    let row = || {
        let read = ca.authority.database().read(|connection| {
            connection.query_row(
                "SELECT CRLPublishFlags, CRLPublishStatusCode, CRLPublishAttempts FROM CRLs ORDER BY CRLRowId DESC LIMIT 1",
                [],
                |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?)),
            )
        });
        read.map_err(|error: certdb::ReadError<rusqlite::Error>| error.to_string()).unwrap()
    };
    assert_eq!(row(), (0x45, 0, 1), "base, complete, manual");
    let crls = ca.authority.directory().crls();
    fs::remove_dir_all(&crls).unwrap();
    fs::write(&crls, "in the way").unwrap();
    assert!(ca.authority.publish_crl(&caller()).is_err());
    let (flags, status, attempts) = row();
    assert_eq!((flags, attempts), (0x241, 1), "base, manual, file error");
    assert_ne!(status, 0);
    fs::remove_file(&crls).unwrap();
    fs::create_dir(&crls).unwrap();
    ca.authority.republish_crl().unwrap();
    assert_eq!(row(), (0x45, 0, 2));
    succeed(openssl(&["crl", "-inform", "DER", "-noout", "-in"]).arg(ca.authority.crl_file()));
}
