use certadm::{Target, TargetError};

fn target(host: &str, port: u16, authority: Option<&str>) -> Target {
    Target { host: host.to_owned(), endpoint_mapper_port: port, authority: authority.map(str::to_owned) }
}

#[test]
fn every_form_is_read() {
    let cases = [
        ("ca01", target("ca01", 135, None)),
        ("ca01.corp.example:1135", target("ca01.corp.example", 1135, None)),
        (r"ca01\Contoso Issuing CA 1", target("ca01", 135, Some("Contoso Issuing CA 1"))),
        (r"ca01:1135\Test CA", target("ca01", 1135, Some("Test CA"))),
        (r"ca01\a\b", target("ca01", 135, Some(r"a\b"))),
        ("csra://ca01", target("ca01", 135, None)),
        ("csra://ca01/", target("ca01", 135, None)),
        ("csra://ca01:1135/Test%20CA", target("ca01", 1135, Some("Test CA"))),
        ("csra://ca01/%C3%84mter/CA", target("ca01", 135, Some("Ämter/CA"))),
        ("192.0.2.1:135", target("192.0.2.1", 135, None)),
        ("[2001:db8::1]:1135", target("2001:db8::1", 1135, None)),
        ("[2001:db8::1]", target("2001:db8::1", 135, None)),
        ("2001:db8::1", target("2001:db8::1", 135, None)),
        (r"[fe80::1%eth0]\CA", target("fe80::1%eth0", 135, Some("CA"))),
    ];
    for (text, expected) in cases {
        assert_eq!(text.parse(), Ok(expected), "{text}");
    }
}

#[test]
fn what_names_no_target_is_refused() {
    let cases = [
        ("", TargetError::NoHost(String::new())),
        (r"\CA", TargetError::NoHost(r"\CA".to_owned())),
        ("csra:///CA", TargetError::NoHost("csra:///CA".to_owned())),
        ("ca01:0", TargetError::Port("0".to_owned())),
        ("ca01:65536", TargetError::Port("65536".to_owned())),
        ("ca01:", TargetError::Port(String::new())),
        ("ca 01", TargetError::Host("ca 01".to_owned())),
        ("ca01/CA", TargetError::Host("ca01/CA".to_owned())),
        ("[2001:db8::1", TargetError::Host("[2001:db8::1".to_owned())),
        ("csra://ca01/%2", TargetError::Escape("%2".to_owned())),
        ("csra://ca01/%+1", TargetError::Escape("%+1".to_owned())),
        ("csra://ca01/%FF", TargetError::Escape("%FF".to_owned())),
    ];
    for (text, expected) in cases {
        assert_eq!(text.parse::<Target>(), Err(expected), "{text}");
    }
}

#[test]
fn what_is_shown_is_read_back() {
    for text in ["ca01", r"ca01\Test CA", r"ca01:1135\Test CA", "[2001:db8::1]:1135"] {
        assert_eq!(text.parse::<Target>().unwrap().to_string(), text);
    }
}
