//! Who may call what, with callers that a test on loopback cannot be: [MS-CSRA] 3.1.4.1, interface flags.

use std::net::SocketAddr;
use std::sync::Arc;

use certsrvd::accounts::{Account, NtHash, Role};
use certsrvd::control::Request;
use certsrvd::object::AdminClass;
use certsrvd::stop::Stop;
use csra::call::{BackupPrepare, Call, CallError, Ping};
use csra::ids::IID_ICERT_ADMIN_D2;
use csra::ndr::Encoder;
use csra::{AuthenticationLevel, InterfaceFlags};
use orpc::security::Identity;
use orpc::server::{Caller, Class};

use crate::place::{NAME, authority, caller};

/// What Ping and BackupPrepare (full) answer to an operator and administrator; `None` is success.
fn check(flags: InterfaceFlags, level: AuthenticationLevel, address: &str) -> (Option<u32>, Option<u32>) {
    let ca = authority(|configuration| configuration.server.interface_flags = flags.bits());
    let account = Account {
        name: "both".to_owned(),
        nt_hash: NtHash::of_password("Back it up, 1!"),
        roles: [Role::Operator, Role::Administrator].into(),
    };
    ca.authority.execute(&caller(), Request::AccountAdd { account }).unwrap();
    let address: SocketAddr = address.parse().unwrap();
    let peer = Caller {
        identity: Identity { domain: String::new(), user: "both".to_owned() },
        level,
        address,
        is_local: address.ip().is_loopback(),
    };
    let class = AdminClass::new(Arc::new(ca.authority), Arc::new(Stop::default()));
    let mut object = class.create(&peer).unwrap();
    let mut call = |encode: &dyn Fn(&mut Encoder), opnum| {
        let (mut body, mut reply) = (Encoder::new(), Vec::new());
        encode(&mut body);
        object.call(&peer, IID_ICERT_ADMIN_D2, opnum, &body.into_bytes(), &mut reply).unwrap();
        reply
    };
    let ping = Ping { authority: Some(NAME.to_owned()) };
    let prepare = BackupPrepare { authority: Some(NAME.to_owned()), grbit: 0 };
    let pinged = call(&|body| ping.encode(body), Ping::OPNUM);
    let prepared = call(&|body| prepare.encode(body), BackupPrepare::OPNUM);
    (refusal(ping.finish(&pinged)), refusal(prepare.finish(&prepared)))
}

fn refusal<T>(outcome: Result<T, CallError>) -> Option<u32> {
    match outcome {
        Ok(_) => None,
        Err(CallError::Refused(code)) => Some(code.0),
        Err(error) => panic!("{error}"),
    }
}

const DENIED: Option<u32> = Some(0x8007_0005);
const REMOTE: &str = "192.0.2.7:49152";
const LOCAL: &str = "127.0.0.1:49152";

#[test]
fn a_remote_operator_backs_up_by_default() {
    let flags = InterfaceFlags::ENFORCE_ENCRYPT_ADMIN;
    assert_eq!(check(flags, AuthenticationLevel::Privacy, REMOTE), (None, None));
}

#[test]
fn no_remote_backup_closes_the_backup_to_remote_callers_only() {
    let flags = InterfaceFlags::ENFORCE_ENCRYPT_ADMIN | InterfaceFlags::NO_REMOTE_ADMIN_BACKUP;
    assert_eq!(check(flags, AuthenticationLevel::Privacy, REMOTE), (None, DENIED));
    assert_eq!(check(flags, AuthenticationLevel::Privacy, LOCAL), (None, None));
}

#[test]
fn no_remote_administration_closes_everything_to_remote_callers_only() {
    let flags = InterfaceFlags::ENFORCE_ENCRYPT_ADMIN | InterfaceFlags::NO_REMOTE_ADMIN;
    assert_eq!(check(flags, AuthenticationLevel::Privacy, REMOTE), (DENIED, DENIED));
    assert_eq!(check(flags, AuthenticationLevel::Privacy, LOCAL), (None, None));
}

#[test]
fn below_privacy_nothing_is_answered_whatever_the_flags_say() {
    for flags in [InterfaceFlags::ENFORCE_ENCRYPT_ADMIN, InterfaceFlags::empty()] {
        for level in [AuthenticationLevel::Connect, AuthenticationLevel::Integrity] {
            assert_eq!(check(flags, level, LOCAL), (DENIED, DENIED), "{flags:?} {level:?}");
        }
    }
}
