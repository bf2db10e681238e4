/// Longest name that the usual file systems take, in bytes.
const LONGEST: usize = 255;

/// What speaks against using `name` as the name of a file in a directory of ours, on this system or on Windows.
pub(super) fn objection(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        return Some("it is empty");
    }
    if name == "." || name == ".." {
        return Some("it names a directory");
    }
    if name.len() > LONGEST {
        return Some("it is longer than 255 bytes");
    }
    if name.contains(['/', '\\', ':']) {
        return Some("it contains a separator");
    }
    if name.contains(['*', '?', '"', '<', '>', '|']) {
        return Some("it contains a character that Windows does not allow");
    }
    if name.contains(char::is_control) {
        return Some("it contains a control character");
    }
    if name.contains(is_invisible) {
        return Some("it contains an invisible character");
    }
    if name.ends_with(['.', ' ']) {
        return Some("it ends in a dot or a space");
    }
    if is_device(name) {
        return Some("it names a device");
    }
    None
}

/// Marks that change the direction of text, or cannot be seen: `gpj.exe` may show as `exe.jpg`.
fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{61C}'
            | '\u{200B}'..='\u{200F}'
            | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{2069}'
            | '\u{FEFF}'
    )
}

/// DOS device names, with or without an extension. Windows also takes superscript digits.
fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or(name).trim_end();
    let upper = stem.to_ascii_uppercase();
    if matches!(upper.as_str(), "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$") {
        return true;
    }
    let Some(number) = upper.strip_prefix("COM").or_else(|| upper.strip_prefix("LPT")) else {
        return false;
    };
    let mut digits = number.chars();
    matches!((digits.next(), digits.next()), (Some('0'..='9' | '¹' | '²' | '³'), None))
}
