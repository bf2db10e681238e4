use cabak::manifest::{DatabaseFormat, Directory, Kind, Manifest, ManifestError, SetPath};
use expect_test::expect;

use crate::sample;

#[test]
fn what_is_written_is_read_back() {
    let mut manifest = sample::manifest(Kind::Incremental);
    manifest.based_on = Some("2026-11-20T113322Z".to_owned());
    let bytes = manifest.to_bytes().unwrap();
    assert_eq!(Manifest::from_bytes(&bytes).unwrap(), manifest);
}

#[test]
fn every_flipped_bit_of_a_value_is_noticed() {
    let manifest = sample::manifest(Kind::Full);
    let bytes = manifest.to_bytes().unwrap();
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1 << bit;
            // White space may turn into other white space; the content is then the same.
            if let Ok(read) = Manifest::from_bytes(&damaged) {
                assert_eq!(read, manifest, "byte {at}, bit {bit}");
            }
        }
    }
}

#[test]
fn a_truncated_file_is_noticed() {
    let bytes = sample::manifest(Kind::Full).to_bytes().unwrap();
    for length in 0..bytes.len() - 2 {
        assert!(Manifest::from_bytes(&bytes[..length]).is_err(), "{length} bytes");
    }
}

#[test]
fn the_seal_does_not_depend_on_order_or_white_space() {
    let manifest = sample::manifest(Kind::Full);
    let value: serde_json::Value = serde_json::from_slice(&manifest.to_bytes().unwrap()).unwrap();
    let members = value.as_object().unwrap();
    let reversed: Vec<String> = members
        .iter()
        .rev()
        .map(|(name, value)| format!("{}:{value}", serde_json::Value::from(name.as_str())))
        .collect();
    let text = format!("{{{}}}", reversed.join(" ,\n"));
    assert_eq!(Manifest::from_bytes(text.as_bytes()).unwrap(), manifest);
}

#[test]
fn a_newer_version_is_refused_by_its_number() {
    let text = r#"{"format":"cabak-set","version":2,"seal":"whatever a newer program writes"}"#;
    assert!(matches!(Manifest::from_bytes(text.as_bytes()), Err(ManifestError::TooNew { version: 2 })));
}

#[test]
fn other_json_is_foreign() {
    for text in ["{}", "[]", "1", r#"{"format":"something else"}"#] {
        assert!(matches!(Manifest::from_bytes(text.as_bytes()), Err(ManifestError::Foreign)), "{text}");
    }
}

#[test]
fn deep_nesting_is_refused_without_a_crash() {
    let text = "[".repeat(1_000_000);
    assert!(matches!(Manifest::from_bytes(text.as_bytes()), Err(ManifestError::Malformed(_))));
}

#[test]
fn no_path_leads_out_of_a_set() {
    let wrong = [
        "",
        "DataBase",
        "DataBase/",
        "DataBase/..",
        "DataBase/.",
        "DataBase/a/b",
        "/etc/passwd",
        "../x/y",
        "Other/x",
        "DataBase/a\\b",
        "DataBase/c:x",
        "DataBase/a\nb",
        "DataBase/\0",
        "database/x",
    ];
    for text in wrong {
        assert!(SetPath::try_from(text.to_owned()).is_err(), "{text:?}");
    }
    let long = format!("DataBase/{}", "x".repeat(256));
    assert!(SetPath::try_from(long).is_err());
    let path = SetPath::try_from("DataBase/Contoso Issuing CA 1.edb".to_owned()).unwrap();
    assert_eq!(path, SetPath::new(Directory::DataBase, "Contoso Issuing CA 1.edb").unwrap());
}

#[test]
fn a_database_is_known_by_its_first_bytes() {
    let mut ese = [0; 16];
    ese[4..8].copy_from_slice(&0x89AB_CDEF_u32.to_le_bytes());
    assert_eq!(DatabaseFormat::detect(&ese), DatabaseFormat::Ese);
    assert_eq!(DatabaseFormat::detect(b"SQLite format 3\0rest"), DatabaseFormat::Certdb);
    assert_eq!(DatabaseFormat::detect(b""), DatabaseFormat::Unknown);
    assert_eq!(DatabaseFormat::detect(&[0; 16]), DatabaseFormat::Unknown);
}

#[test]
fn the_file_looks_like_this() {
    let text = String::from_utf8(sample::manifest(Kind::Full).to_bytes().unwrap()).unwrap();
    let expected = expect![[r#"
        {
          "format": "cabak-set",
          "version": 1,
          "started": "2026-11-21T11:33:22Z",
          "finished": "2026-11-21T11:34:00Z",
          "taken_by": {
            "program": "cabak 0.1.0",
            "account": "CORP\\svc-backup"
          },
          "authority": {
            "host": "ca01",
            "name": "Test CA",
            "sanitized_name": "Test CA",
            "server_version": null
          },
          "kind": "full",
          "based_on": null,
          "database_format": "ese",
          "logs": null,
          "files": [],
          "dynamic": [],
          "missing": [
            {
              "item": "private keys of the CA",
              "how": "certutil -backupKey"
            }
          ],
          "verification": {
            "level": "hashes",
            "at": null
          },
          "truncated": null,
          "seal": "sha256:35ccbca945c9395fae2efa585468926bc12bdf8e9b44fb25e70c2d7ca8ce625f"
        }
    "#]];
    expected.assert_eq(&text);
}
