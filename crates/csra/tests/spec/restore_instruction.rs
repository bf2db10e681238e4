//! docs/formats/restore-instruction.md.

use csra::Hresult;
use csra::restore::{Instruction, InstructionError, MapEntry, Registration, State, Until};
use expect_test::expect;
use proptest::option;
use proptest::prelude::*;

fn full() -> Registration {
    Registration {
        log_directory: Some("/var/lib/certsrvd/log".into()),
        map: vec![MapEntry {
            old: r"\\ca\CertSrv$\DataBase\CA.db".into(),
            new: "/var/lib/certsrvd/database/CA.db".into(),
        }],
        ..Registration::of_generations(1, 26).unwrap()
    }
}

fn incremental() -> Registration {
    Registration::of_generations(27, 30).unwrap()
}

fn instruction() -> Instruction {
    Instruction::new("2026-03-01T12:00:00Z")
}

fn registered() -> Instruction {
    let mut instruction = instruction();
    instruction.register(full()).unwrap();
    instruction
}

fn completed() -> Instruction {
    let mut instruction = registered();
    instruction.complete(Ok(())).unwrap();
    instruction
}

fn message<T: std::fmt::Debug>(result: Result<T, InstructionError>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn an_instruction_is_json_of_this_form() {
    let mut instruction = completed();
    instruction.register(incremental()).unwrap();
    instruction.complete(Err(Hresult::FILE_NOT_FOUND)).unwrap();
    instruction.set_until(Some(Until::Generation(29)));
    let bytes = instruction.to_json().unwrap();
    expect![[r#"
        {
          "version": 1,
          "created": "2026-03-01T12:00:00Z",
          "kind": "full",
          "registrations": [
            {
              "checkpoint_directory": null,
              "log_directory": "/var/lib/certsrvd/log",
              "map": [
                {
                  "old": "\\\\ca\\CertSrv$\\DataBase\\CA.db",
                  "new": "/var/lib/certsrvd/database/CA.db"
                }
              ],
              "backup_log_directory": null,
              "generation_low": 1,
              "generation_high": 26,
              "state": "completed"
            },
            {
              "checkpoint_directory": null,
              "log_directory": null,
              "map": [],
              "backup_log_directory": null,
              "generation_low": 27,
              "generation_high": 30,
              "state": {
                "failed": "0x80070002"
              }
            }
          ],
          "until": {
            "generation": 29
          }
        }
    "#]]
    .assert_eq(std::str::from_utf8(&bytes).unwrap());
    assert_eq!(Instruction::from_json(&bytes).unwrap(), instruction);
}

#[test]
fn the_server_starts_only_when_all_files_are_there() {
    let mut instruction = instruction();
    let state = |instruction: &Instruction| (instruction.is_ready(), instruction.blocks_start());
    assert_eq!(state(&instruction), (false, false), "nothing registered");
    instruction.register(full()).unwrap();
    assert_eq!(state(&instruction), (false, true), "being copied");
    instruction.complete(Ok(())).unwrap();
    assert_eq!(state(&instruction), (true, false), "all there");
    instruction.register(incremental()).unwrap();
    assert_eq!(state(&instruction), (false, true), "being copied");
    instruction.complete(Err(Hresult::FAIL)).unwrap();
    assert_eq!(state(&instruction), (false, true), "failed");
}

#[test]
fn one_registration_at_a_time() {
    assert_eq!(message(registered().register(incremental())), "the last registration has not been completed");
}

#[test]
fn the_full_backup_comes_first_and_once() {
    assert_eq!(message(instruction().register(incremental())), "the full backup must be registered first");
    assert_eq!(message(completed().register(full())), "a full backup has been registered already");
}

#[test]
fn incremental_backups_come_in_any_order() {
    let mut instruction = completed();
    for (low, high) in [(31, 35), (27, 30)] {
        let registration = Registration::of_generations(low, high).unwrap();
        instruction.register(registration).unwrap();
        instruction.complete(Ok(())).unwrap();
    }
    assert!(instruction.is_ready());
}

#[test]
fn a_failed_registration_is_replaced() {
    let mut instruction = registered();
    instruction.complete(Err(Hresult::FAIL)).unwrap();
    assert_eq!(message(instruction.register(incremental())), "the full backup must be registered first");
    assert_eq!(
        instruction.registrations()[0].state,
        State::Failed(Hresult::FAIL),
        "a refused registration changes nothing"
    );
    instruction.register(full()).unwrap();
    instruction.complete(Ok(())).unwrap();
    assert_eq!(instruction.registrations().len(), 1);
    assert!(instruction.is_ready());
}

#[test]
fn only_what_was_registered_is_completed() {
    let nothing = "nothing has been registered that could be completed";
    assert_eq!(message(instruction().complete(Ok(()))), nothing);
    assert_eq!(message(completed().complete(Ok(()))), nothing);
}

#[test]
fn a_new_registration_is_never_complete() {
    let mut instruction = instruction();
    let registration = Registration { state: State::Completed, ..full() };
    instruction.register(registration).unwrap();
    assert!(instruction.blocks_start());
}

#[test]
fn generations_begin_at_one_and_are_in_order() {
    assert_eq!(message(Registration::of_generations(0, 1)), "log generations 0 to 1");
    assert_eq!(message(Registration::of_generations(3, 2)), "log generations 3 to 2");
    let backwards = Registration { generation_low: 27, ..full() };
    assert_eq!(message(instruction().register(backwards)), "log generations 27 to 26");
}

#[test]
fn what_registering_could_not_have_made_is_refused() {
    let bytes = completed().to_json().unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let read = |text: &str| message(Instruction::from_json(text.as_bytes()));
    assert_eq!(
        read(&text.replace("\"version\": 1", "\"version\": 2")),
        "restore instruction of version 2; this program reads version 1"
    );
    for broken in [
        "",
        "[]",
        "{}",
        &text[..text.len() / 2],
        &text.replace("\"kind\": \"full\"", "\"kind\": \"online\""),
        &text.replace("\"until\": null", "\"unless\": null"),
        &text.replace("\"completed\"", "\"done\""),
    ] {
        assert_eq!(read(broken), "malformed restore instruction", "{broken}");
    }
    assert_eq!(read(&text.replace("\"generation_low\": 1", "\"generation_low\": 0")), "log generations 0 to 26");
    let huge = vec![b' '; 1024 * 1024 + 1];
    assert_eq!(message(Instruction::from_json(&huge)), "restore instruction of 1048577 bytes");
}

#[test]
fn all_but_the_last_registration_must_be_complete() {
    let mut instruction = completed();
    instruction.register(incremental()).unwrap();
    let text = String::from_utf8(instruction.to_json().unwrap()).unwrap();
    let swapped = text
        .replace("\"registered\"", "\"x\"")
        .replace("\"completed\"", "\"registered\"")
        .replace("\"x\"", "\"completed\"");
    assert_eq!(message(Instruction::from_json(swapped.as_bytes())), "the last registration has not been completed");
}

#[test]
fn codes_are_eight_hexadecimal_digits() {
    let mut instruction = registered();
    instruction.complete(Err(Hresult(0xC800_0209))).unwrap();
    let text = String::from_utf8(instruction.to_json().unwrap()).unwrap();
    assert!(text.contains("\"failed\": \"0xC8000209\""));
    for code in ["C8000209", "0x209", "0x+8000209", "0xC80002090"] {
        let text = text.replace("0xC8000209", code);
        assert_eq!(message(Instruction::from_json(text.as_bytes())), "malformed restore instruction");
    }
}

fn registrations(full: bool) -> impl Strategy<Value = Registration> {
    let entries = ("\\PC{0,9}", "\\PC{0,9}").prop_map(|(old, new)| MapEntry { old, new });
    let map = proptest::collection::vec(entries, if full { 1..3 } else { 0..1 });
    let texts = || option::of("\\PC{0,9}");
    (texts(), texts(), texts(), map, 1_u32.., any::<u32>()).prop_map(
        |(checkpoint_directory, log_directory, backup_log_directory, map, low, more)| Registration {
            checkpoint_directory,
            log_directory,
            map,
            backup_log_directory,
            generation_low: low,
            generation_high: low.saturating_add(more),
            state: State::Registered,
        },
    )
}

proptest! {
    #[test]
    fn instructions_survive(
        created in "\\PC{0,20}",
        first in option::of(registrations(true)),
        others in proptest::collection::vec(registrations(false), 0..3),
        last in option::of(any::<bool>()),
        until in option::of(prop_oneof![
            any::<u32>().prop_map(Until::Generation),
            "\\PC{0,20}".prop_map(Until::Time),
        ]),
    ) {
        let mut instruction = Instruction::new(created);
        let others = if first.is_some() { others } else { Vec::new() };
        for registration in first.into_iter().chain(others) {
            if instruction.blocks_start() {
                instruction.complete(Ok(())).unwrap();
            }
            instruction.register(registration).unwrap();
        }
        if let Some(succeeded) = last && instruction.blocks_start() {
            let result = if succeeded { Ok(()) } else { Err(Hresult::FAIL) };
            instruction.complete(result).unwrap();
        }
        instruction.set_until(until);
        let bytes = instruction.to_json().unwrap();
        prop_assert_eq!(Instruction::from_json(&bytes).unwrap(), instruction);
    }

    #[test]
    fn any_bytes_are_an_instruction_or_an_error(bytes: Vec<u8>) {
        let _ = Instruction::from_json(&bytes);
    }
}
