//! `cargo xtask interop`: impacket, a client that nobody here wrote, against `certsrvd`.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::run::root;
use crate::scene::{CA_NAME, OPERATOR, Profile, READER, Scene};

/// Runs the scenario and the refusals; fails when any check does.
pub(crate) fn run() -> Result<()> {
    let Some(python) = python()? else { return Ok(()) };
    let scene = Scene::new(Profile::Dev)?;
    let server = scene.serve()?;
    for number in 0..20 {
        scene.issue(&format!("interop-{number}"))?;
    }
    let config = scene.path().join("interop.json");
    fs::write(&config, serde_json::to_vec_pretty(&configuration(&scene, &server.endpoint_mapper)?)?)?;
    let output = Command::new(python)
        .arg(root().join("interop/backup_walk.py"))
        .arg(&config)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .context("cannot run impacket")?;
    let passed = report(&output.stdout);
    if !output.status.success() || passed == 0 {
        bail!("impacket: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    let rows = crate::set::recover_and_count(&scene.path().join("impacket/DataBase"))?;
    if rows < 20 {
        bail!("the set that impacket took holds {rows} certificates, 20 were issued");
    }
    eprintln!("== impacket: {passed} checks passed; its set restores with {rows} certificates");
    Ok(())
}

fn configuration(scene: &Scene, endpoint_mapper: &str) -> Result<Value> {
    let (host, port) = endpoint_mapper.rsplit_once(':').context("the endpoint mapper's address")?;
    let certificate = x509_cert::Certificate::load_pem_chain(&fs::read(scene.data().join("ca.crt"))?)?;
    let certificate = certificate.first().context("the CA's certificate")?;
    let der = der::Encode::to_der(certificate)?;
    Ok(json!({
        "host": host,
        "port": port.parse::<u16>()?,
        "user": OPERATOR,
        "password": fs::read_to_string(scene.secret(OPERATOR))?,
        "reader": READER,
        "reader_password": fs::read_to_string(scene.secret(READER))?,
        "ca_name": CA_NAME,
        "ca_certificate_sha256": hex::encode(Sha256::digest(der)),
        "database_file": scene.database()?,
        "log_directory": scene.logs(),
        "store": scene.path().join("impacket"),
        "grace_seconds": 6,
    }))
}

/// Prints the checks that failed; returns how many passed.
fn report(output: &[u8]) -> usize {
    let mut passed = 0;
    for line in String::from_utf8_lossy(output).lines() {
        let value: Value = serde_json::from_str(line).unwrap_or_default();
        match value.get("passed").and_then(Value::as_bool) {
            Some(true) => passed += 1,
            Some(false) => eprintln!("   failed: {line}"),
            None => eprintln!("   {line}"),
        }
    }
    passed
}

/// A Python with the pinned impacket. Without one the checks are skipped, except in continuous integration.
pub(crate) fn python() -> Result<Option<PathBuf>> {
    crate::python::with("interop-venv", "interop/requirements.txt", "interoperability")
}
