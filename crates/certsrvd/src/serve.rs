//! The running server: from the start to the last line of the audit log.

use std::fs::{self, File};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use orpc::server::{Options, Server};
use serde_json::{Map, Value, json};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::audit::{Caller, Event};
use crate::authority::{self, Authority, Error};
use crate::configuration::Configuration;
use crate::control::ControlServer;
use crate::data_directory::DataDirectory;
use crate::durable;
use crate::failure::{Code, Failure};
use crate::filetime::FileTime;
use crate::object::{AdminClass, Logon};
use crate::restore;
use crate::stop::Stop;

/// Where a server that is ready listens.
#[derive(Clone, Copy, Debug)]
pub struct Ready {
    /// The endpoint mapper and activation.
    pub endpoint_mapper: SocketAddr,
    /// The objects.
    pub object: SocketAddr,
}

/// How often the server looks whether a CRL is due.
const TICK: Duration = Duration::from_secs(30);

/// Serves until SIGTERM, SIGINT or ServerControl. The caller has the lock of the data directory and hands it over; `ready`
/// is called once when everything answers.
///
/// # Errors
/// A registered restore that is not complete or fails, a wrong passphrase, a port that is taken, a database that cannot be
/// opened. The server does not answer anything then.
pub fn run(
    directory: DataDirectory,
    configuration: Configuration,
    passphrase: &str,
    lock: File,
    ready: impl FnOnce(&Ready),
) -> Result<(), Failure> {
    let internal = |error: io::Error| Failure::of(Code::Internal, &error);
    let stop = Arc::new(Stop::default());
    // From here on a signal ends the server in an orderly way, also while it recovers.
    let mut signals = Signals::new([SIGTERM, SIGINT]).map_err(internal)?;
    let on_signal = Arc::clone(&stop);
    let signal_handle = signals.handle();
    let signal_thread = thread::Builder::new().name("signals".to_owned()).spawn(move || {
        for signal in &mut signals {
            on_signal.request(if signal == SIGTERM { "SIGTERM" } else { "SIGINT" });
        }
    });
    signal_thread.map_err(internal)?;

    durable::remove_stale(directory.root()).map_err(internal)?;
    durable::create_directory(&directory.crls(), 0o755).map_err(internal)?;
    durable::remove_stale(&directory.crls()).map_err(internal)?;
    restore::at_start(&directory, &configuration)?;

    let authority =
        Arc::new(Authority::open(directory, configuration, Some(passphrase)).map_err(|error| error.to_failure())?);
    audit_configuration(&authority).map_err(|error| error.to_failure())?;
    authority.republish_crl().map_err(|error| error.to_failure())?;

    let server = &authority.configuration().server;
    let options = Options {
        listen: server.listen,
        endpoint_mapper_port: server.endpoint_mapper_port,
        object_port: server.object_port,
        host_names: vec![authority::host_name(authority.configuration())],
        ..Options::default()
    };
    let cannot_listen = {
        let (listen, mapper, object) = (options.listen, options.endpoint_mapper_port, options.object_port);
        move |error| listen_failure(listen, mapper, object, &error)
    };
    let class = AdminClass::new(Arc::clone(&authority), Arc::clone(&stop));
    let logon = Logon::new(Arc::clone(&authority));
    let running = Server::start(options, vec![Arc::new(class)], Arc::new(logon), Vec::new()).map_err(cannot_listen)?;
    let addresses = Ready { endpoint_mapper: running.endpoint_mapper_address(), object: running.object_address() };
    authority.set_addresses(addresses.endpoint_mapper, addresses.object);
    let control =
        ControlServer::start(&authority.directory().control_socket(), Arc::clone(&authority)).map_err(internal)?;
    let publisher = publish_when_due(&authority, &stop).map_err(internal)?;

    let details = json!({
        "endpoint_mapper": addresses.endpoint_mapper.to_string(),
        "object": addresses.object.to_string(),
    });
    authority.record(Event::ServiceStarted, &Caller::Server, details).map_err(|error| error.to_failure())?;
    ready(&addresses);

    let reason = stop.wait();
    tracing::info!(reason, "stopping");
    drop(control);
    // Drops the objects, and with them a backup session that is still open.
    running.stop();
    // A panic of that thread has been reported already.
    let _ = publisher.join();
    signal_handle.close();
    if let Err(problem) = authority.database().clone().close() {
        tracing::error!(%problem, "the database was not closed in order; the next start recovers it");
    }
    authority.audit().record_or_warn(Event::ServiceStopped, &Caller::Server, json!({ "reason": reason }));
    drop(lock);
    Ok(())
}

