//! The object on the server, behind a thread: calls can be waited for, overlapped by one, and given up.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use csra::call::{Call, CallError};
use csra::{Hresult, opnum};
use orpc::client::{Canceller, Client, Object};
use uuid::Uuid;

use crate::cancel::Cancel;
use crate::error::Error;

/// How often a waiting caller looks at its cancel token.
const POLL: Duration = Duration::from_millis(50);

/// How long we try to end a session properly before the connection is simply dropped.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long a thread has to end when its connection was closed under it.
const GRACE: Duration = Duration::from_secs(1);

/// Largest buffer that is kept for the next call; the reply to a read of 4 MiB and a little.
const KEPT: usize = (4 << 20) + (64 << 10);

/// One object, one thread that calls it. At most one call is under way.
pub(crate) struct Link {
    place: Place,
    cancel: Cancel,
    canceller: Canceller,
    jobs: Option<Sender<Job>>,
    answers: Receiver<Answer>,
    thread: Option<JoinHandle<()>>,
    under_way: bool,
    /// Set when ending: from then on the token no longer counts, the clock does.
    deadline: Option<Instant>,
    spare: Vec<u8>,
}

type Work = Box<dyn FnOnce(&mut Object, &mut Vec<u8>) -> Result<usize, orpc::client::Error> + Send>;

struct Job {
    work: Work,
    reply: Vec<u8>,
}

/// What came back; `stub` is where the out parameters start in `reply`.
pub(crate) struct Answer {
    pub(crate) reply: Vec<u8>,
    pub(crate) stub: Result<usize, orpc::client::Error>,
}

impl Link {
    /// Activates the first of `interfaces` that the object has.
    pub(crate) fn open(
        client: Client,
        place: Place,
        class: Uuid,
        interfaces: &'static [Uuid],
        cancel: Cancel,
    ) -> Result<Self, Error> {
        if cancel.is_cancelled() {
            return Err(Error::Cancelled);
        }
        let canceller = client.canceller();
        let (jobs, receive_jobs) = channel::<Job>();
        let (send_answers, answers) = channel();
        let host = place.host.clone();
        let work = move || {
            match activate(&client, &host, class, interfaces) {
                Ok(object) => {
                    if send_answers.send(Answer { reply: Vec::new(), stub: Ok(0) }).is_ok() {
                        serve(object, &receive_jobs, &send_answers);
                    }
                }
                Err(error) => {
                    // Nobody listens any more when the caller has given up.
                    let _ = send_answers.send(Answer { reply: Vec::new(), stub: Err(error) });
                }
            }
            client.close();
        };
        let thread = thread::Builder::new().name("certadm".to_owned()).spawn(work).map_err(Error::Thread)?;
        let mut link = Link {
            place,
            cancel,
            canceller,
            jobs: Some(jobs),
            answers,
            thread: Some(thread),
            under_way: true,
            deadline: None,
            spare: Vec::new(),
        };
        match link.receive()?.stub {
            Ok(_) => Ok(link),
            Err(error) => Err(link.place.failed("activation", error)),
        }
    }

    /// Calls and waits. `Err` inside is the server's refusal.
    pub(crate) fn call<C: Call>(&mut self, call: &C) -> Result<Result<C::Reply, Hresult>, Error> {
        self.settle()?;
        let buffer = self.take_spare();
        self.submit(call, buffer)?;
        let Answer { reply, stub } = self.receive()?;
        let method = method::<C>();
        let stub = stub.map_err(|error| self.failed(method, error))?;
        let result = match call.finish(reply.get(stub..).unwrap_or_default()) {
            Ok(reply) => Ok(Ok(reply)),
            Err(CallError::Refused(hresult)) => Ok(Err(hresult)),
            Err(error) => Err(Error::Malformed { method, source: error.into() }),
        };
        self.keep(reply);
        result
    }

    /// Starts a call; the reply goes into `buffer`. The answer must be received before the next call.
    pub(crate) fn submit<C: Call>(&mut self, call: &C, buffer: Vec<u8>) -> Result<(), Error> {
        if self.deadline.is_none() && self.cancel.is_cancelled() {
            return Err(Error::Cancelled);
        }
        let mut stub = Default::default();
        call.encode(&mut stub);
        let body = stub.into_bytes();
        let work: Work = Box::new(move |object, reply| object.call(C::OPNUM, &body, reply));
        let sent = self.jobs.as_ref().is_some_and(|jobs| jobs.send(Job { work, reply: buffer }).is_ok());
        if !sent {
            return Err(self.gone());
        }
        self.under_way = true;
        Ok(())
    }

