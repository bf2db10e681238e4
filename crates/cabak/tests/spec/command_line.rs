use std::process::{Command, Output};

use cabak::cli::Cli;
use clap::{CommandFactory, Parser};

fn cabak(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_cabak"))
        .args(args)
        .env_remove("CABAK_USER")
        .env_remove("CABAK_PASSWORD")
        .env_remove("CABAK_PASSWORD_FILE")
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap()
}

fn code(args: &[&str]) -> i32 {
    cabak(args).status.code().unwrap()
}

#[test]
fn the_definition_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn every_command_has_examples_in_its_help() {
    for command in Cli::command().get_subcommands() {
        let help = command.get_after_help().unwrap().to_string();
        assert!(help.contains("Examples:"), "{}", command.get_name());
        assert!(help.contains(&format!("cabak {}", command.get_name())), "{}", command.get_name());
    }
    let help = Cli::command().render_help().to_string();
    for code in ["0", "1", "2", "3", "4", "10", "11", "12", "20", "21", "22", "130"] {
        assert!(help.contains(&format!(" {code}  ")), "exit code {code} is not in the help");
    }
}

#[test]
fn no_option_takes_a_password() {
    for command in Cli::command().get_subcommands() {
        for argument in command.get_arguments() {
            assert!(!matches!(argument.get_long(), Some("password" | "pass")), "{}", command.get_name());
        }
    }
}

#[test]
fn usage_errors_end_with_2() {
    assert_eq!(code(&[]), 2);
    assert_eq!(code(&["backup", "ca01"]), 2);
    assert_eq!(code(&["nonsense"]), 2);
    assert_eq!(code(&["ping", "ca01:notaport"]), 2);
    assert_eq!(code(&["backup", "ca01", "--to", "/x", "--truncate", "--no-verify"]), 2);
    assert_eq!(code(&["ping", "127.0.0.1:1"]), 2, "no account");
}

#[test]
fn help_and_version_end_with_0() {
    assert_eq!(code(&["--help"]), 0);
    assert_eq!(code(&["--version"]), 0);
    assert_eq!(code(&["backup", "--help"]), 0);
}

#[test]
fn what_is_not_there_ends_with_10() {
    assert_eq!(code(&["snapshots", "/nonexistent/ca"]), 10);
    assert_eq!(code(&["verify", "/nonexistent/ca/latest"]), 10);
}

#[test]
fn json_errors_are_one_object_on_standard_output() {
    let output = cabak(&["snapshots", "/nonexistent/ca", "--json"]);
    let value: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(value["event"], "error");
    assert_eq!(value["exit_code"], 10);
    assert_eq!(value["exit"], "not_found");
    assert!(output.stderr.is_empty());
}

#[test]
fn usage_errors_are_json_too() {
    for args in [&["--json", "nonsense"][..], &["backup", "ca01", "--json"], &["ping", "ca01:notaport", "--json"]] {
        let output = cabak(args);
        assert_eq!(output.status.code(), Some(2));
        let value: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((&value["event"], &value["exit_code"]), (&"error".into(), &2.into()));
        assert!(output.stderr.is_empty());
    }
}

#[test]
fn a_failed_backup_leaves_no_new_directory_and_latest_is_reserved() {
    let dir = tempfile::tempdir().unwrap();
    let password = dir.path().join("password");
    std::fs::write(&password, "secret").unwrap();
    let backup = |to: &std::path::Path| {
        let to = to.to_str().unwrap();
        let password = password.to_str().unwrap();
        code(&["backup", "127.0.0.1:1", "--user", "x", "--password-file", password, "--to", to])
    };
    assert_eq!(backup(&dir.path().join("sets")), 1);
    assert!(!dir.path().join("sets").exists());
    crate::sample::publish(&cabak::medium::Folder::open(dir.path()).unwrap(), "a");
    assert_eq!(backup(&dir.path().join("latest")), 2);
    assert!(!dir.path().join("latest").exists());
}

#[test]
fn an_unreachable_server_ends_with_1_and_a_hint() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "secret").unwrap();
    // Port 1 on this machine: nobody listens.
    let output = cabak(&["ping", "127.0.0.1:1", "--user", "x", "--password-file", file.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.starts_with("error: cannot reach 127.0.0.1 port 1"), "{text}");
    assert!(text.contains("\nhint: "), "{text}");
}

#[test]
fn the_credentials_may_come_from_the_environment() {
    let cli =
        Cli::try_parse_from(["cabak", "backup", "ca01\\Test CA", "--to", "/srv/ca", "--user", "CORP\\svc"]).unwrap();
    let cabak::cli::Command::Backup(backup) = cli.command else { panic!("not a backup") };
    assert_eq!(backup.connection.target.authority.as_deref(), Some("Test CA"));
    assert_eq!(backup.connection.access.user.as_deref(), Some("CORP\\svc"));
}

