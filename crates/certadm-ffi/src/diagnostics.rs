//! A code says little; `CERTADM_LOG` says where the rest goes: to a file, named by a path with a separator, which is appended
//! to; or, with any other value like `stderr`, to standard error. There, too, when the file cannot be written to.

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
    if place.to_string_lossy().contains(std::path::is_separator) {
        let written = OpenOptions::new().append(true).create(true).open(&place);
        match written.and_then(|mut file| file.write_all(text.as_bytes())) {
            Ok(()) => return,
            Err(error) => text.push_str(&format!("CERTADM_LOG: cannot write to {}: {error}\n", place.display())),
        }
    }
    // Nobody can be told that even the message could not be written.
    let _ = std::io::stderr().write_all(text.as_bytes());
}
