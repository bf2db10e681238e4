use std::io;

use cabak::manifest::Kind;
use cabak::output::{plain, with_causes};
use cabak::verify::Recovered;

fn lost(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> certadm::Error {
    certadm::Error::ConnectionLost { host: "ca01".to_owned(), source: source.into() }
}

#[test]
fn causes_follow_what_they_caused() {
    let error = anyhow::Error::from(lost(io::Error::other("reset by peer"))).context("cannot read the database");
    let expected = "cannot read the database: the connection to ca01 is lost: reset by peer";
    assert_eq!(with_causes(error.as_ref()), expected);
}

#[test]
fn nothing_is_said_twice() {
    // Two layers call it the same; the cause below them still shows.
    let error = lost(lost(io::Error::other("reset by peer")));
    assert_eq!(with_causes(&error), "the connection to ca01 is lost: reset by peer");
    let source = certadm::SequenceError::NotPrepared;
    let rule = source.to_string();
    let error = certadm::Error::Sequence { method: "BackupEnd", source };
    assert_eq!(with_causes(&error), format!("BackupEnd is not possible now: {rule}"));
}

#[test]
fn figures_and_kinds_agree_with_their_nouns() {
    let of =
        |transactions, pages| Recovered { first: 1, last: 0x1A, transactions, pages, last_commit: None }.to_string();
    assert_eq!(of(1, 1), "recovered with logs 0x1 to 0x1a: 1 transaction replayed, 1 page, integrity ok");
    assert_eq!(of(0, 2), "recovered with logs 0x1 to 0x1a: 0 transactions replayed, 2 pages, integrity ok");
    assert_eq!((Kind::Full.with_article(), Kind::Incremental.with_article()), ("a full", "an incremental"));
}

#[test]
fn what_a_database_says_is_one_line_that_a_terminal_shows_and_does_not_obey() {
    for (text, shown) in [
        ("CORP\\J\u{f6}rg \u{2764} (IT), \"x\"", "CORP\\J\u{f6}rg \u{2764} (IT), \"x\""),
        ("\u{1b}[2J\u{7}", "\\u{1b}[2J\\u{7}"),
        ("a\tb\r\nc", "a\\tb\\r\\nc"),
        ("\u{9b}31m\u{7f}", "\\u{9b}31m\\u{7f}"),
        ("\u{202e}gpj.exe\u{2066}\u{2028}", "\\u{202e}gpj.exe\\u{2066}\\u{2028}"),
    ] {
        assert_eq!(plain(text), shown);
    }
}
