use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crate::place::{Place, request, verifies};

#[test]
fn kill_9_while_issuing_loses_no_acknowledged_certificate() {
    let place = Place::with_authority();
    let pem = request("/CN=x", &[]);
    fs::write(place.path("csr"), pem).unwrap();
    let csr = place.path("csr");
    let mut acknowledged = Vec::new();
    for round in 0..3 {
        let server = place.serve();
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            let clients: Vec<_> = (0..3)
                .map(|_| {
                    scope.spawn(|| {
                        let mut serials = Vec::new();
                        while !stop.load(Ordering::SeqCst) {
                            // Without the passphrase it cannot issue by itself when the server is gone.
                            let mut command = place.certsrvd(&["--json", "request", "submit", csr.to_str().unwrap()]);
                            let output = command.env_remove("CERTSRVD_PASSPHRASE").output().unwrap();
                            if output.status.success() {
                                let reply: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
                                serials.push(reply["serial"].as_str().unwrap().to_owned());
                            }
                        }
                        serials
                    })
                })
                .collect();
            thread::sleep(Duration::from_millis(400 + 150 * round));
            server.kill();
            stop.store(true, Ordering::SeqCst);
            for client in clients {
                acknowledged.extend(client.join().unwrap());
            }
        });
    }
    assert!(!acknowledged.is_empty());
    let server = place.serve();
    for serial in &acknowledged {
        let shown = place.json(&["certificate", "show", serial]);
        assert_eq!(shown["summary"]["disposition"], "issued", "{serial}");
        assert_eq!(verifies(&place.certificate(), shown["pem"].as_str().unwrap(), None), Ok(()));
    }
    let rows = place.json(&["certificate", "list"])["certificates"].as_array().unwrap().len();
    assert!(rows > acknowledged.len(), "the CA's own certificate is there too");
    assert!(server.terminate().success());
}

#[test]
fn kill_9_during_init_leaves_something_that_is_recognised_or_nothing() {
    for milliseconds in [0, 40, 80, 120, 160, 200, 240, 280, 320, 400] {
        let place = Place::empty();
        let mut init = place.certsrvd(&["init", "--name", "Test CA", "--key-type", "p-256"]).spawn().unwrap();
        thread::sleep(Duration::from_millis(milliseconds));
        let _ = init.kill();
        init.wait().unwrap();
        let status = place.certsrvd(&["status"]).output().unwrap();
        match status.status.code().unwrap() {
            0 => continue,
            10 => place.init(&["--key-type", "p-256"]),
            19 => place.init(&["--key-type", "p-256", "--discard-incomplete"]),
            other => panic!("{milliseconds} ms: {other}: {}", String::from_utf8_lossy(&status.stderr)),
        }
        place.ok(&["status"]);
    }
}
