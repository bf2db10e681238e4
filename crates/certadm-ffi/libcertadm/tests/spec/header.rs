//! The header, the types in it and the symbols of the library are those of Certadm.dll.

use std::fs;
use std::process::Command;

use certadm_ffi::Table;

use crate::tools::{C11, CPP17, SHORT_WCHAR, installed, library, succeed};

/// The type for a pointer to a function, as certbcli.h names it.
fn type_of(function: &str) -> String {
    match function {
        // It has the parameters of the other one, and no type of its own.
        "CertSrvRestoreRegisterThroughFile" => "FNCERTSRVRESTOREREGISTERW".to_owned(),
        _ => format!("FN{}", function.to_uppercase()),
    }
}

#[test]
fn every_function_has_the_type_that_is_declared_for_its_pointer() {
    let mut source = "#include <certadm.h>\n#include <stddef.h>\n".to_owned();
    for function in Table::FUNCTIONS {
        source.push_str(&format!("extern {0} *const p_{1};\n{0} *const p_{1} = {1};\n", type_of(function), function));
    }
    for size in [
        "sizeof(WCHAR) == 2",
        "sizeof(CSBFT) == 2",
        "sizeof(HRESULT) == 4 && (HRESULT)-1 < 0",
        "sizeof(BOOL) == 4",
        "sizeof(DWORD) == 4 && (DWORD)-1 > 0",
        "sizeof(ULONG) == 4 && (ULONG)-1 > 0",
        "sizeof(LONG) == 4 && (LONG)-1 < 0",
        "sizeof(BYTE) == 1 && (BYTE)-1 > 0",
        "sizeof(HCSBC) == sizeof(void *)",
        "sizeof(LARGE_INTEGER) == 8 && offsetof(LARGE_INTEGER, QuadPart) == 0",
        "offsetof(LARGE_INTEGER, u.LowPart) == 0 && offsetof(LARGE_INTEGER, u.HighPart) == 4",
        "sizeof(CSEDB_RSTMAPW) == 2 * sizeof(void *)",
        "offsetof(CSEDB_RSTMAPW, pwszDatabaseName) == 0",
        "offsetof(CSEDB_RSTMAPW, pwszNewDatabaseName) == sizeof(void *)",
        "CSBFT_LOG == 0x21 && CSBFT_LOG_DIR == 0x82 && CSBFT_CHECKPOINT_DIR == 0x83",
        "CSBFT_CERTSERVER_DATABASE == 0x44 && CSBFT_PATCH_FILE == 0x25 && CSBFT_UNKNOWN == 0x0f",
        "CSBACKUP_TYPE_FULL == 1 && CSBACKUP_TYPE_LOGS_ONLY == 2 && CSRESTORE_TYPE_FULL == 1",
        "CSCONTROL_SHUTDOWN == 1",
        "SUCCEEDED(S_OK) && SUCCEEDED(1) && FAILED((HRESULT)0x80004005u)",
    ] {
        source.push_str(&format!("ASSERT({size});\n"));
    }
    let definition = "#ifdef __cplusplus\n#define ASSERT(x) static_assert(x, #x)\n#else\n#define ASSERT(x) _Static_assert(x, #x)\n#endif\n";
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("types.c");
    fs::write(&file, definition.to_owned() + &source).unwrap();
    for compiler in [C11, SHORT_WCHAR, CPP17] {
        if compiler.is_installed() {
            succeed(compiler.command().arg("-c").arg(&file).arg("-o").arg(directory.path().join("types.o")));
        }
    }
}

#[test]
fn string_literals_are_strings_of_the_header() {
    let directory = tempfile::tempdir().unwrap();
    for (compiler, prefix) in [(C11, "u"), (SHORT_WCHAR, "L"), (CPP17, "u")] {
        if compiler.is_installed() {
            let file = directory.path().join("literal.c");
            let line = format!("extern const WCHAR *name;\nconst WCHAR *name = {prefix}\"ca01\";\n");
            fs::write(&file, format!("#include <certadm.h>\n{line}")).unwrap();
            succeed(compiler.command().arg("-c").arg(&file).arg("-o").arg(directory.path().join("literal.o")));
        }
    }
}

#[test]
fn the_library_exports_the_functions_and_nothing_else() {
    if !installed("nm", "binutils") {
        return;
    }
    let symbols = succeed(Command::new("nm").args(["-D", "--defined-only", "--format=posix"]).arg(library()));
    let mut exported: Vec<&str> = symbols.lines().filter_map(|line| line.split(' ').next()).collect();
    let mut functions = Table::FUNCTIONS.to_vec();
    exported.sort_unstable();
    functions.sort_unstable();
    assert_eq!(exported, functions);
    assert_eq!(functions.len(), 18);
    let dynamic = succeed(Command::new("readelf").args(["-d", "--wide"]).arg(library()));
    assert!(dynamic.contains("Library soname: [libcertadm.so.0]"), "{dynamic}");
}
