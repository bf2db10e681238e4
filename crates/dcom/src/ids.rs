//! The interfaces and classes of the protocol itself, \[MS-DCOM\] 1.9.

use uuid::{Uuid, uuid};

/// IUnknown; never called on the wire.
pub const IID_UNKNOWN: Uuid = uuid!("00000000-0000-0000-c000-000000000046");
/// IActivation, the activation interface of DCOM 5.1 to 5.4.
pub const IID_ACTIVATION: Uuid = uuid!("4d9f4ab8-7d1c-11cf-861e-0020af6e7c57");
/// IRemoteSCMActivator, the activation interface since DCOM 5.6.
pub const IID_REMOTE_SCM_ACTIVATOR: Uuid = uuid!("000001a0-0000-0000-c000-000000000046");
/// IObjectExporter: OXID resolution, pings, server alive.
pub const IID_OBJECT_EXPORTER: Uuid = uuid!("99fcfec4-5260-101b-bbcb-00aa0021347a");
/// IRemUnknown: interfaces and reference counts of remote objects.
pub const IID_REM_UNKNOWN: Uuid = uuid!("00000131-0000-0000-c000-000000000046");
/// IRemUnknown2.
pub const IID_REM_UNKNOWN2: Uuid = uuid!("00000143-0000-0000-c000-000000000046");

/// The interface that an activation request is marshaled as.
pub const IID_ACTIVATION_PROPERTIES_IN: Uuid = uuid!("000001a2-0000-0000-c000-000000000046");
/// The interface that an activation reply is marshaled as.
pub const IID_ACTIVATION_PROPERTIES_OUT: Uuid = uuid!("000001a3-0000-0000-c000-000000000046");
/// The interface that a client context is marshaled as.
pub const IID_CONTEXT: Uuid = uuid!("000001c0-0000-0000-c000-000000000046");

/// Custom marshaler of an activation request.
pub const CLSID_ACTIVATION_PROPERTIES_IN: Uuid = uuid!("00000338-0000-0000-c000-000000000046");
/// Custom marshaler of an activation reply; the PropsOutInfo property has the same identifier.
pub const CLSID_ACTIVATION_PROPERTIES_OUT: Uuid = uuid!("00000339-0000-0000-c000-000000000046");
/// Custom marshaler of a client context.
pub const CLSID_CONTEXT_MARSHALER: Uuid = uuid!("0000033b-0000-0000-c000-000000000046");

/// Property SpecialPropertiesData.
pub const CLSID_SPECIAL_SYSTEM_PROPERTIES: Uuid = uuid!("000001b9-0000-0000-c000-000000000046");
/// Property InstantiationInfoData.
pub const CLSID_INSTANTIATION_INFO: Uuid = uuid!("000001ab-0000-0000-c000-000000000046");
/// Property ActivationContextInfoData.
pub const CLSID_ACTIVATION_CONTEXT_INFO: Uuid = uuid!("000001a5-0000-0000-c000-000000000046");
/// Property SecurityInfoData.
pub const CLSID_SECURITY_INFO: Uuid = uuid!("000001a6-0000-0000-c000-000000000046");
/// Property LocationInfoData.
pub const CLSID_SERVER_LOCATION_INFO: Uuid = uuid!("000001a4-0000-0000-c000-000000000046");
/// Property ScmRequestInfoData.
pub const CLSID_SCM_REQUEST_INFO: Uuid = uuid!("000001aa-0000-0000-c000-000000000046");
/// Property InstanceInfoData.
pub const CLSID_INSTANCE_INFO: Uuid = uuid!("000001ad-0000-0000-c000-000000000046");
/// Property PropsOutInfo.
pub const CLSID_PROPS_OUT_INFO: Uuid = uuid!("00000339-0000-0000-c000-000000000046");
/// Property ScmReplyInfoData.
pub const CLSID_SCM_REPLY_INFO: Uuid = uuid!("000001b6-0000-0000-c000-000000000046");
