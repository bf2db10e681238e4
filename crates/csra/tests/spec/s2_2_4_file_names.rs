use csra::names::{FileName, FileType, ListError, NameError, NameList, Prefix};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::support::{DATABASE, name};

fn units(text: &str) -> Vec<u16> {
    text.encode_utf16().collect()
}

fn typed(text: &str) -> Result<NameList, ListError> {
    NameList::from_units(&units(text), Prefix::Typed)
}

fn list(names: &[FileName]) -> NameList {
    NameList::new(names.to_vec())
}

#[test]
fn types_are_those_of_certbcli() {
    let types = [
        (FileType::Database, 0x44, false),
        (FileType::Log, 0x21, false),
        (FileType::PatchFile, 0x25, false),
        (FileType::LogDirectory, 0x82, true),
        (FileType::CheckpointDirectory, 0x83, true),
        (FileType::Unknown(0x0F), 0x0F, false),
    ];
    for (file_type, code, is_directory) in types {
        assert_eq!(FileType::from_code(code), Some(file_type));
        assert_eq!((file_type.code(), file_type.is_directory()), (code, is_directory));
    }
}

#[test]
fn a_list_is_names_with_nuls_and_one_nul_more() {
    let names = list(&[name(FileType::Database, r"\\ca\d$\CA.edb"), name(FileType::LogDirectory, r"\\ca\d$\log")]);
    let text = "D\\\\ca\\d$\\CA.edb\0\u{82}\\\\ca\\d$\\log\0\0";
    assert_eq!(names.to_units(), units(text));
    assert_eq!(typed(text), Ok(names));
}

#[test]
fn one_nul_at_the_end_will_do_and_so_will_three() {
    let names = list(&[name(FileType::Log, r"\\ca\edb00001.log")]);
    for end in ["\0", "\0\0", "\0\0\0"] {
        assert_eq!(typed(&format!("!\\\\ca\\edb00001.log{end}")), Ok(names.clone()));
    }
}

#[test]
fn nothing_and_nothing_but_nuls_are_the_empty_list() {
    for text in ["", "\0", "\0\0"] {
        assert_eq!(typed(text), Ok(NameList::default()));
    }
    assert!(NameList::default().to_units().is_empty());
}

#[test]
fn a_name_that_begins_with_a_backslash_has_no_type() {
    // The example of section 4 lists a file without one.
    let path = r"\\servername\e$\winnt\system32\certlog\rootca.edb";
    assert_eq!(typed(&format!("{path}\0\0")), Ok(list(&[FileName::new(None, path).unwrap()])));
}

#[test]
fn names_of_dynamic_files_are_bare() {
    let names = NameList::from_units(&units("D.crl\0\0"), Prefix::Bare).unwrap();
    assert_eq!(names, list(&[FileName::new(None, "D.crl").unwrap()]));
}

#[test]
fn malformed_lists_are_refused_with_the_place() {
    assert_eq!(typed("!\\\\a\0!\\\\b"), Err(ListError::Unterminated { at: 5 }));
    assert_eq!(typed("!\\\\a\0\0!\\\\b\0"), Err(ListError::AfterEnd { at: 5 }));
    assert_eq!(typed("!\\\\a\0D\0\0"), Err(ListError::Name { at: 5, source: NameError::Empty }));
    for broken in [[0x44, 0xD800, 0], [0xD800, 0x41, 0]] {
        assert_eq!(NameList::from_units(&broken, Prefix::Typed), Err(ListError::Text { at: 0 }));
    }
    assert_eq!(NameList::from_bytes(b"!\0\\\0a\0\0", Prefix::Typed), Err(ListError::OddLength { length: 7 }));
}

/// certbkxp.dat: what Windows tools keep of RestoreGetDatabaseLocations.
#[test]
fn the_bytes_of_a_list_are_utf_16_and_survive() {
    let names = list(&[name(FileType::CheckpointDirectory, r"\\ca\é")]);
    let bytes = names.to_bytes();
    assert_eq!(bytes, b"\x83\0\\\0\\\0c\0a\0\\\0\xE9\0\0\0\0\0", "type, path, two NULs");
    assert_eq!(NameList::from_bytes(&bytes, Prefix::Typed), Ok(names));
    assert_eq!(NameList::default().to_bytes(), [0; 4]);
}

#[test]
fn paths_of_one_type_come_without_it() {
    let names = list(&[name(FileType::Database, "a"), name(FileType::Log, "b"), name(FileType::Database, "c")]);
    let paths: Vec<_> = names.paths(FileType::Database).collect();
    assert_eq!(paths, ["a", "c"]);
}

