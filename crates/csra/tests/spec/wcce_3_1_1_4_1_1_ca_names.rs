use csra::ca_name::{matches, sanitize, sanitize_short};
use proptest::prelude::*;

#[test]
fn the_example_of_the_specification_is_sanitized() {
    assert_eq!(sanitize("LongCAName(WithSpeci@#$%^Characters"), "LongCAName!0028WithSpeci@!0023$!0025!005eCharacters");
}

#[test]
fn disallowed_characters_become_their_code_units() {
    let disallowed = "!\"#%&'()*+,/:;<=>?[\\]^`{|}";
    for character in disallowed.chars() {
        assert_eq!(sanitize(&character.to_string()), format!("!{:04x}", character as u32));
    }
    assert_eq!(sanitize("\u{10}\u{7F}é"), "!0010!007f!00e9");
    assert_eq!(sanitize("😀"), "!d83d!de00");
}

#[test]
fn other_characters_stay() {
    let allowed = " $-.0123456789@ABCXYZ_abcxyz~";
    assert_eq!(sanitize(allowed), allowed);
}

#[test]
fn a_name_of_51_characters_is_its_own_short_name() {
    let name = "a".repeat(51);
    assert_eq!(sanitize_short(&name), name);
}

#[test]
fn a_longer_name_is_cut_and_hashed() {
    // h = 0; for each of "bc": h = rotl(h, 1) + c: 98, then 196 + 99.
    assert_eq!(sanitize_short(&format!("{}bc", "a".repeat(51))), format!("{}-00295", "a".repeat(51)));
    // Sixteen 'z' (0x7A) carry into the lowest bit again.
    let mut hash = 0_u32;
    for _ in 0..16 {
        hash = (((hash << 1) & 0xFFFF) | (hash >> 15)) + 0x7A;
        hash &= 0xFFFF;
    }
    assert_eq!(sanitize_short(&"z".repeat(67)), format!("{}-{hash:05}", "z".repeat(51)));
}

#[test]
fn an_escape_that_does_not_fit_is_cut_as_a_whole() {
    for kept in 47..=50 {
        let short = sanitize_short(&format!("{}(b", "a".repeat(kept)));
        assert!(short.starts_with(&format!("{}-", "a".repeat(kept))), "{short}");
    }
    let fits = sanitize_short(&format!("{}(b", "a".repeat(46)));
    assert_eq!(fits, format!("{}!0028-00098", "a".repeat(46)));
}

#[test]
fn a_ca_answers_to_three_names_in_any_case() {
    let name = format!("Köln (Root) {}", "x".repeat(50));
    for authority in [name.clone(), sanitize(&name), sanitize_short(&name)] {
        assert!(matches(&authority, &name));
        assert!(matches(&authority.to_uppercase(), &name));
        assert!(!matches(&format!("{authority}x"), &name));
    }
    assert!(!matches("", &name));
}

proptest! {
    #[test]
    fn sanitized_names_are_harmless_ascii(name: String) {
        let sanitized = sanitize(&name);
        prop_assert!(sanitized.bytes().all(|byte| (0x20..0x7F).contains(&byte)));
        prop_assert!(!sanitized.contains(['/', '\\', ':', '*', '?', '"', '<', '>', '|']));
    }

    #[test]
    fn short_names_fit_57_characters(name in ".{0,120}") {
        let short = sanitize_short(&name);
        prop_assert!(short.len() <= 57);
        prop_assert!(matches(&short, &name));
    }
}
