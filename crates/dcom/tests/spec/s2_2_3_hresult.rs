use dcom::{ErrorStatus, Hresult};

#[test]
fn only_zero_is_success() {
    assert_eq!(Hresult::OK.ok(), Ok(()));
    for code in [1, 0x8000_4005, 0x7FFF_FFFF] {
        assert_eq!(Hresult(code).ok(), Err(Hresult(code)));
    }
    assert_eq!(ErrorStatus(0).ok(), Ok(()));
    assert_eq!(ErrorStatus(5).ok(), Err(ErrorStatus::ACCESS_DENIED));
}

#[test]
fn codes_are_those_of_the_windows_headers() {
    let codes = [
        (Hresult::OK, 0x0000_0000, "S_OK"),
        (Hresult::NOT_IMPLEMENTED, 0x8000_4001, "E_NOTIMPL"),
        (Hresult::NO_INTERFACE, 0x8000_4002, "E_NOINTERFACE"),
        (Hresult::FAIL, 0x8000_4005, "E_FAIL"),
        (Hresult::UNEXPECTED, 0x8000_FFFF, "E_UNEXPECTED"),
        (Hresult::DISCONNECTED, 0x8001_0108, "RPC_E_DISCONNECTED"),
        (Hresult::VERSION_MISMATCH, 0x8001_0110, "RPC_E_VERSION_MISMATCH"),
        (Hresult::INVALID_HEADER, 0x8001_0111, "RPC_E_INVALID_HEADER"),
        (Hresult::INVALID_OBJECT, 0x8001_0114, "RPC_E_INVALID_OBJECT"),
        (Hresult::INVALID_OBJREF, 0x8001_011D, "RPC_E_INVALID_OBJREF"),
        (Hresult::CLASS_NOT_REGISTERED, 0x8004_0154, "REGDB_E_CLASSNOTREG"),
        (Hresult::NO_AGGREGATION, 0x8004_0110, "CLASS_E_NOAGGREGATION"),
        (Hresult::OBJECT_NOT_REGISTERED, 0x8004_01FB, "CO_E_OBJNOTREG"),
        (Hresult::FILE_NOT_FOUND, 0x8007_0002, "ERROR_FILE_NOT_FOUND"),
        (Hresult::ACCESS_DENIED, 0x8007_0005, "E_ACCESSDENIED"),
        (Hresult::INVALID_HANDLE, 0x8007_0006, "E_HANDLE"),
        (Hresult::INVALID_DATA, 0x8007_000D, "ERROR_INVALID_DATA"),
        (Hresult::OUT_OF_MEMORY, 0x8007_000E, "E_OUTOFMEMORY"),
        (Hresult::INVALID_ARGUMENT, 0x8007_0057, "E_INVALIDARG"),
        (Hresult::SERVER_UNAVAILABLE, 0x8007_06BA, "RPC_S_SERVER_UNAVAILABLE"),
    ];
    for (code, number, name) in codes {
        assert_eq!((code.0, code.name()), (number, Some(name)));
    }
}

#[test]
fn a_win32_code_keeps_its_number_and_zero_stays_success() {
    assert_eq!(Hresult::from_win32(5), Hresult(0x8007_0005));
    assert_eq!(Hresult::from_win32(0), Hresult::OK);
}

#[test]
fn codes_show_number_and_name() {
    assert_eq!(Hresult::ACCESS_DENIED.to_string(), "0x80070005 (E_ACCESSDENIED)");
    assert_eq!(Hresult(0xC800_0209).to_string(), "0xC8000209");
    assert_eq!(ErrorStatus::INVALID_SET.to_string(), "1912 (invalid ping set)");
}
