//! Speed of large replies from server to client over the loopback interface, sealed: `cargo bench -p orpc --bench loopback`.
#![allow(clippy::unwrap_used, missing_docs, unreachable_pub, dead_code, reason = "benchmark")]

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Instant;

use orpc::client::{Client, Credentials};
use orpc::server::{Options, Server};

#[path = "../tests/spec/support/accounts.rs"]
mod accounts;
#[path = "../tests/spec/support/echo.rs"]
mod echo;

/// Data per round, in bytes.
const ROUND: usize = 128 << 20;

fn main() {
    let options = Options { listen: IpAddr::V4(Ipv4Addr::LOCALHOST), endpoint_mapper_port: 0, ..Options::default() };
    let running = Server::start(
        options,
        vec![Arc::new(echo::EchoClass(Arc::default()))],
        Arc::new(accounts::TestAccounts::default()),
        Vec::new(),
    )
    .unwrap();
    for maximum_fragment in [4280, 5840, 65_528] {
        for size in [64 << 10, 1 << 20, 4 << 20] {
            let credentials = Credentials {
                domain: String::new(),
                user: "alice".to_owned(),
                password: "Alice's password".to_owned().into(),
            };
            let options = orpc::client::Options {
                endpoint_mapper_port: running.endpoint_mapper_address().port(),
                maximum_fragment,
                ..Default::default()
            };
            let client = Client::new(credentials, options);
            let mut object = client.activate("127.0.0.1", echo::CLSID, echo::IID_ECHO).unwrap();
            let mut reply = Vec::new();
            let mut speeds: Vec<f64> = (0..5)
                .map(|_| {
                    let start = Instant::now();
                    for _ in 0..ROUND / size {
                        reply.clear();
                        object.call(echo::PRODUCE, &(size as u32).to_le_bytes(), &mut reply).unwrap();
                        assert!(reply.len() > size);
                    }
                    ROUND as f64 / f64::from(1 << 20) / start.elapsed().as_secs_f64()
                })
                .collect();
            speeds.sort_by(f64::total_cmp);
            let (worst, median, best) = (speeds[0], speeds[2], speeds[4]);
            println!("fragments of {maximum_fragment}, replies of {size}: {median:.0} MiB/s ({worst:.0} to {best:.0})");
        }
    }
    running.stop();
}
