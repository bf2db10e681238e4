//! Client and server over the loopback interface, on ports that the system chooses.

use std::net::{IpAddr, Ipv4Addr, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use dcerpc::{Opnum, Status};
use orpc::client::{Client, Credentials, Error, Object};
use orpc::server::{Limits, Running, Server};
use zeroize::Zeroizing;

use crate::support::accounts::TestAccounts;
use crate::support::echo::{self, CLSID, EchoClass, Events, IID_ECHO, IID_ECHO2, PLAIN, PlainEcho, echo_stub};

const HOST: &str = "127.0.0.1";

struct Fixture {
    running: Running,
    events: Arc<Events>,
}

impl Fixture {
    fn new() -> Self {
        Self::with_limits(|_| {})
    }

    fn with_limits(change: impl FnOnce(&mut Limits)) -> Self {
        let events = Arc::<Events>::default();
        let mut options = orpc::server::Options {
            listen: IpAddr::V4(Ipv4Addr::LOCALHOST),
            endpoint_mapper_port: 0,
            object_port: 0,
            host_names: vec!["no-such-host.invalid".to_owned()],
            ..Default::default()
        };
        change(&mut options.limits);
        let class = EchoClass(Arc::clone(&events));
        let accounts = Arc::new(TestAccounts::default());
        let running = Server::start(options, vec![Arc::new(class)], accounts, vec![Arc::new(PlainEcho)]).unwrap();
        Self { running, events }
    }

    fn client(&self) -> Client {
        self.client_with("Alice's password", |_| {})
    }

    fn client_with(&self, password: &str, change: impl FnOnce(&mut orpc::client::Options)) -> Client {
        let credentials = Credentials {
            domain: "CORP".to_owned(),
            user: "alice".to_owned(),
            password: Zeroizing::new(password.to_owned()),
        };
        let mut options = orpc::client::Options {
            endpoint_mapper_port: self.running.endpoint_mapper_address().port(),
            call_timeout: Duration::from_secs(20),
            ..Default::default()
        };
        change(&mut options);
        Client::new(credentials, options)
    }
}

fn echo(object: &mut Object, bytes: &[u8]) -> Result<Vec<u8>, Error> {
    let mut reply = b"before".to_vec();
    let start = object.call(echo::ECHO, &echo_stub(bytes), &mut reply)?;
    assert_eq!((&reply[..6], start), (&b"before"[..], 14));
    Ok(reply[start + 4..start + 4 + bytes.len()].to_vec())
}

#[test]
fn an_object_is_activated_called_and_released() {
    let fixture = Fixture::new();
    let mut object = fixture.client().activate(HOST, CLSID, IID_ECHO).unwrap();
    assert_eq!(echo(&mut object, b"hello").unwrap(), b"hello");
    assert_eq!(fixture.events.count("dropped"), 0);
    drop(object);
    assert_eq!(fixture.events.count("dropped"), 1, "the release is answered before drop returns");
}

#[test]
fn a_second_interface_shares_the_object() {
    let fixture = Fixture::new();
    let mut first = fixture.client().activate(HOST, CLSID, IID_ECHO).unwrap();
    let mut second = first.query_interface(IID_ECHO2).unwrap();
    assert_eq!(echo(&mut second, b"second").unwrap(), b"second");
    let missing = first.query_interface(uuid::Uuid::from_u128(7));
    assert!(matches!(missing, Err(Error::NoInterface { .. })), "{missing:?}");
    drop(first);
    assert_eq!(echo(&mut second, b"still").unwrap(), b"still");
    assert_eq!(fixture.events.count("dropped"), 0);
    drop(second);
    assert_eq!(fixture.events.count("dropped"), 1);
}

#[test]
fn stubs_of_all_sizes_pass_through_fragments_of_all_sizes() {
    let fixture = Fixture::new();
    for maximum_fragment in [4280, 5840, 65_528] {
        let client = fixture.client_with("Alice's password", |options| options.maximum_fragment = maximum_fragment);
        let mut object = client.activate(HOST, CLSID, IID_ECHO).unwrap();
        for size in [0, 1, 4000, 4280, 5840, 65_528, 200_000, 900_000] {
            let bytes: Vec<u8> = (0..size).map(|at| (at * 7 + at / 251) as u8).collect();
            assert!(echo(&mut object, &bytes).unwrap() == bytes, "{size} bytes in fragments of {maximum_fragment}");
        }
        let mut reply = Vec::new();
        let start = object.call(echo::PRODUCE, &(4_u32 << 20).to_le_bytes(), &mut reply).unwrap();
        assert_eq!(reply.len() - start, (4 << 20) + 8);
    }
}

#[test]
fn a_reply_above_the_limit_is_a_protocol_error() {
    let fixture = Fixture::new();
    let mut object = fixture.client().activate(HOST, CLSID, IID_ECHO).unwrap();
    let mut reply = vec![1];
    let error = object.call(echo::PRODUCE, &(17_u32 << 20).to_le_bytes(), &mut reply).unwrap_err();
    assert!(matches!(error, Error::Protocol { .. }), "{error:?}");
    assert_eq!(reply, [1]);
    let error = echo(&mut object, b"after").unwrap_err();
    assert!(matches!(error, Error::ConnectionLost { .. }), "{error:?}");
}

#[test]
fn a_request_above_the_limit_of_the_server_is_refused() {
    let fixture = Fixture::new();
    let mut object = fixture.client().activate(HOST, CLSID, IID_ECHO).unwrap();
    let error = echo(&mut object, &vec![0; 2 << 20]).unwrap_err();
    assert!(matches!(error, Error::AccessDenied { .. } | Error::ConnectionLost { .. }), "{error:?}");
}

#[test]
fn clients_work_side_by_side() {
    let fixture = Fixture::new();
    thread::scope(|scope| {
        for number in 0..6_u8 {
            let client = fixture.client();
            scope.spawn(move || {
                let mut one = client.activate(HOST, CLSID, IID_ECHO).unwrap();
                let mut other = client.activate(HOST, CLSID, IID_ECHO2).unwrap();
                for _ in 0..20 {
                    assert_eq!(echo(&mut one, &[number; 3000]).unwrap(), [number; 3000]);
                    assert_eq!(echo(&mut other, &[number; 30]).unwrap(), [number; 30]);
                }
            });
        }
    });
    assert_eq!((fixture.events.count("created"), fixture.events.count("dropped")), (12, 12));
}

#[test]
fn a_wrong_password_is_told_apart_from_a_missing_class() {
    let fixture = Fixture::new();
    let error = fixture.client_with("wrong", |_| {}).activate(HOST, CLSID, IID_ECHO).unwrap_err();
    assert!(matches!(error, Error::AuthenticationFailed { .. }), "{error:?}");
    let error = fixture.client().activate(HOST, IID_ECHO, IID_ECHO).unwrap_err();
    assert!(matches!(error, Error::ClassNotRegistered { .. }), "{error:?}");
    let error = fixture.client().activate(HOST, CLSID, CLSID).unwrap_err();
    assert!(matches!(error, Error::NoInterface { .. }), "{error:?}");
    assert_eq!(fixture.events.count("created"), 0);
}

#[test]
fn a_fault_leaves_the_object_usable() {
    let fixture = Fixture::new();
    let mut object = fixture.client().activate(HOST, CLSID, IID_ECHO).unwrap();
    let error = object.call(echo::FAIL, &[], &mut Vec::new()).unwrap_err();
    assert!(matches!(error, Error::Fault(Status::SERVER_TOO_BUSY)), "{error:?}");
    let error = object.call(Opnum(99), &[], &mut Vec::new()).unwrap_err();
    assert!(matches!(error, Error::Fault(Status::OPERATION_RANGE)), "{error:?}");
    assert_eq!(echo(&mut object, b"on").unwrap(), b"on");
}

#[test]
fn nobody_there_is_unreachable() {
    let fixture = Fixture::new();
    let client = fixture.client();
    fixture.running.stop();
    let error = client.activate(HOST, CLSID, IID_ECHO).unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");
    let error = client.server_alive(HOST).unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");
}

#[test]
fn a_lost_client_loses_its_object_after_the_grace_time() {
    let fixture = Fixture::with_limits(|limits| limits.grace = Duration::from_millis(50));
    let client = fixture.client();
    let mut object = client.activate(HOST, CLSID, IID_ECHO).unwrap();
    echo(&mut object, b"x").unwrap();
    client.canceller().cancel();
    assert!(fixture.events.wait_for("dropped", 1));
    let error = echo(&mut object, b"x").unwrap_err();
    assert!(matches!(error, Error::Cancelled), "{error:?}");
}

#[test]
fn an_object_stays_as_long_as_its_connection_is_open() {
    let fixture = Fixture::with_limits(|limits| {
        limits.grace = Duration::from_millis(1);
        limits.ping_timeout = Duration::from_millis(1500);
        limits.idle_timeout = Duration::from_millis(1000);
    });
    let mut object = fixture.client().activate(HOST, CLSID, IID_ECHO).unwrap();
    echo(&mut object, b"x").unwrap();
    thread::sleep(Duration::from_millis(2000));
    assert_eq!(echo(&mut object, b"still here").unwrap(), b"still here");
    assert_eq!(fixture.events.count("dropped"), 0);
}

#[test]
fn pings_keep_an_object_that_was_not_called_yet() {
    let fixture = Fixture::with_limits(|limits| limits.ping_timeout = Duration::from_millis(1500));
    let client = fixture.client_with("Alice's password", |options| options.ping_period = Duration::from_millis(100));
    let mut object = client.activate(HOST, CLSID, IID_ECHO).unwrap();
    thread::sleep(Duration::from_millis(2000));
    assert_eq!(echo(&mut object, b"alive").unwrap(), b"alive");

    let silent = fixture.client();
    let mut object = silent.activate(HOST, CLSID, IID_ECHO).unwrap();
    assert!(fixture.events.wait_for("dropped", 1));
    let error = echo(&mut object, b"dead").unwrap_err();
    assert!(matches!(error, Error::Fault(Status(0x8001_0108))), "{error:?}");
}

#[test]
fn stopping_waits_for_the_call_that_runs_and_drops_objects() {
    let fixture = Fixture::new();
    let mut object = fixture.client().activate(HOST, CLSID, IID_ECHO).unwrap();
    let Fixture { running, events } = fixture;
    let caller = thread::spawn(move || object.call(echo::WAIT, &[], &mut Vec::new()));
    assert!(events.wait_for("waiting", 1));
    let stopper = thread::spawn(move || running.stop());
    let error = caller.join().unwrap().unwrap_err();
    assert!(matches!(error, Error::ConnectionLost { .. }), "{error:?}");
    assert_eq!(events.count("dropped"), 0, "the call still runs");
    events.record("go");
    stopper.join().unwrap();
    assert_eq!(events.count("dropped"), 1);
}

#[test]
fn a_call_that_is_not_answered_times_out() {
    let fixture = Fixture::new();
    let client = fixture.client_with("Alice's password", |options| options.call_timeout = Duration::from_millis(1500));
    let mut object = client.activate(HOST, CLSID, IID_ECHO).unwrap();
    let error = object.call(echo::WAIT, &[], &mut Vec::new()).unwrap_err();
    assert!(matches!(error, Error::Timeout { .. }), "{error:?}");
    fixture.events.record("go");
}

#[test]
fn a_canceller_ends_a_call_from_another_thread() {
    let fixture = Fixture::new();
    let client = fixture.client();
    let canceller = client.canceller();
    let mut object = client.activate(HOST, CLSID, IID_ECHO).unwrap();
    let caller = thread::spawn(move || object.call(echo::WAIT, &[], &mut Vec::new()));
    assert!(fixture.events.wait_for("waiting", 1));
    canceller.cancel();
    let error = caller.join().unwrap().unwrap_err();
    assert!(matches!(error, Error::Cancelled), "{error:?}");
    let error = client.activate(HOST, CLSID, IID_ECHO).unwrap_err();
    assert!(matches!(error, Error::Cancelled), "{error:?}");
    fixture.events.record("go");
}

#[test]
fn a_silent_connection_is_closed() {
    use std::io::Read;
    let fixture = Fixture::with_limits(|limits| limits.authentication_timeout = Duration::from_millis(100));
    for address in [fixture.running.endpoint_mapper_address(), fixture.running.object_address()] {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        assert_eq!(stream.read(&mut [0; 16]).unwrap(), 0);
    }
}

#[test]
fn a_client_that_sends_no_rpc_is_closed() {
    use std::io::{Read, Write};
    let fixture = Fixture::new();
    let mut stream = TcpStream::connect(fixture.running.object_address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: ca1\r\n\r\n").unwrap();
    let start = Instant::now();
    let mut answer = Vec::new();
    // Closing with unread bytes resets the connection.
    let _ = stream.read_to_end(&mut answer);
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[test]
fn connections_above_the_limit_are_closed_at_once() {
    use std::io::Read;
    let fixture = Fixture::with_limits(|limits| limits.connections = 2);
    let address = fixture.running.object_address();
    let held = [TcpStream::connect(address).unwrap(), TcpStream::connect(address).unwrap()];
    let mut third = TcpStream::connect(address).unwrap();
    third.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    assert_eq!(third.read(&mut [0; 16]).unwrap(), 0);
    drop(held);
}

#[test]
fn the_resolver_and_the_endpoint_mapper_answer_without_a_user() {
    let fixture = Fixture::new();
    let client = fixture.client_with("wrong", |_| {});
    let alive = client.server_alive(HOST).unwrap();
    let addresses: Vec<&str> = alive.bindings.string_bindings().iter().map(|binding| binding.address()).collect();
    assert_eq!(addresses, [HOST, "no-such-host.invalid"]);
    assert_eq!(client.find_port(HOST, PLAIN).unwrap(), Some(fixture.running.object_address().port()));
    assert_eq!(client.find_port(HOST, dcerpc::epm::INTERFACE).unwrap(), None);
}
