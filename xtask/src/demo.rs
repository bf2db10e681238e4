//! `cargo xtask demo`: the whole scenario with real processes on loopback, step by step, ending with a comparison of every certificate.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use serde_json::Value;

use crate::scene::{Certificate, Profile, Scene};

/// Runs the demonstration; any difference at its end is an error.
pub(crate) fn run() -> Result<()> {
    let scene = Scene::new(Profile::Dev)?;
    let start = Instant::now();
    headline("a certification authority starts, and issues certificates until it dies");
    let mut server = scene.serve()?;
    let target = server.endpoint_mapper.clone();
    println!("certsrvd serves MS-CSRA on {target}, process {}", server.process.id());
    let (issued, stop) = (Issued::default(), AtomicBool::new(false));
    thread::scope(|scope| -> Result<()> {
        let issuer = scope.spawn(|| issue_until(&scene, &issued, &stop));
        let outcome = backups(&scene, &target, &issued);
        headline("disaster: the server is killed, its database directory is gone");
        let killed = server.process.kill().context("cannot kill certsrvd");
        stop.store(true, Ordering::Relaxed);
        issuer.join().map_err(|_| anyhow!("the issuing thread panicked"))?;
        outcome?;
        killed?;
        Ok(())
    })?;
    let survivors = issued.take();
    let database = scene.database()?;
    for entry in fs::read_dir(scene.data().join("database"))? {
        fs::remove_file(entry?.path())?;
    }
    println!("killed with SIGKILL; {} and its WAL are deleted; the logs survive", database.display());

    headline("restore: the full backup, the incremental one, then the logs that survive");
    show(scene.cabak().arg("restore").arg(scene.sets().join("latest")).arg("--data-dir").arg(scene.data()))?;
    let restart = Instant::now();
    let mut server = scene.serve()?;
    println!("certsrvd rolled forward and serves again after {:.2} s", restart.elapsed().as_secs_f64());

    headline("every certificate that was acknowledged is compared");
    let restored = scene.certificates()?;
    compare(&survivors, &restored)?;
    let after = scene.issue("after-the-restore")?;
    println!("request {} is issued after the restore", after.get("request_id").unwrap_or(&Value::Null));
    let full_needed =
        scene.cabak().args(["backup", &server.endpoint_mapper, "--incremental", "--to"]).arg(scene.sets()).output()?;
    if full_needed.status.code() != Some(22) {
        bail!("an incremental backup after a restore must be refused with exit code 22, got {}", full_needed.status);
    }
    println!("an incremental backup is refused until a full one was taken: a new chain begins");
    show(scene.cabak().args(["backup", &server.endpoint_mapper, "--to"]).arg(scene.sets()))?;
    show(scene.cabak().arg("snapshots").arg(scene.sets()))?;
    server.process.stop(Duration::from_secs(20)).context("certsrvd does not stop")?;
    println!(
        "\nok: {} certificates acknowledged, {} restored, 0 lost, in {:.1} s",
        survivors.len(),
        restored.len(),
        start.elapsed().as_secs_f64()
    );
    Ok(())
}

/// What the CA does to certificates while the backups run, and what was acknowledged.
#[derive(Default)]
struct Issued(Mutex<BTreeMap<i64, Certificate>>);

impl Issued {
    fn count(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    fn acknowledge(&self, certificate: Certificate) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(certificate.request_id, certificate);
    }

