//! `cargo xtask header`: the C header of certadm-ffi, written from its source.

use std::fs;

use anyhow::{Context, Result, bail};

use crate::run::root;

/// Writes the header, or with `check` fails when the one that is there is another.
pub(crate) fn run(check: bool) -> Result<()> {
    let package = root().join("crates/certadm-ffi");
    let configuration = cbindgen::Config::from_file(package.join("cbindgen.toml")).map_err(anyhow::Error::msg)?;
    // Only these files: the other crates have nothing for C.
    let bindings = cbindgen::Builder::new()
        .with_config(configuration)
        .with_src(package.join("src/abi.rs"))
        .with_src(package.join("src/export.rs"))
        .generate()
        .context("cbindgen")?;
    let mut header = Vec::new();
    bindings.write(&mut header);
    let path = package.join("include/certadm.h");
    if !check {
        fs::write(&path, header).with_context(|| format!("cannot write {}", path.display()))?;
        eprintln!("== header: wrote {}", path.display());
        return Ok(());
    }
    if fs::read(&path).with_context(|| format!("cannot read {}", path.display()))? != header {
        bail!("{} is not what the source says; run `cargo xtask header`", path.display());
    }
    eprintln!("== header: ok");
    Ok(())
}