#[test]
fn what_would_end_a_list_early_is_no_name() {
    assert_eq!(FileName::new(None, ""), Err(NameError::Empty));
    assert_eq!(FileName::new(None, "a\0b"), Err(NameError::Nul));
    for code in [0, 0x5C, 0xDC00, 0x44] {
        assert_eq!(FileName::new(Some(FileType::Unknown(code)), "a"), Err(NameError::Type { code }));
    }
}

#[test]
fn the_local_name_is_the_last_component() {
    let local = |path: &str| FileName::new(None, path).unwrap().local_name().map(str::to_owned);
    assert_eq!(local(DATABASE), Ok("RootCA.edb".into()));
    assert_eq!(local("RootCA.edb"), Ok("RootCA.edb".into()));
    assert_eq!(local(r"\\ca\x\Köln CA.edb"), Ok("Köln CA.edb".into()));
    assert_eq!(local(r"\\ca\x\.hidden"), Ok(".hidden".into()));
    assert_eq!(local(r"\\ca\x\COMMON.edb"), Ok("COMMON.edb".into()));
    assert_eq!(local(r"\\ca\x\com10.log"), Ok("com10.log".into()));
}

#[test]
fn names_that_are_no_harmless_file_are_refused() {
    let long = format!(r"\\ca\{}", "é".repeat(128));
    let cases = [
        (r"\\ca\x\", "it is empty"),
        (r"\\ca\x\.", "it names a directory"),
        (r"\\ca\x\..", "it names a directory"),
        (&long, "it is longer than 255 bytes"),
        (r"\\ca\x\a/b", "it contains a separator"),
        (r"\\ca\x\../../etc/passwd", "it contains a separator"),
        (r"/etc/passwd", "it contains a separator"),
        (r"\\ca\x\C:", "it contains a separator"),
        (r"\\ca\x\a.edb:stream", "it contains a separator"),
        (r"\\ca\x\a*", "it contains a character that Windows does not allow"),
        ("\\\\ca\\a\nb", "it contains a control character"),
        ("\\\\ca\\a\u{7F}", "it contains a control character"),
        ("\\\\ca\\a\u{85}", "it contains a control character"),
        ("\\\\ca\\\u{202E}gol.exe", "it contains an invisible character"),
        ("\\\\ca\\a\u{200B}", "it contains an invisible character"),
        (r"\\ca\x\a.", "it ends in a dot or a space"),
        (r"\\ca\x\a ", "it ends in a dot or a space"),
        (r"\\ca\x\nul", "it names a device"),
        (r"\\ca\x\NUL.edb", "it names a device"),
        (r"\\ca\x\CON .edb", "it names a device"),
        (r"\\ca\x\Com1", "it names a device"),
        (r"\\ca\x\LPT¹.log", "it names a device"),
        (r"\\ca\x\conin$", "it names a device"),
    ];
    for (path, expected) in cases {
        match FileName::new(None, path).unwrap().local_name() {
            Err(NameError::NotLocal { reason, .. }) => assert_eq!(reason, expected, "{path:?}"),
            other => panic!("{path:?} gave {other:?}"),
        }
    }
}

fn file_names() -> impl Strategy<Value = FileName> {
    let types = any::<u16>().prop_filter_map("no type", FileType::from_code);
    let path = vec(any::<char>().prop_filter("NUL", |c| *c != '\0'), 1..20)
        .prop_map(|characters| characters.into_iter().collect::<String>());
    (types, path).prop_map(|(file_type, path)| name(file_type, &path))
}

proptest! {
    #[test]
    fn lists_survive(names in vec(file_names(), 0..8)) {
        let names = NameList::new(names);
        prop_assert_eq!(&NameList::from_units(&names.to_units(), Prefix::Typed).unwrap(), &names);
        prop_assert_eq!(&NameList::from_bytes(&names.to_bytes(), Prefix::Typed).unwrap(), &names);
    }

    #[test]
    fn any_units_are_a_list_that_survives_or_an_error(units: Vec<u16>, bare: bool) {
        let prefix = if bare { Prefix::Bare } else { Prefix::Typed };
        if let Ok(names) = NameList::from_units(&units, prefix) {
            prop_assert_eq!(NameList::from_units(&names.to_units(), prefix).unwrap(), names);
        }
    }

    #[test]
    fn a_local_name_stays_in_its_directory(path in "[a.\\\\/:]{1,12}") {
        let name = FileName::new(None, path).unwrap();
        if let Ok(local) = name.local_name() {
            let joined = std::path::Path::new("/backup").join(local);
            prop_assert_eq!(joined.parent(), Some(std::path::Path::new("/backup")));
            prop_assert_eq!(joined.components().count(), 3);
        }
    }
}
