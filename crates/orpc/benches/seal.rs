//! Single-core speed of message protection: `cargo bench -p orpc --bench seal`.
#![allow(clippy::unwrap_used, missing_docs, reason = "benchmark")]

use std::hint::black_box;
use std::time::Instant;

use orpc::security::ntlm::rc4::Rc4;
use orpc::security::ntlm::seal::Protection;
use rc4::{KeyInit, StreamCipher};

const KEY: [u8; 16] = *b"0123456789abcdef";
/// Data per round, in bytes.
const ROUND: usize = 32 << 20;

fn main() {
    for fragment in [4280, 5840, 65_528] {
        let body = 24..fragment - 24;
        let mut pdu = vec![7; fragment];
        let mut protection = Protection::of_client(&KEY);
        measure(&format!("protect, fragments of {fragment}"), fragment, || {
            protection.seal(black_box(&mut pdu), body.clone()).unwrap();
        });
        let mut protection = Protection::of_server(&KEY);
        measure(&format!("unprotect, fragments of {fragment}"), fragment, || {
            // The signature is wrong from the second round on, which takes the same time.
            let _ = black_box(protection.unseal(black_box(&mut pdu), body.clone()));
        });
    }
    let mut data = vec![7; 5840];
    let mut ours = Rc4::new(&KEY);
    measure("rc4, ours", data.len(), || ours.apply(black_box(&mut data)));
    let mut theirs = rc4::Rc4::new_from_slice(&KEY).unwrap();
    measure("rc4, the rc4 crate", data.len(), || theirs.apply_keystream(black_box(&mut data)));
}

/// Best and worst of seven rounds.
fn measure(name: &str, bytes: usize, mut work: impl FnMut()) {
    let runs = ROUND / bytes;
    let mut speeds: Vec<f64> = (0..7)
        .map(|_| {
            let start = Instant::now();
            for _ in 0..runs {
                work();
            }
            (runs * bytes) as f64 / f64::from(1 << 20) / start.elapsed().as_secs_f64()
        })
        .collect();
    speeds.sort_by(f64::total_cmp);
    println!("{name}: {:.0} MiB/s ({:.0} to {:.0})", speeds[3], speeds[0], speeds[6]);
}
