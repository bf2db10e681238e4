//! IRemUnknown and IRemUnknown2, \[MS-DCOM\] 3.1.1.5.6 and 3.1.1.5.7: interfaces and reference counts of remote objects.
//!
//! Object calls: ORPCTHIS precedes what is encoded here, ORPCTHAT the replies. They are addressed to the IPID of the
//! exporter's Remote Unknown, which the activation reply names.

mod query_interface;
mod references;

use dcerpc::Opnum;

pub use query_interface::{RemQueryInterface, RemQueryInterface2, RemQueryInterface2Reply, RemQueryInterfaceReply};
pub use references::{InterfaceReference, RemAddRefReply, RemReferences, RemReleaseReply};

/// RemQueryInterface: [`RemQueryInterface`], [`RemQueryInterfaceReply`].
pub const REM_QUERY_INTERFACE: Opnum = Opnum(3);
/// RemAddRef: [`RemReferences`], [`RemAddRefReply`].
pub const REM_ADD_REF: Opnum = Opnum(4);
/// RemRelease: [`RemReferences`], [`RemReleaseReply`].
pub const REM_RELEASE: Opnum = Opnum(5);
/// RemQueryInterface2, IRemUnknown2 only: [`RemQueryInterface2`], [`RemQueryInterface2Reply`].
pub const REM_QUERY_INTERFACE2: Opnum = Opnum(6);
