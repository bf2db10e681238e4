//! Activation since DCOM 5.6: IRemoteSCMActivator, \[MS-DCOM\] 3.1.2.5.2.2.
//!
//! Request and reply are opaque to NDR: an object reference whose custom marshaler wrote an activation properties blob
//! (\[MS-DCOM\] 2.2.22). [`PropertiesIn`] and [`PropertiesOut`] are those blobs, [`RemoteCreateInstance`] and its reply the
//! stubs around them, behind ORPCTHIS and ORPCTHAT.

mod blob;
mod create_instance;
mod properties_in;
mod properties_out;

pub use create_instance::{RemoteActivationReply, RemoteCreateInstance};
pub use properties_in::{ClientDetails, PropertiesIn};
pub use properties_out::{ActivatedInterface, PropertiesOut, ScmReply};
