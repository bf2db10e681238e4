//! DCOM remoting over TCP for client and server: sockets and threads around the formats of `dcerpc` and `dcom`, [MS-DCOM] and
//! [MS-RPCE] with the security of [MS-NLMP].
//!
//! - [`client`] activates objects on a host and calls them: endpoint mapper, activation, object connections, pings, release.
//! - [`server`] lets clients activate and call objects of classes that a program provides: the same from the other side, with an
//!   object table and rundown.
//! - [`security`] has the NTLM contexts of both, and the [`security::accounts::Accounts`] that a server checks users against.
//!
//! Everything is blocking. A client is as many threads as the program that calls it, and one that pings; a server has a thread
//! for each connection, and limits their number. All DCOM calls of the client are signed and encrypted (packet privacy). The server
//! refuses activation without a signature, and tells classes how each call was protected.
//!
//! ```
//! use std::sync::Arc;
//!
//! use dcerpc::{Opnum, Status};
//! use dcom::Hresult;
//! use orpc::client::{Client, Credentials};
//! use orpc::server::{Accounts, Attempt, Caller, Class, Lookup, NtHash, Object, Server};
//! use uuid::{Uuid, uuid};
//!
//! const CLSID: Uuid = uuid!("0b9e5a10-6f0d-4f0e-9d53-6a1c6f1f0001");
//! const IID: Uuid = uuid!("0b9e5a10-6f0d-4f0e-9d53-6a1c6f1f0002");
//!
//! struct Mirror;
//!
//! impl Class for Mirror {
//!     fn clsid(&self) -> Uuid {
//!         CLSID
//!     }
//!     fn interfaces(&self) -> &[Uuid] {
//!         &[IID]
//!     }
//!     fn create(&self, _: &Caller) -> Result<Box<dyn Object>, Hresult> {
//!         Ok(Box::new(Mirror))
//!     }
//! }
//!
//! impl Object for Mirror {
//!     fn call(&mut self, _: &Caller, _: Uuid, _: Opnum, stub: &[u8], reply: &mut Vec<u8>) -> Result<(), Status> {
//!         reply.extend(stub.iter().rev());
//!         Ok(())
//!     }
//! }
//!
//! struct OneUser;
//!
//! impl Accounts for OneUser {
//!     fn nt_hash(&self, _domain: &str, user: &str) -> Lookup {
//!         if user == "alice" { Lookup::Found(NtHash::of_password("secret")) } else { Lookup::Unknown }
//!     }
//!     fn succeeded(&self, _: &Attempt<'_>) {}
//!     fn failed(&self, _: &Attempt<'_>) {}
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let options = orpc::server::Options {
//!     listen: "127.0.0.1".parse()?,
//!     endpoint_mapper_port: 0, // the system chooses
//!     ..Default::default()
//! };
//! let running = Server::start(options, vec![Arc::new(Mirror)], Arc::new(OneUser), Vec::new())?;
//!
//! let credentials = Credentials {
//!     domain: String::new(),
//!     user: "alice".to_owned(),
//!     password: "secret".to_owned().into(),
//! };
//! let options = orpc::client::Options {
//!     endpoint_mapper_port: running.endpoint_mapper_address().port(),
//!     ..Default::default()
//! };
//! let mut object = Client::new(credentials, options).activate("127.0.0.1", CLSID, IID)?;
//! let mut reply = Vec::new();
//! let start = object.call(Opnum(3), b"level", &mut reply)?;
//! assert_eq!(&reply[start..], b"level"); // it is a palindrome
//!
//! drop(object); // releases it on the server
//! running.stop();
//! # Ok(())
//! # }
//! ```

pub mod client;
pub mod security;
pub mod server;
