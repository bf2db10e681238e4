//! Which sets belong together: a full backup and the incrementals that continue it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::exit::{Exit, Failure};
use crate::manifest::{Kind, LogRange, Manifest, Role};
use crate::medium::{Listing, Set};
use crate::verify::View;

/// The youngest set of a CA.
#[must_use]
pub fn latest<'a>(listing: &'a Listing, authority: &str) -> Option<&'a Set> {
    listing.sets.iter().rev().find(|set| set.manifest().same_authority(authority))
}

/// The youngest full set of a CA.
#[must_use]
pub fn latest_full<'a>(listing: &'a Listing, authority: &str) -> Option<&'a Set> {
    let of_this_ca = |set: &&Set| set.manifest().same_authority(authority) && set.manifest().kind == Kind::Full;
    listing.sets.iter().rev().find(of_this_ca)
}

/// What a manifest builds on, full backup first; empty for a full backup.
///
/// # Errors
/// Exit code 21: a set in between is damaged. Exit code 22: one is not there, belongs to another CA, or the logs have a
/// gap.
pub fn below(manifest: &Manifest, listing: &Listing) -> anyhow::Result<Vec<Set>> {
    if let Some(damaged) = listing.damaged_below(manifest) {
        return Err(damaged.failure().into());
    }
    let mut sets: Vec<Set> = Vec::new();
    let mut wanted = manifest.based_on.clone();
    let mut above = manifest;
    let mut later = manifest.logs;
    while let Some(name) = wanted {
        let Some(set) = listing.sets.iter().find(|set| set.name() == name) else {
            return Err(broken(format!("the set {name}, on which the chain builds, is not in this directory")));
        };
        // A chain of based_on that runs in a circle would never end.
        if sets.iter().any(|seen| seen.name() == name) {
            return Err(broken(format!("the chain returns to {name}")));
        }
        if !set.manifest().same_authority(&manifest.authority.name) {
            return Err(broken(format!("{name} is a backup of {}", set.manifest().authority.name)));
        }
        join(set.manifest().logs, later)?;
        later = set.manifest().logs.or(later);
        above = set.manifest();
        wanted = above.based_on.clone();
        sets.push(set.clone());
    }
    if above.kind != Kind::Full {
        return Err(broken("the chain has no full backup".to_owned()));
    }
    sets.reverse();
    Ok(sets)
}

/// The sets that continue a set, in order. Ends where the chain ends, or where it forks: the youngest branch wins.
#[must_use]
pub fn above(set: &Set, listing: &Listing) -> Vec<Set> {
    let mut sets = Vec::new();
    let mut name = set.name().to_owned();
    loop {
        let continues = |candidate: &&Set| {
            candidate.manifest().based_on.as_deref() == Some(&name)
                && candidate.manifest().same_authority(&set.manifest().authority.name)
        };
        let Some(next) = listing.sets.iter().rev().find(continues) else { return sets };
        if sets.iter().any(|seen: &Set| seen.name() == next.name()) || next.name() == set.name() {
            return sets;
        }
        name = next.name().to_owned();
        sets.push(next.clone());
    }
}

/// A log of a chain.
#[derive(Clone, Debug)]
pub struct Log {
    /// The file in its set.
    pub path: PathBuf,
    /// Its file name.
    pub name: String,
    /// Its hash, by the manifest.
    pub sha256: String,
}

/// Every log of a chain once, by generation. Sets may overlap; the same log is then the same.
///
/// # Errors
/// Exit code 22: two sets hold different logs of one generation.
pub fn logs<'a>(sets: impl IntoIterator<Item = View<'a>>) -> anyhow::Result<BTreeMap<u32, Log>> {
    let mut logs: BTreeMap<u32, Log> = BTreeMap::new();
    for set in sets {
        for file in set.manifest.files_of(Role::Log) {
            let Some(generation) = generation(file.path.name()) else { continue };
            match logs.get(&generation) {
                Some(known) if known.sha256 == file.sha256 => {}
                Some(_) => {
                    let text = format!("log generation {generation:#x} differs between the sets of the chain");
                    return Err(broken(text));
                }
                None => {
                    let name = file.path.name().to_owned();
                    logs.insert(generation, Log { path: file.path.below(set.path), name, sha256: file.sha256.clone() });
                }
            }
        }
    }
    Ok(logs)
}

/// Whether logs follow each other without a gap; they may overlap.
///
/// # Errors
/// Exit code 22: there is a gap.
pub fn join(earlier: Option<LogRange>, later: Option<LogRange>) -> anyhow::Result<()> {
    let (Some(earlier), Some(later)) = (earlier, later) else { return Ok(()) };
    if later.first > earlier.last.saturating_add(1) {
        return Err(broken(format!(
            "the logs have a gap: the earlier set ends with generation {:#x}, the later one begins with {:#x}",
            earlier.last, later.first
        )));
    }
    Ok(())
}

/// The range of a list of generations.
///
/// # Errors
/// Exit code 1: one comes twice, or one in between is missing.
pub fn range(generations: &[u32]) -> anyhow::Result<Option<LogRange>> {
    let mut seen = BTreeMap::new();
    for &generation in generations {
        if seen.insert(generation, ()).is_some() {
            return Err(Failure::new(Exit::Failure, format!("log generation {generation:#x} comes twice")).into());
        }
    }
    let (Some((&first, ())), Some((&last, ()))) = (seen.first_key_value(), seen.last_key_value()) else {
        return Ok(None);
    };
    let expected = u64::from(last - first) + 1;
    if seen.len() as u64 != expected {
        let absent = (first..=last).find(|generation| !seen.contains_key(generation)).unwrap_or(first);
        return Err(Failure::new(
            Exit::Failure,
            format!("log generation {absent:#x} is missing from the server's list"),
        )
        .into());
    }
    Ok(Some(LogRange { first, last }))
}

/// The generation in the name of a log: `edb0001A.log` is 0x1A. `None` for the open log and for anything else.
#[must_use]
pub fn generation(name: &str) -> Option<u32> {
    let lower = name.to_ascii_lowercase();
    let digits = lower.strip_prefix("edb")?.strip_suffix(".log")?;
    if !(5..=8).contains(&digits.len()) || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    u32::from_str_radix(digits, 16).ok()
}

/// What a person types for a generation: `0x1a`, `26`, or the file name `edb0001A.log`.
///
/// # Errors
/// None of these, in words.
pub fn parse_generation(text: &str) -> Result<u32, String> {
    let hexadecimal = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    let number = match hexadecimal {
        Some(digits) if digits.bytes().all(|digit| digit.is_ascii_hexdigit()) => u32::from_str_radix(digits, 16).ok(),
        Some(_) => None,
        None if text.bytes().all(|digit| digit.is_ascii_digit()) => text.parse().ok(),
        None => generation(text),
    };
    number.ok_or_else(|| "a log generation is written 0x1a, 26 or edb0001A.log".to_owned())
}

/// A generation in both its forms: `0x1a (26)`.
#[must_use]
pub fn show_generation(generation: u32) -> String {
    format!("{generation:#x} ({generation})")
}

fn broken(message: String) -> anyhow::Error {
    Failure::new(Exit::FullNeeded, message).hint("take a full backup; it starts a new chain").into()
}
