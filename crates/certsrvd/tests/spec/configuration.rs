use certsrvd::configuration::{Configuration, RequestDisposition};

use crate::place::Place;

const SMALLEST: &str = "[authority]\nname = \"Test CA\"\n";

#[test]
fn everything_but_the_name_has_a_default() {
    let configuration = Configuration::parse(SMALLEST).unwrap();
    assert_eq!(configuration, Configuration::for_authority("Test CA"));
    assert_eq!(configuration.server.endpoint_mapper_port, 135);
    assert_eq!(configuration.server.interface_flags, 0x400, "remote backup allowed, privacy enforced");
    assert_eq!(configuration.issuing.request_disposition, RequestDisposition::Issue);
    assert!(Configuration::parse("").is_err());
}

#[test]
fn what_is_written_reads_back() {
    let mut configuration = Configuration::for_authority("Ünïcode \"CA\"");
    configuration.server.host_name = Some("ca01.corp.example".to_owned());
    configuration.data_directory = Some("/srv/ca".into());
    assert_eq!(Configuration::parse(&configuration.to_toml().unwrap()).unwrap(), configuration);
}

#[test]
fn unknown_keys_and_impossible_values_are_refused() {
    for (text, expected) in [
        ("[server]\nport = 1\n", "unknown field `port`"),
        ("[issuing]\nvalidity_days = 0\n", "issuing.validity_days = 0 is out of range"),
        ("[issuing]\nminimum_rsa_bits = 1024\n", "issuing.minimum_rsa_bits"),
        ("[issuing]\nextended_key_usages = [\"world\"]\n", "unknown extended key usage \"world\""),
        ("[issuing]\ncrl_distribution_points = [\"no url\"]\n", "\"no url\" is no URL"),
        ("[issuing]\nrequest_disposition = \"maybe\"\n", "unknown variant `maybe`"),
        ("[database]\nlog_size_kib = 1\n", "database.log_size_kib"),
        ("[server]\nhost_name = \"a\\\\b\"\n", "is no host name"),
        ("[server]\nlisten = \"localhost\"\n", "invalid IP address"),
    ] {
        let problem = Configuration::parse(&format!("{SMALLEST}{text}")).unwrap_err();
        assert!(problem.contains(expected), "{text}: {problem}");
    }
    for name in ["", " x", "a\\nb", &"x".repeat(65)] {
        assert!(Configuration::parse(&format!("[authority]\nname = \"{name}\"\n")).is_err(), "{name}");
    }
}

#[test]
fn a_broken_file_ends_every_command_with_a_code_of_its_own() {
    let place = Place::with_authority();
    place.configure("[server]", "[sever]");
    for command in [&["status"][..], &["serve"], &["account", "list"]] {
        let (code, said) = place.fails(command);
        assert_eq!(code, 16, "{said}");
        assert!(said.contains("unknown field `sever`"), "{said}");
    }
}

#[test]
fn the_configuration_can_lie_elsewhere_and_say_where_the_data_are() {
    let place = Place::empty();
    let file = place.path("certsrvd.toml");
    place.init(&["--key-type", "p-256", "--config", file.to_str().unwrap()]);
    assert!(!place.layout().configuration().exists());
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_certsrvd"));
    let output = command.args(["status", "--config"]).arg(&file).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_logs_can_lie_in_another_directory() {
    let place = Place::with_authority();
    let logs = place.path("logs");
    std::fs::rename(place.data().join("log"), &logs).unwrap();
    place.configure("log_directory = \"log\"", &format!("log_directory = \"{}\"", logs.display()));
    place.ok(&["crl", "publish"]);
    assert!(logs.join("edb.log").exists() && !place.data().join("log").exists());
}
