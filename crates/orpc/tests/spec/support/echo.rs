//! A class whose objects give back what they get.

use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use dcerpc::ndr::{Decoder, Encoder};
use dcerpc::{Opnum, Status, SyntaxId};
use dcom::Hresult;
use orpc::server::{Caller, Class, Object, PlainInterface};
use uuid::{Uuid, uuid};

pub const CLSID: Uuid = uuid!("0b9e5a10-6f0d-4f0e-9d53-6a1c6f1f0001");
pub const IID_ECHO: Uuid = uuid!("0b9e5a10-6f0d-4f0e-9d53-6a1c6f1f0002");
pub const IID_ECHO2: Uuid = uuid!("0b9e5a10-6f0d-4f0e-9d53-6a1c6f1f0003");
pub const PLAIN: SyntaxId = SyntaxId::new(uuid!("0b9e5a10-6f0d-4f0e-9d53-6a1c6f1f0004"), 1, 0);

/// Gives back bytes: count u32, then a conformant array of that many.
pub const ECHO: Opnum = Opnum(3);
/// Tells the authentication level of the call.
pub const LEVEL: Opnum = Opnum(4);
/// Makes as many bytes as asked for.
pub const PRODUCE: Opnum = Opnum(5);
/// Returns when the event "go" was recorded.
pub const WAIT: Opnum = Opnum(6);
/// Fails with a fault, after it has written a part of a reply.
pub const FAIL: Opnum = Opnum(7);

/// What happened to the objects, for tests to wait for.
#[derive(Default)]
pub struct Events {
    list: Mutex<Vec<&'static str>>,
    changed: Condvar,
}

impl Events {
    pub fn record(&self, event: &'static str) {
        self.list.lock().unwrap().push(event);
        self.changed.notify_all();
    }

    /// Waits until the event has happened `count` times; `false` after ten seconds.
    pub fn wait_for(&self, event: &'static str, count: usize) -> bool {
        let list = self.list.lock().unwrap();
        let missing = |list: &mut Vec<&'static str>| list.iter().filter(|seen| **seen == event).count() < count;
        let waited = self.changed.wait_timeout_while(list, Duration::from_secs(10), missing);
        !waited.unwrap().1.timed_out()
    }

    pub fn count(&self, event: &'static str) -> usize {
        self.list.lock().unwrap().iter().filter(|seen| **seen == event).count()
    }
}

pub struct EchoClass(pub Arc<Events>);

impl Class for EchoClass {
    fn clsid(&self) -> Uuid {
        CLSID
    }

    fn interfaces(&self) -> &[Uuid] {
        &[IID_ECHO, IID_ECHO2]
    }

    fn create(&self, caller: &Caller) -> Result<Box<dyn Object>, Hresult> {
        if caller.identity.user == "bob" {
            return Err(Hresult::ACCESS_DENIED);
        }
        self.0.record("created");
        Ok(Box::new(EchoObject(Arc::clone(&self.0))))
    }
}

struct EchoObject(Arc<Events>);

impl Object for EchoObject {
    fn call(
        &mut self,
        caller: &Caller,
        _interface: Uuid,
        opnum: Opnum,
        stub: &[u8],
        reply: &mut Vec<u8>,
    ) -> Result<(), Status> {
        let mut request = Decoder::new(stub);
        let base = reply.len();
        let mut answer = Encoder::append_to(std::mem::take(reply), base);
        match opnum {
            ECHO => {
                let count = request.u32().map_err(|_| Status::BAD_STUB_DATA)? as usize;
                let bytes = request.conformant_bytes(count).map_err(|_| Status::BAD_STUB_DATA)?;
                answer.conformant_bytes(bytes);
            }
            LEVEL => answer.u32(caller.level.to_wire().into()),
            PRODUCE => {
                let count = request.u32().map_err(|_| Status::BAD_STUB_DATA)? as usize;
                answer.u32(count as u32);
                answer.bytes_mut(count).fill(0x5a);
            }
            WAIT => {
                self.0.record("waiting");
                self.0.wait_for("go", 1);
            }
            FAIL => {
                answer.u32(1);
                *reply = answer.into_bytes();
                return Err(Status::SERVER_TOO_BUSY);
            }
            _ => return Err(Status::OPERATION_RANGE),
        }
        answer.u32(0); // HRESULT
        *reply = answer.into_bytes();
        Ok(())
    }
}

impl Drop for EchoObject {
    fn drop(&mut self) {
        self.0.record("dropped");
    }
}

/// The same without DCOM.
pub struct PlainEcho;

impl PlainInterface for PlainEcho {
    fn syntax(&self) -> SyntaxId {
        PLAIN
    }

    fn call(&self, caller: &Caller, opnum: Opnum, stub: &[u8], reply: &mut Vec<u8>) -> Result<(), Status> {
        if opnum != Opnum(0) || caller.identity.user.is_empty() {
            return Err(Status::OPERATION_RANGE);
        }
        reply.extend_from_slice(stub);
        Ok(())
    }
}

/// The stub of [`ECHO`], behind ORPCTHIS.
pub fn echo_stub(bytes: &[u8]) -> Vec<u8> {
    let mut stub = Encoder::new();
    stub.u32(bytes.len() as u32);
    stub.conformant_bytes(bytes);
    stub.into_bytes()
}