/// Why the server cannot listen, and what to do about it.
fn listen_failure(listen: IpAddr, mapper: u16, object: u16, error: &io::Error) -> Failure {
    let message = format!("cannot listen on {listen}, endpoint mapper port {mapper}, object port {object}: {error}");
    let failure = Failure::new(Code::Network, message);
    let ports = "other ports can be set with server.endpoint_mapper_port and server.object_port";
    match error.kind() {
        io::ErrorKind::PermissionDenied => failure.hint(format!("ports below 1024 need CAP_NET_BIND_SERVICE; {ports}")),
        io::ErrorKind::AddrInUse => {
            failure.hint(format!("another program listens there (ss -ltnp shows which): stop it; {ports}"))
        }
        io::ErrorKind::AddrNotAvailable => failure
            .hint(format!("this host has no address {listen} (ip address shows those it has): set server.listen")),
        _ => failure,
    }
}

/// Publishes a CRL by itself when one is due, unless the configuration says otherwise.
fn publish_when_due(authority: &Arc<Authority>, stop: &Arc<Stop>) -> io::Result<thread::JoinHandle<()>> {
    let (authority, stop) = (Arc::clone(authority), Arc::clone(stop));
    thread::Builder::new().name("crl".to_owned()).spawn(move || {
        loop {
            if authority.configuration().crl.automatic {
                let due = authority.next_crl_publish().map(|next| next.is_none_or(|next| next <= FileTime::now()));
                let published = match due {
                    Ok(true) => authority.publish_crl(&Caller::Server).map(drop),
                    Ok(false) => Ok(()),
                    Err(error) => Err(error),
                };
                if let Err(error) = published {
                    tracing::error!(%error, "cannot publish the CRL that is due");
                }
            }
            if stop.wait_for(TICK) {
                return;
            }
        }
    })
}

/// Audits what changed in the configuration since the last start.
fn audit_configuration(authority: &Authority) -> Result<(), Error> {
    let path = authority.directory().applied_configuration();
    let io = |source| Error::Io { path: path.clone(), source };
    let mut now = Map::new();
    let configuration = serde_json::to_value(authority.configuration()).map_err(|error| io(error.into()))?;
    flatten("", &configuration, &mut now);
    let before: Option<Map<String, Value>> = fs::read(&path).ok().and_then(|text| serde_json::from_slice(&text).ok());
    if let Some(before) = &before {
        let keys = before.keys().chain(now.keys().filter(|key| !before.contains_key(*key)));
        let changes: Map<String, Value> = keys
            .filter(|key| before.get(*key) != now.get(*key))
            .map(|key| (key.clone(), json!({ "from": before.get(key), "to": now.get(key) })))
            .collect();
        if changes.is_empty() {
            return Ok(());
        }
        authority.record(Event::ConfigurationChanged, &Caller::Server, json!({ "changes": changes }))?;
    }
    let text = serde_json::to_vec_pretty(&now).map_err(|error| io(error.into()))?;
    durable::replace(&path, &text, 0o600).map_err(io)
}

fn flatten(prefix: &str, value: &Value, into: &mut Map<String, Value>) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                let key = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
                flatten(&key, value, into);
            }
        }
        other => {
            into.insert(prefix.to_owned(), other.clone());
        }
    }
}