    /// Waits for the answer to the call that is under way.
    pub(crate) fn receive(&mut self) -> Result<Answer, Error> {
        loop {
            match self.answers.recv_timeout(POLL) {
                Ok(answer) => {
                    self.under_way = false;
                    return Ok(answer);
                }
                Err(RecvTimeoutError::Disconnected) => {
                    self.under_way = false;
                    return Err(self.gone());
                }
                Err(RecvTimeoutError::Timeout) => match self.deadline {
                    None if self.cancel.is_cancelled() => return Err(Error::Cancelled),
                    Some(deadline) if Instant::now() >= deadline => {
                        self.canceller.cancel();
                        return Err(Error::Timeout { host: self.place.host.clone() });
                    }
                    _ => {}
                },
            }
        }
    }

    /// Waits for a call that was given up, and forgets its answer.
    pub(crate) fn settle(&mut self) -> Result<(), Error> {
        if self.under_way {
            let answer = self.receive()?;
            self.keep(answer.reply);
        }
        Ok(())
    }

    /// From now on the cancel token no longer counts: what follows ends a session, and has a few seconds for it.
    pub(crate) fn hurry(&mut self) {
        self.deadline.get_or_insert_with(|| Instant::now() + PATIENCE);
    }

    /// Puts a buffer aside for the next call.
    pub(crate) fn keep(&mut self, buffer: Vec<u8>) {
        if buffer.capacity() <= KEPT {
            self.spare = buffer;
        }
    }

    /// The buffer that was put aside, or a new one.
    pub(crate) fn take_spare(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.spare)
    }

    pub(crate) fn failed(&self, method: &'static str, error: orpc::client::Error) -> Error {
        self.place.failed(method, error)
    }

    /// Waits for the end of the thread, which closes the channel of its answers.
    fn ends_before(&self, deadline: Instant) -> bool {
        loop {
            match self.answers.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(_) => {}
                Err(RecvTimeoutError::Disconnected) => return true,
                Err(RecvTimeoutError::Timeout) => return false,
            }
        }
    }

    /// What every call is answered with once the connection is lost.
    pub(crate) fn gone(&self) -> Error {
        Error::ConnectionLost { host: self.place.host.clone(), source: "the connection has ended before".into() }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.hurry();
        // Without jobs the thread releases the object and ends.
        self.jobs = None;
        let deadline = self.deadline.unwrap_or_else(Instant::now);
        if !self.ends_before(deadline) {
            // The connection is closed under a call that hangs, which then fails at once. Only a connection that is still
            // being made cannot be ended from here; nobody waits for that.
            self.canceller.cancel();
            if !self.ends_before(deadline + GRACE) {
                return;
            }
        }
        // The thread has let go of everything and is about to return. Whoever loaded this code may unload it when a session
        // is over: no thread may be left in it. One that panicked has ended, too.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// The name of a method, for messages.
pub(crate) fn method<C: Call>() -> &'static str {
    opnum::name(C::OPNUM).unwrap_or("call")
}

/// Runs on the link's own thread until nobody wants anything any more, then releases the object.
fn serve(mut object: Object, jobs: &Receiver<Job>, answers: &Sender<Answer>) {
    while let Ok(Job { work, mut reply }) = jobs.recv() {
        reply.clear();
        let stub = work(&mut object, &mut reply);
        if answers.send(Answer { reply, stub }).is_err() {
            return;
        }
    }
}

fn activate(client: &Client, host: &str, class: Uuid, interfaces: &[Uuid]) -> Result<Object, orpc::client::Error> {
    let mut last = orpc::client::Error::NoInterface { host: host.to_owned() };
    for &interface in interfaces {
        match client.activate(host, class, interface) {
            Err(error @ orpc::client::Error::NoInterface { .. }) => last = error,
            other => return other,
        }
    }
    Err(last)
}

/// The other end, for messages.
pub(crate) struct Place {
    pub(crate) host: String,
    pub(crate) account: String,
}

impl Place {
    /// Our view of an error of the layer below.
    fn failed(&self, method: &'static str, error: orpc::client::Error) -> Error {
        use orpc::client::Error as Transport;
        let host = self.host.clone();
        match error {
            Transport::Unreachable { host, port, source } => Error::Unreachable { host, port, source: source.into() },
            Transport::AuthenticationFailed { .. } => {
                Error::AuthenticationFailed { host, account: self.account.clone() }
            }
            Transport::AccessDenied { .. } => Error::ActivationDenied { host },
            Transport::ClassNotRegistered { .. } | Transport::NoInterface { .. } => Error::NotRunning { host },
            Transport::Activation { hresult: Hresult::ACCESS_DENIED, .. } => Error::ActivationDenied { host },
            Transport::Activation { hresult, .. } => Error::Refused { method, hresult },
            Transport::Timeout { .. } => Error::Timeout { host },
            Transport::Cancelled => Error::Cancelled,
            error @ Transport::Fault(_) => Error::Fault { method, source: error.into() },
            error @ Transport::Protocol { .. } => Error::Malformed { method, source: error.into() },
            error => Error::ConnectionLost { host, source: error.into() },
        }
    }
}