#[test]
fn a_read_size_is_a_power_of_two_in_its_range() {
    let parse = |size: &str| Cli::try_parse_from(["cabak", "backup", "ca01", "--to", "/srv/ca", "--read-size", size]);
    for size in [64_u32, 128, 1024, 4096] {
        let cabak::cli::Command::Backup(backup) = parse(&size.to_string()).unwrap().command else { panic!() };
        assert_eq!(backup.read_size, size);
        assert_eq!(certadm::ReadHint::new(size << 10).buffer_size(), size << 10, "what is asked for is used");
    }
    for size in ["0", "3", "63", "65", "1000", "4095", "8192", "-64", "4294967296", "x"] {
        let error = parse(size).unwrap_err().to_string();
        assert!(error.contains("a power of two from 64 to 4096") || size.starts_with('-'), "{size}: {error}");
    }
}

/// A file that cannot be loaded.
fn no_library() -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "not a library").unwrap();
    file
}

#[test]
fn what_a_loaded_library_cannot_follow_is_refused() {
    let file = no_library();
    let path = file.path().to_str().unwrap();
    for (options, named) in [
        (&["--user", "x"][..], "--user"),
        (&["--password-file", "x"], "--password-file"),
        (&["--timeout", "9"], "--timeout"),
        (&["--connect-timeout", "9"], "--connect-timeout"),
        (&["--timeout", "9", "--user", "x"], "--user, --timeout"),
    ] {
        for command in [&["ping", "ca01"][..], &["locations", "ca01"], &["backup", "ca01", "--to", "/nonexistent"]] {
            let output = cabak(&[command, &["--certadm", path], options].concat());
            assert_eq!(output.status.code(), Some(2));
            let text = String::from_utf8(output.stderr).unwrap();
            assert!(text.starts_with(&format!("error: {named}: not with {path}")), "{text}");
            assert!(text.contains("CERTADM_USER") && text.contains("CERTADM_PASSWORD_FILE"), "{text}");
        }
    }
}

#[test]
fn variables_for_the_built_in_library_do_not_count_for_a_loaded_one() {
    let file = no_library();
    let output = Command::new(env!("CARGO_BIN_EXE_cabak"))
        .args(["ping", "ca01", "--certadm"])
        .arg(file.path())
        .env("CABAK_USER", "x")
        .env("CABAK_PASSWORD_FILE", "/nonexistent")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.starts_with("error: cannot load the library "), "{text}");
}

#[test]
fn a_file_that_is_no_library_ends_with_2_and_is_named() {
    let file = no_library();
    for path in [file.path(), std::path::Path::new("/nonexistent/libcertadm.so")] {
        let path = path.to_str().unwrap();
        let output = cabak(&["backup", "ca01", "--to", "/nonexistent/sets", "--certadm", path]);
        assert_eq!(output.status.code(), Some(2));
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.starts_with(&format!("error: cannot load the library {path}: ")), "{text}");
        assert!(text.contains("\nhint: "), "{text}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_library_without_the_functions_is_told_which() {
    // The C library that this test itself runs on.
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let words = maps.lines().filter_map(|line| line.split_whitespace().last());
    let library = words.into_iter().find(|path| path.contains("/libc.so") || path.contains("/libc-")).unwrap();
    let output = cabak(&["ping", "ca01", "--certadm", library]);
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.starts_with(&format!("error: {library} is no Certadm library: ")), "{text}");
    for function in ["CertSrvIsServerOnlineW", "CertSrvBackupRead", "CertSrvBackupFree", "CertSrvServerControlW"] {
        assert!(text.contains(function), "{function}: {text}");
    }
}

#[test]
fn commands_that_need_the_built_in_library_say_so() {
    let output = cabak(&["preflight", "ca01", "--certadm", "/nonexistent/libcertadm.so"]);
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("Certadm has no functions"), "{text}");
    // With the built-in one it goes on, to an account that is not there.
    let text = String::from_utf8(cabak(&["preflight", "ca01", "--certadm", "built-in"]).stderr).unwrap();
    assert!(text.starts_with("error: no account given"), "{text}");
    assert_eq!(code(&["verify", "/x", "--certadm", "/x"]), 2);
}

#[test]
fn account_and_password_file_may_come_from_the_environment() {
    let output = Command::new(env!("CARGO_BIN_EXE_cabak"))
        .args(["ping", "ca01"])
        .env("CABAK_USER", "svc")
        .env("CABAK_PASSWORD_FILE", "/nonexistent/password")
        .env_remove("CABAK_PASSWORD")
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.starts_with("error: cannot read the password file /nonexistent/password"), "{text}");
}
