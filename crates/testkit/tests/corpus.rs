//! Replays `corpus/<name>/*` through its oracle: each seed, each truncation of it, and one-byte mutations.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

#[test]
fn every_oracle_has_a_corpus_and_every_corpus_an_oracle() {
    let oracles: BTreeSet<String> = oracles().into_keys().collect();
    let corpora: BTreeSet<String> = directories().into_keys().collect();
    let without_seeds: Vec<_> = oracles.difference(&corpora).collect();
    let without_oracle: Vec<_> = corpora.difference(&oracles).collect();
    assert!(without_seeds.is_empty(), "oracles without seeds in crates/testkit/corpus: {without_seeds:?}");
    assert!(without_oracle.is_empty(), "corpus directories that no oracle reads: {without_oracle:?}");
}

#[test]
fn names_of_oracles_are_unique_and_fit_a_file_name() {
    let all = testkit::oracle::all();
    let unique: BTreeSet<_> = all.iter().map(|(name, _)| *name).collect();
    assert_eq!(unique.len(), all.len(), "two oracles share a name");
    for name in unique {
        let fits = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
        assert!(fits && !name.is_empty(), "{name:?} must be lower case with underscores");
    }
}

#[test]
fn every_oracle_has_a_fuzz_target() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz");
    let manifest = fs::read_to_string(fuzz.join("Cargo.toml")).unwrap();
    let mut expected = BTreeSet::new();
    for name in oracles().into_keys() {
        let path = format!("fuzz_targets/{name}.rs");
        let listed =
            format!("[[bin]]\nname = \"{name}\"\npath = \"{path}\"\ntest = false\ndoc = false\nbench = false\n");
        assert!(manifest.contains(&listed), "fuzz/Cargo.toml lacks:\n{listed}");
        let target = format!(
            "#![no_main]\n\nlibfuzzer_sys::fuzz_target!(|data: &[u8]| testkit::oracle::run(\"{name}\", data));\n"
        );
        let found = fs::read_to_string(fuzz.join(&path)).unwrap_or_default();
        assert_eq!(found, target, "fuzz/{path} should be:\n{target}");
        expected.insert(format!("{name}.rs"));
    }
    for target in fs::read_dir(fuzz.join("fuzz_targets")).into_iter().flatten() {
        let target = target.unwrap().file_name().into_string().unwrap();
        assert!(expected.contains(&target), "fuzz/fuzz_targets/{target} has no oracle");
    }
}

#[test]
fn seeds_hold() {
    replay(|seed| vec![seed.to_vec()]);
}

#[test]
fn truncated_seeds_hold() {
    replay(|seed| positions(seed).map(|at| seed[..at].to_vec()).collect());
}

#[test]
fn mutated_seeds_hold() {
    replay(|seed| {
        let mut inputs = Vec::new();
        for at in positions(seed) {
            for change in [|_| 0, |_| 0xFF, |byte| byte ^ 0x80, |byte: u8| byte.wrapping_add(1)] {
                let mut input = seed.to_vec();
                input[at] = change(input[at]);
                inputs.push(input);
            }
        }
        inputs
    });
}

/// Positions to cut or change: all of a short seed; of a long one the ends, where the structure is, and a sample.
fn positions(seed: &[u8]) -> impl Iterator<Item = usize> + use<> {
    const DENSE: usize = 1024;
    let length = seed.len();
    let step = (length / DENSE).max(1);
    (0..length).filter(move |at| *at < DENSE || length - *at < 64 || at % step == 0)
}

/// Runs the inputs that `derive` makes of each seed; a panic is reported with a file that reproduces it.
fn replay(derive: impl Fn(&[u8]) -> Vec<Vec<u8>>) {
    let oracles = oracles();
    let mut failures = Vec::new();
    for (name, seeds) in directories() {
        let Some(oracle) = oracles.get(&name) else {
            continue;
        };
        for path in seeds {
            for input in derive(&fs::read(&path).unwrap()) {
                if catch_unwind(AssertUnwindSafe(|| oracle(&input))).is_err() {
                    let kept = std::env::temp_dir().join(format!("crash-{name}-{}", failures.len()));
                    fs::write(&kept, &input).unwrap();
                    failures.push(format!("{}: {} bytes kept in {}", path.display(), input.len(), kept.display()));
                    break;
                }
            }
        }
    }
    assert!(failures.is_empty(), "oracles that did not hold:\n{}", failures.join("\n"));
}

fn oracles() -> BTreeMap<String, fn(&[u8])> {
    testkit::oracle::all().into_iter().map(|(name, oracle)| (name.to_owned(), oracle)).collect()
}

/// Corpus directories with at least one seed.
fn directories() -> BTreeMap<String, Vec<PathBuf>> {
    let mut found = BTreeMap::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    for directory in fs::read_dir(root).into_iter().flatten() {
        let directory = directory.unwrap();
        let mut seeds: Vec<PathBuf> =
            fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
        seeds.sort();
        if !seeds.is_empty() {
            found.insert(directory.file_name().into_string().unwrap(), seeds);
        }
    }
    found
}
