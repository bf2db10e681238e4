//! DCOM wire formats, \[MS-DCOM\]: how a client gets an object on another machine, calls it and lets it go.
//!
//! 1. The client asks the object resolver of the machine (port 135) for an object of a class: [`activation`], or
//!    [`remote_activation`] for the old form. The answer says where the object's exporter listens and how its interfaces
//!    are addressed ([`objref`]).
//! 2. It calls the object there. [`OrpcThis`] precedes the parameters of the request, [`OrpcThat`] those of the reply, and
//!    the object UUID of the request PDU is the [`Ipid`] of the interface.
//! 3. Further interfaces, and reference counts, are a matter of [`rem_unknown`]; bindings of exporters and pings that keep
//!    objects alive, of [`object_exporter`].
//!
//! Every structure here is encoded and decoded, so that client and server share it. Bytes in, values out: no sockets, no
//! clock, no randomness. Nothing that a peer claims is allocated before it is there ([`limits`]).
//!
//! ```
//! use dcom::objref::{DualStringArray, SecurityBinding, StringBinding};
//!
//! let bindings = DualStringArray::new(
//!     vec![StringBinding::tcp("ca.example", Some(49152))?],
//!     vec![SecurityBinding::new(10, String::new())?],
//! )?;
//! assert_eq!(bindings.string_bindings()[0].address(), "ca.example[49152]");
//! # Ok::<(), dcom::Error>(())
//! ```

pub mod activation;
mod error;
mod hresult;
mod identifiers;
pub mod ids;
pub mod limits;
pub mod object_exporter;
pub mod objref;
mod orpc;
pub mod rem_unknown;
pub mod remote_activation;
mod status;
mod version;

pub use error::Error;
pub use hresult::Hresult;
pub use identifiers::{CausalityId, Ipid, Oid, Oxid, SetId};
pub use orpc::{OrpcExtent, OrpcThat, OrpcThis};
pub use status::ErrorStatus;
pub use version::ComVersion;
