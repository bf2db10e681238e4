use csra::{Hresult, hresult};

#[test]
fn codes_are_those_of_the_table() {
    assert_eq!(hresult::INVALID_PARAMETER.0, 0x8007_0057);
    assert_eq!(hresult::UNEXPECTED.0, 0x8000_FFFF);
    assert_eq!(hresult::ACCESS_DENIED.0, 0x8007_0005);
    assert_eq!(hresult::DATABASE_OUT_OF_MEMORY.0, 0xC800_042D);
}

#[test]
fn database_errors_follow_one_rule() {
    let codes = [
        (hresult::BACKUP_IN_PROGRESS, -505, 0xC800_01F9),
        (hresult::RESTORE_IN_PROGRESS, -506, 0xC800_01FA),
        (hresult::INVALID_BACKUP_SEQUENCE, -521, 0xC800_0209),
        (hresult::BACKUP_NOT_ALLOWED_YET, -523, 0xC800_020B),
        (hresult::INVALID_BACKUP, -526, 0xC800_020E),
        (hresult::MISSING_LOG_FILE, -528, 0xC800_0210),
        (hresult::MISSING_FULL_BACKUP, -560, 0xC800_0230),
        (hresult::MISSING_FILE_TO_BACKUP, -569, 0xC800_0239),
        (hresult::BACKUP_ABORTED_BY_SERVER, -801, 0xC800_0321),
        (hresult::READ_VERIFY_FAILURE, -1018, 0xC800_03FA),
        (hresult::JET_FILE_NOT_FOUND, -1811, 0xC800_0713),
    ];
    for (code, jet, number) in codes {
        assert_eq!(code.0, number);
        assert_eq!(hresult::from_jet(jet), code);
        assert_eq!(hresult::to_jet(code), Some(jet));
    }
}

#[test]
fn other_codes_are_no_database_errors() {
    for code in [0x8007_0057, 0xC801_0209, 0xC800_8000, 0] {
        assert_eq!(hresult::to_jet(Hresult(code)), None);
    }
}
