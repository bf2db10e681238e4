use std::io::Write;
use std::path::Path;

use cabak::credentials::{Sources, read_password};
use cabak::exit::{Exit, classify};
use zeroize::Zeroizing;

fn file(content: &[u8]) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(content).unwrap();
    file
}

#[test]
fn the_password_is_the_first_line_and_nothing_is_trimmed_from_it() {
    for (content, password) in [
        ("secret", "secret"),
        ("secret\n", "secret"),
        ("secret\r\n", "secret"),
        (" s p \nsecond", " s p "),
        ("", ""),
        ("ü\n", "ü"),
    ] {
        assert_eq!(read_password(file(content.as_bytes()).path()).unwrap().as_str(), password);
    }
}

#[test]
fn the_password_file_wins_over_the_environment() {
    let file = file(b"from the file");
    let sources = Sources {
        user: Some("CORP\\svc".to_owned()),
        password_file: Some(file.path().to_owned()),
        password: Some(Zeroizing::new("from the environment".to_owned())),
        may_prompt: false,
    };
    let credentials = sources.credentials().unwrap();
    assert_eq!((credentials.domain.as_str(), credentials.user.as_str()), ("CORP", "svc"));
    assert_eq!(credentials.password.as_str(), "from the file");
    let sources = Sources { password_file: None, ..sources };
    assert_eq!(sources.credentials().unwrap().password.as_str(), "from the environment");
}

#[test]
fn nobody_is_asked_without_a_terminal() {
    let sources = Sources { user: Some("svc".to_owned()), password_file: None, password: None, may_prompt: false };
    assert_eq!(classify(&sources.credentials().unwrap_err()).0, Exit::Usage);
    let sources = Sources { user: None, ..sources };
    assert_eq!(classify(&sources.credentials().unwrap_err()).0, Exit::Usage);
}

#[test]
fn a_password_file_without_a_password_ends_with_2_before_anything_is_sent() {
    let empty = file(b"\n");
    let not_text = file(&[0xFF, 0xFE]);
    for path in [empty.path(), not_text.path(), Path::new("/nonexistent/password"), Path::new("/")] {
        let path = Some(path.to_owned());
        let sources = Sources { user: Some("svc".to_owned()), password_file: path, password: None, may_prompt: false };
        let (exit, hint) = classify(&sources.credentials().unwrap_err());
        assert_eq!(exit, Exit::Usage, "{:?}", sources.password_file);
        assert!(hint.is_some());
    }
}