    fn first(&self) -> Option<Certificate> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).first_key_value().map(|(_, first)| first.clone())
    }

    fn take(self) -> BTreeMap<i64, Certificate> {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Submits requests until told to stop or until the server is gone; remembers each that was acknowledged.
fn issue_until(scene: &Scene, issued: &Issued, stop: &AtomicBool) {
    let mut number = 0;
    while !stop.load(Ordering::Relaxed) {
        number += 1;
        let Ok(reply) = scene.issue(&format!("host-{number:05}")) else { return };
        let Ok(certificate) = acknowledged(&reply) else { return };
        issued.acknowledge(certificate);
    }
}

fn acknowledged(reply: &Value) -> Result<Certificate> {
    let pem = reply.get("pem").and_then(Value::as_str).context("no certificate in the reply")?;
    Ok(Certificate {
        request_id: reply.get("request_id").and_then(Value::as_i64).context("request_id")?,
        serial: reply.get("serial").and_then(Value::as_str).context("serial")?.to_owned(),
        hash: Some(crate::request::sha1_of_pem(pem)?),
        disposition: reply.get("disposition").cloned().context("disposition")?,
    })
}

/// Preflight, a full backup, an incremental one, and some more certificates that are in neither.
fn backups(scene: &Scene, target: &str, issued: &Issued) -> Result<()> {
    wait_for(issued, 25)?;
    fs::create_dir(scene.sets())?;
    headline("preflight");
    show(scene.cabak().args(["preflight", target, "--to"]).arg(scene.sets()))?;
    headline("a full backup, the 16 steps, while certificates are issued");
    let before = issued.count();
    show(scene.cabak().args(["backup", target, "--steps", "--truncate", "--to"]).arg(scene.sets()))?;
    println!("{} certificates were issued during the backup", issued.count() - before);
    wait_for(issued, issued.count() + 25)?;
    headline("an incremental backup");
    show(scene.cabak().args(["backup", target, "--incremental", "--truncate", "--to"]).arg(scene.sets()))?;
    headline("verify: hashes, log chain, replay, integrity");
    show(scene.cabak().arg("verify").arg(scene.sets().join("latest")))?;
    let count = issued.count();
    let revoked = revoke_first(scene, issued)?;
    wait_for(issued, count + 25)?;
    println!("{} more certificates, and the revocation of {revoked}, are in no backup", issued.count() - count);
    Ok(())
}

/// Revokes the first certificate; what was acknowledged of it is its new state. Returns its serial number.
fn revoke_first(scene: &Scene, issued: &Issued) -> Result<String> {
    let serial = issued.first().context("nothing was issued")?.serial;
    scene.run(scene.certsrvd().args(["certificate", "revoke", &serial, "--reason", "keyCompromise"]))?;
    let now =
        scene.certificates()?.into_values().find(|row| row.serial == serial).context("the revoked certificate")?;
    issued.acknowledge(now);
    Ok(serial)
}

fn wait_for(issued: &Issued, count: usize) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(30);
    while issued.count() < count {
        if Instant::now() > deadline {
            bail!("the CA issued {} certificates, {count} were waited for", issued.count());
        }
        thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// Fails on any acknowledged certificate that is missing or different.
fn compare(acknowledged: &BTreeMap<i64, Certificate>, restored: &BTreeMap<i64, Certificate>) -> Result<()> {
    let different: Vec<_> =
        acknowledged.iter().filter(|(id, certificate)| restored.get(id) != Some(certificate)).collect();
    if let Some((id, certificate)) = different.first() {
        bail!(
            "{} of {} certificates are lost or different, the first is request {id}: acknowledged {certificate:?}, restored {:?}",
            different.len(),
            acknowledged.len(),
            restored.get(id)
        );
    }
    println!("{} acknowledged, {} restored, all equal", acknowledged.len(), restored.len());
    Ok(())
}

fn headline(text: &str) {
    println!("\n-- {text}");
}

/// Runs a command, showing its name and its lines as they come.
fn show(command: &mut Command) -> Result<()> {
    let words: Vec<_> = command.get_args().map(|word| word.to_string_lossy().into_owned()).collect();
    println!("$ cabak {}", words.join(" "));
    let mut child = command.stdout(Stdio::piped()).spawn().with_context(|| format!("{command:?}"))?;
    if let Some(output) = child.stdout.take() {
        for line in BufReader::new(output).lines() {
            println!("  {}", line?);
        }
    }
    let status = child.wait()?;
    if !status.success() {
        bail!("cabak {}: {status}", words.join(" "));
    }
    Ok(())
}
