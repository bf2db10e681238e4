//! Every source of settings, and every file that must not be believed.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::fs;

use super::*;

/// A directory with a configuration file, and variables of an environment.
struct Place {
    directory: tempfile::TempDir,
    variables: BTreeMap<&'static str, String>,
}

impl Place {
    fn new(configuration: &str) -> Self {
        let mut place = Place { directory: tempfile::tempdir().unwrap(), variables: BTreeMap::new() };
        place.write("certadm.toml", configuration);
        place.write("password", "of the file\r\nmore\n");
        let path = place.path("certadm.toml");
        place.set("CERTADM_CONFIG", &path);
        place
    }

    fn path(&self, name: &str) -> String {
        self.directory.path().join(name).display().to_string()
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
        self.mode(name, 0o600);
    }

    #[cfg(unix)]
    fn mode(&self, name: &str, mode: u32) {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(mode)).unwrap();
    }

    #[cfg(windows)]
    fn mode(&self, _name: &str, _mode: u32) {}

    fn set(&mut self, name: &'static str, value: &str) {
        self.variables.insert(name, value.to_owned());
    }

    fn settings(&self, target: &str) -> Result<Settings, SettingsError> {
        Settings::from_environment(&target.parse().unwrap(), &|name| self.variables.get(name).map(OsString::from))
    }

    /// `DOMAIN\user:password`, or what is wrong without the directory.
    fn credentials(&self, target: &str) -> String {
        match self.settings(target).and_then(|settings| settings.credentials()) {
            Ok(credentials) => {
                format!(r"{}\{}:{}", credentials.domain, credentials.user, credentials.password.as_str())
            }
            Err(error) => error.to_string().replace(&self.directory.path().display().to_string(), ""),
        }
    }
}

const TWO: &str = r#"
    [default]
    user = 'CORP\svc-backup'
    password_file = "password"
    call_timeout = 7

    [server."CA02.corp.example"]
    user = "root@lab"
    password_file = "other"

    [server.ca03]
    connect_timeout = 3
    data_directory = "/srv/ca"
"#;

#[test]
fn the_file_has_an_account_for_all_servers_and_others_for_some() {
    let place = Place::new(TWO);
    place.write("other", "two");
    assert_eq!(place.credentials("ca01"), r"CORP\svc-backup:of the file");
    assert_eq!(place.credentials(r"ca02.CORP.example:1135\Issuing CA"), r"lab\root:two");
    assert_eq!(place.credentials("ca03"), r"CORP\svc-backup:of the file");
    let options = place.settings("ca03").unwrap().options();
    assert_eq!((options.connect_timeout.as_secs(), options.call_timeout.as_secs()), (3, 7));
    assert_eq!(place.settings("ca01").unwrap().options().connect_timeout, Options::default().connect_timeout);
    assert_eq!(place.settings("ca03").unwrap().data_directory(), Path::new("/srv/ca"));
    assert_eq!(place.settings("ca01").unwrap().data_directory(), Path::new("/var/lib/certsrvd"));
}

#[test]
fn the_environment_goes_before_the_file() {
    let mut place = Place::new(TWO);
    place.write("mine", "of the environment");
    let mine = place.path("mine");
    place.set("CERTADM_PASSWORD_FILE", &mine);
    assert_eq!(place.credentials("ca01"), r"CORP\svc-backup:of the environment");
    place.set("CERTADM_USER", "me");
    assert_eq!(place.credentials("ca01"), r"\me:of the environment");
    place.set("CERTADM_DATA_DIRECTORY", "/srv/other");
    assert_eq!(place.settings("ca03").unwrap().data_directory(), Path::new("/srv/other"));
}

#[test]
fn the_password_of_the_file_is_not_for_another_user() {
    let mut place = Place::new(TWO);
    place.set("CERTADM_USER", "me");
    assert_eq!(place.credentials("ca01"), "no password file is configured for me");
    place.set("CERTADM_USER", r"CORP\svc-backup");
    assert_eq!(place.credentials("ca01"), r"CORP\svc-backup:of the file");
    let half = Place::new("[default]\npassword_file = 'password'\n[server.ca01]\nuser = 'other'");
    assert_eq!(half.credentials("ca01"), "no password file is configured for other");
}

#[test]
fn without_settings_there_is_no_account() {
    let mut place = Place::new("");
    assert_eq!(place.credentials("ca01"), "no account is configured");
    place.variables.clear();
    let home = place.directory.path().display().to_string();
    place.set(if cfg!(windows) { "APPDATA" } else { "XDG_CONFIG_HOME" }, &home);
    place.write("certadm.toml", "[default]\nuser = 'found'\npassword_file = 'password'");
    assert_eq!(place.credentials("ca01"), r"\found:of the file");
}

#[test]
fn a_file_that_cannot_be_understood_names_its_line() {
    let form = |text: &str| Place::new(text).credentials("ca01");
    assert_eq!(
        form("[default]\npassword = 'x'"),
        "/certadm.toml: line 2: unknown field `password`, expected one of `user`, `password_file`, `connect_timeout`, \
         `call_timeout`, `data_directory`"
    );
    assert_eq!(
        form("[default]\nuser = \"CORP\\backup\""),
        r"/certadm.toml: a user with a control character; write it in single quotes: 'DOMAIN\name'"
    );
    for name in ["ca01:1135", r"ca01\\CA", "a b"] {
        let expected = format!(
            "/certadm.toml: server.\"{}\" is not the name of a host alone, without port and CA",
            name.replace(r"\\", r"\")
        );
        assert_eq!(form(&format!("[server.\"{name}\"]")), expected);
    }
    assert_eq!(form("[default]\ncall_timeout = 0"), "/certadm.toml: a timeout of 0 seconds");
    assert_eq!(form("\n\nuser"), "/certadm.toml: line 3: key with no value, expected `=`");
}

#[test]
fn a_named_file_that_is_missing_is_an_error() {
    let mut place = Place::new(TWO);
    let (nowhere, nothing) = (place.path("nowhere.toml"), place.path("nothing"));
    place.set("CERTADM_PASSWORD_FILE", &nothing);
    assert_eq!(place.credentials("ca01"), "cannot read /nothing");
    place.set("CERTADM_CONFIG", &nowhere);
    assert_eq!(place.credentials("ca01"), "cannot read /nowhere.toml");
    place.write("password", "\n");
    let place = Place { variables: BTreeMap::from([("CERTADM_CONFIG", place.path("certadm.toml"))]), ..place };
    assert_eq!(place.credentials("ca01"), "the password in /password is empty");
}

#[cfg(unix)]
#[test]
fn files_that_others_can_change_or_read_are_refused() {
    let place = Place::new(TWO);
    for (name, mode, expected) in [
        ("password", 0o640, r"CORP\svc-backup:of the file"),
        ("password", 0o604, "/password can be read by everybody"),
        ("password", 0o620, "/password can be changed by others"),
        ("password", 0o400, r"CORP\svc-backup:of the file"),
        ("certadm.toml", 0o644, r"CORP\svc-backup:of the file"),
        ("certadm.toml", 0o664, "/certadm.toml can be changed by others"),
    ] {
        place.mode(name, mode);
        assert_eq!(place.credentials("ca01"), expected, "{name} {mode:o}");
    }
    let mut place = Place::new(TWO);
    let directory = place.directory.path().display().to_string();
    place.set("CERTADM_PASSWORD_FILE", &directory);
    assert_eq!(place.credentials("ca01"), " is not a regular file");
}
