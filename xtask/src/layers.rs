//! `cargo xtask check layers`: the crates of `ARCHITECTURE.md` and whom each may name.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::run::cargo;

/// Each crate, and the crates of this workspace that it may name. A crate that is not listed may not exist.
const LAYERS: &[(&str, Allowed)] = &[
    ("dcerpc", Allowed::Only(&[])),
    ("dcom", Allowed::Only(&["dcerpc"])),
    ("csra", Allowed::Only(&["dcerpc", "dcom"])),
    ("orpc", Allowed::Only(&["dcerpc", "dcom"])),
    ("certadm", Allowed::Only(&["csra", "orpc"])),
    ("certdb", Allowed::Only(&[])),
    ("adcs", Allowed::Only(&["certdb", "ese"])),
    ("ese", Allowed::Only(&[])),
    ("certsrvd", Allowed::Only(&["certdb", "csra", "orpc"])),
    ("certadm-ffi", Allowed::Only(&["certadm"])),
    ("libcertadm", Allowed::Only(&["certadm", "certadm-ffi"])),
    ("cabak", Allowed::Only(&["adcs", "certadm", "certadm-ffi", "certdb", "ese"])),
    ("testkit", Allowed::Any),
    ("xtask", Allowed::Any),
];

/// Crates that tests of every layer may name beside what their own layer allows.
const FOR_TESTS: &[&str] = &["testkit"];

enum Allowed {
    Any,
    Only(&'static [&'static str]),
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    kind: Option<String>,
    path: Option<String>,
}

/// Fails when a crate names one that its layer does not allow, or when a crate has no layer.
pub(crate) fn check() -> Result<()> {
    let output = cargo(&["metadata", "--format-version", "1", "--no-deps", "--locked"])
        .output()
        .context("cannot run cargo metadata")?;
    if !output.status.success() {
        bail!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    }
    let metadata: Metadata = serde_json::from_slice(&output.stdout).context("cargo metadata")?;
    let broken = violations(&metadata);
    if !broken.is_empty() {
        bail!("layers broken:\n  {}", broken.join("\n  "));
    }
    eprintln!("== layers: ok, {} crates", metadata.packages.len());
    Ok(())
}

fn violations(metadata: &Metadata) -> Vec<String> {
    let ours: BTreeSet<&str> = metadata.packages.iter().map(|p| p.name.as_str()).collect();
    let mut broken = Vec::new();
    for package in &metadata.packages {
        let Some((_, allowed)) = LAYERS.iter().find(|(name, _)| *name == package.name) else {
            broken.push(format!("{}: has no layer; add it to xtask/src/layers.rs and ARCHITECTURE.md", package.name));
            continue;
        };
        let Allowed::Only(allowed) = allowed else { continue };
        for dependency in &package.dependencies {
            let name = dependency.name.as_str();
            let for_test = dependency.kind.as_deref() == Some("dev") && FOR_TESTS.contains(&name);
            if dependency.path.is_some() && ours.contains(name) && !allowed.contains(&name) && !for_test {
                broken.push(format!("{} may not name {name}", package.name));
            }
        }
    }
    broken
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(package: &str, dependency: &str, kind: Option<&str>) -> Vec<String> {
        let others = ["orpc", "certdb", "testkit"].map(|name| Package { name: name.into(), dependencies: Vec::new() });
        let package = Package {
            name: package.into(),
            dependencies: vec![Dependency {
                name: dependency.into(),
                kind: kind.map(Into::into),
                path: Some("crates".into()),
            }],
        };
        violations(&Metadata { packages: others.into_iter().chain([package]).collect() })
    }

    #[test]
    fn a_format_crate_may_not_name_the_runtime() {
        assert_eq!(check("csra", "orpc", None), ["csra may not name orpc"]);
    }

    #[test]
    fn a_dev_dependency_counts_like_any_other_except_on_testkit() {
        assert_eq!(check("csra", "orpc", Some("dev")), ["csra may not name orpc"]);
        assert_eq!(check("csra", "testkit", Some("dev")), Vec::<String>::new());
        assert_eq!(check("csra", "testkit", None), ["csra may not name testkit"]);
    }

    #[test]
    fn a_crate_without_a_layer_is_refused() {
        assert_eq!(
            check("newcomer", "certdb", None),
            ["newcomer: has no layer; add it to xtask/src/layers.rs and ARCHITECTURE.md"]
        );
    }

    #[test]
    fn an_allowed_edge_passes() {
        assert_eq!(check("certsrvd", "certdb", None), Vec::<String>::new());
    }
}
