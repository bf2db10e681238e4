use dcerpc::client::{Error, Security};
use dcerpc::pdu::{Body, ContextResult, Features, Pdu, Rejection};
use dcerpc::{AuthenticationLevel, SyntaxId};
use uuid::uuid;

use crate::support::{ACTIVATOR, EXPORTER, Pair, Server, bind_of, encode, ntlm, whole};

#[test]
fn the_bits_stand_behind_the_prefix() {
    let syntax = SyntaxId::new(uuid!("6cb71c2c-9812-4540-0300-000000000000"), 1, 0);
    assert_eq!(Features::from_syntax(&syntax), Some(Features::SUPPORTED));
    assert_eq!(Features::SUPPORTED.to_syntax(), syntax);
    assert_eq!(Features::from_syntax(&SyntaxId::NDR), None);
    assert_eq!(Features::from_syntax(&SyntaxId { major: 2, ..syntax }), None);
}

#[test]
fn the_server_clears_what_it_does_not_know() {
    let mut bind = bind_of(&[(0, EXPORTER), (1, EXPORTER)]);
    bind.contexts[1].transfer_syntaxes = vec![Features::all().to_syntax()];
    let mut server = Server::new();
    let said = server.hear(&whole(1, Body::Bind(bind)));
    let features = format!("{:?}", ContextResult::Features(Features::SUPPORTED));
    assert!(said.ends_with(&format!(", {features}]")), "{said}");
}

#[test]
fn both_sides_of_ours_share_all_features() {
    let mut pair = Pair::new();
    pair.bind(EXPORTER, Security::None).unwrap();
    assert_eq!(pair.client.features(), Features::SUPPORTED);
}

/// An old server takes the features for a transfer syntax that it does not know.
#[test]
fn without_multiplexing_a_second_security_context_needs_another_connection() {
    let mut pair = Pair::new();
    pair.tamper_reply = Some(|out| {
        let Ok(Pdu { body: Body::BindAck(mut ack), flags, call_id, authentication }) = Pdu::decode(out) else { return };
        ack.results[1] = ContextResult::ProviderRejected(Rejection::TRANSFER_SYNTAXES);
        *out = encode(&Pdu { body: Body::BindAck(ack), flags, call_id, authentication });
    });
    let binding = pair.bind(EXPORTER, ntlm(AuthenticationLevel::Privacy)).unwrap();
    assert_eq!(pair.client.features(), Features::empty());
    let error = pair.bind(ACTIVATOR, ntlm(AuthenticationLevel::Privacy)).unwrap_err();
    assert!(matches!(error, Error::NoMultiplexing), "{error:?}");
    // The same security context will do.
    let other = pair.bind(ACTIVATOR, Security::Same(binding)).unwrap();
    assert_eq!(pair.call(other, b"stub").unwrap(), Ok(b"stub".to_vec()));
}
