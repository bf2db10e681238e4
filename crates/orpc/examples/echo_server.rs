//! Serves an echo class for interoperability tests: `echo_server ADDRESS PORT`, the port of the endpoint mapper.
//! Ends with its standard input. See `tests/interop/README.md`.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, unreachable_pub, dead_code, reason = "example")]

use std::io::Read;
use std::sync::Arc;

use orpc::server::{Options, Server};

#[path = "../tests/spec/support/accounts.rs"]
mod accounts;
#[path = "../tests/spec/support/echo.rs"]
mod echo;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let listen = arguments.next().unwrap_or_else(|| "127.0.0.1".to_owned()).parse()?;
    let endpoint_mapper_port = arguments.next().unwrap_or_else(|| "135".to_owned()).parse()?;
    let host_names = vec!["echo.example.test".to_owned(), "ECHO".to_owned()];
    let options = Options { listen, endpoint_mapper_port, host_names, ..Options::default() };
    let running = Server::start(
        options,
        vec![Arc::new(echo::EchoClass(Arc::default()))],
        Arc::new(accounts::TestAccounts::default()),
        vec![Arc::new(echo::PlainEcho)],
    )?;
    println!("endpoint mapper {}, objects {}", running.endpoint_mapper_address(), running.object_address());
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
    running.stop();
    Ok(())
}
