//! A code says little; `CERTADM_LOG` says where the rest goes: `stderr`, or a file that is appended to.

use std::env;
use std::fs::OpenOptions;
use std::io::Write;

use certadm::Hresult;

/// Writes what is behind a code, if anybody wants to know.
pub(crate) fn write(function: &str, hresult: Hresult, message: &str, hint: Option<&str>) {
    let Some(place) = env::var_os("CERTADM_LOG").filter(|place| !place.is_empty()) else { return };
    let mut text = format!("{function}: {hresult}: {message}\n");
    if let Some(hint) = hint {
        text.push_str(&format!("{function}: hint: {hint}\n"));
    }
    // Nobody can be told that even the message could not be written.
    if place == "stderr" {
        let _ = std::io::stderr().write_all(text.as_bytes());
        return;
    }
    if let Ok(mut file) = OpenOptions::new().append(true).create(true).open(place) {
        let _ = file.write_all(text.as_bytes());
    }
}
