//! [MS-NLMP] 3.2.5.1: whom the server lets in.

use std::sync::Arc;

use dcerpc::security::{Identity, SecurityContext, SecurityError, Step};
use orpc::security::accounts::NtHash;
use orpc::security::ntlm::flags::Flags;
use orpc::security::ntlm::message::Challenge;
use orpc::security::ntlm::{Acceptor, Initiator, ServerNames, av_pair};

use crate::support::accounts::TestAccounts;
use crate::support::ntlm_client::{Client, utf16};

fn acceptor(accounts: &Arc<TestAccounts>) -> Acceptor {
    let names = Arc::new(ServerNames::stand_alone("ca1.example.test"));
    Acceptor::new(accounts.clone(), names, "192.0.2.1:49152".parse().unwrap())
}

/// The outcome of the whole handshake, and what the accounts heard about it.
fn log_on(client: &Client) -> (Result<String, String>, Vec<String>) {
    let accounts = Arc::new(TestAccounts::default());
    let mut acceptor = acceptor(&accounts);
    let outcome = (|| {
        let Step::Continue(challenge) = acceptor.step(&client.negotiate())? else { panic!("two legs are not enough") };
        assert_eq!(acceptor.step(&client.authenticate(&challenge).0)?, Step::Complete(None));
        Ok::<_, SecurityError>(acceptor.identity().unwrap().to_string())
    })();
    if outcome.is_err() {
        assert_eq!(acceptor.identity(), None);
    }
    let log = accounts.log.lock().unwrap().clone();
    (outcome.map_err(|error| error.to_string()), log)
}

fn denied(reason: &str) -> Result<String, String> {
    Err(format!("access denied: {reason}"))
}

#[test]
fn the_right_password_is_accepted_with_and_without_mic() {
    let accepted = (Ok("CORP\\alice".to_owned()), vec!["succeeded CORP\\alice".to_owned()]);
    assert_eq!(log_on(&Client::alice()), accepted);
    assert_eq!(log_on(&Client { mic: false, ..Client::alice() }), accepted);
}

#[test]
fn the_case_of_the_user_name_does_not_matter() {
    assert_eq!(log_on(&Client { user: "ALICE", ..Client::alice() }).0, Ok("CORP\\ALICE".to_owned()));
}

/// Without a MIC nothing but NTProofStr tells a wrong password.
#[test]
fn a_wrong_password_never_passes_the_handshake() {
    for mic in [true, false] {
        let client = Client { password: "Bob's password", mic, ..Client::alice() };
        assert_eq!(log_on(&client), (denied("logon failed"), vec!["failed CORP\\alice".to_owned()]));
    }
}

#[test]
fn an_unknown_user_and_a_locked_account_get_the_answer_of_a_wrong_password() {
    for user in ["mallory", "locked"] {
        let client = Client { user, ..Client::alice() };
        assert_eq!(log_on(&client), (denied("logon failed"), vec![format!("failed CORP\\{user}")]));
    }
}

#[test]
fn the_hash_that_stands_in_for_unknown_users_opens_nothing() {
    // NtHash of zeros: the proof of a client that guessed the stand-in would be right, the account still unknown.
    let accounts = Arc::new(TestAccounts::default());
    let mut acceptor = acceptor(&accounts);
    let mut initiator = Initiator::new("CORP", "mallory", &NtHash::from_bytes([0; 16]));
    let (Step::Continue(negotiate), _) = (initiator.step(&[]).unwrap(), ()) else { panic!() };
    let Step::Continue(challenge) = acceptor.step(&negotiate).unwrap() else { panic!() };
    let Step::Complete(Some(authenticate)) = initiator.step(&challenge).unwrap() else { panic!() };
    let error = acceptor.step(&authenticate).unwrap_err();
    assert_eq!(error.to_string(), "access denied: logon failed");
}

#[test]
fn a_spoilt_mic_is_refused() {
    let client = Client { spoil_mic: true, ..Client::alice() };
    assert_eq!(log_on(&client), (denied("logon failed"), vec!["failed CORP\\alice".to_owned()]));
}

/// Taking the announcement of the MIC out changes what the proof covers.
#[test]
fn a_change_to_the_blob_is_refused() {
    let accounts = Arc::new(TestAccounts::default());
    let mut acceptor = acceptor(&accounts);
    let client = Client { mic: true, ..Client::alice() };
    let Step::Continue(challenge) = acceptor.step(&client.negotiate()).unwrap() else { panic!() };
    let (mut message, _) = client.authenticate(&challenge);
    let announcement = [6, 0, 4, 0, 2, 0, 0, 0];
    let at = message.windows(8).position(|window| window == announcement).unwrap();
    message[at + 4] = 0;
    assert_eq!(acceptor.step(&message).unwrap_err().to_string(), "access denied: logon failed");
}

#[test]
fn a_change_to_the_challenge_on_its_way_is_refused() {
    let accounts = Arc::new(TestAccounts::default());
    let mut acceptor = acceptor(&accounts);
    let client = Client::alice();
    let Step::Continue(mut challenge) = acceptor.step(&client.negotiate()).unwrap() else { panic!() };
    challenge[50] ^= 1; // Version, which only the MIC covers
    let (message, _) = client.authenticate(&challenge);
    assert_eq!(acceptor.step(&message).unwrap_err().to_string(), "access denied: logon failed");
}

#[test]
fn weak_options_are_refused_in_either_message() {
    for missing in [Flags::EXTENDED_SESSION_SECURITY, Flags::KEY_128, Flags::KEY_EXCHANGE, Flags::SEAL, Flags::SIGN] {
        let client = Client { flags: Client::alice().flags - missing, ..Client::alice() };
        let (outcome, _) = log_on(&client);
        assert_eq!(outcome, denied("the peer does not offer NTLMv2 session security"), "{missing:?}");
    }
}

#[test]
fn anonymous_clients_are_refused() {
    let client = Client { user: "", domain: "", response: Some(Vec::new()), ..Client::alice() };
    assert_eq!(log_on(&client), (denied("anonymous logon"), Vec::new()));
}

#[test]
fn ntlm_v1_responses_are_refused() {
    let client = Client { response: Some(vec![7; 24]), ..Client::alice() };
    let malformed = Err("malformed security token: malformed NTLM message".to_owned());
    assert_eq!(log_on(&client), (malformed, vec!["failed CORP\\alice".to_owned()]));
}

#[test]
fn a_response_from_another_week_is_refused() {
    let client = Client { clock_error: 7 * 24 * 3600 * 10_000_000, ..Client::alice() };
    assert_eq!(log_on(&client).0, denied("logon failed"));
}

#[test]
fn unknown_attributes_are_ignored() {
    let client = Client { attributes: vec![0x77, 0, 3, 0, 1, 2, 3], ..Client::alice() };
    assert_eq!(log_on(&client).0, Ok("CORP\\alice".to_owned()));
}

#[test]
fn a_response_cannot_be_used_for_another_challenge() {
    let accounts = Arc::new(TestAccounts::default());
    let client = Client::alice();
    let mut first = acceptor(&accounts);
    let Step::Continue(challenge) = first.step(&client.negotiate()).unwrap() else { panic!() };
    let (message, _) = client.authenticate(&challenge);
    let mut second = acceptor(&accounts);
    assert!(matches!(second.step(&client.negotiate()).unwrap(), Step::Continue(_)));
    assert_eq!(second.step(&message).unwrap_err().to_string(), "access denied: logon failed");
    assert_eq!(first.step(&message).unwrap(), Step::Complete(None));
}

#[test]
fn a_context_accepts_one_handshake_only() {
    let accounts = Arc::new(TestAccounts::default());
    let mut acceptor = acceptor(&accounts);
    let client = Client::alice();
    let Step::Continue(challenge) = acceptor.step(&client.negotiate()).unwrap() else { panic!() };
    assert!(acceptor.step(&client.authenticate(&challenge).0).is_ok());
    assert!(acceptor.step(&client.negotiate()).is_err());
    assert_eq!(acceptor.identity(), None);
}

#[test]
fn the_challenge_names_the_server_in_every_attribute() {
    let accounts = Arc::new(TestAccounts::default());
    let Step::Continue(message) = acceptor(&accounts).step(&Client::alice().negotiate()).unwrap() else { panic!() };
    let challenge = Challenge::decode(&message).unwrap();
    let pairs = av_pair::AvPairs::decode(challenge.target_info).unwrap();
    let ids: Vec<u16> = pairs.iter().map(|pair| pair.0).collect();
    assert_eq!(ids, [2, 1, 4, 3, 7]);
    assert_eq!(pairs.find(av_pair::NB_COMPUTER_NAME), Some(&*utf16("CA1")));
    assert_eq!(pairs.find(av_pair::NB_DOMAIN_NAME), Some(&*utf16("CA1")));
    assert_eq!(pairs.find(av_pair::DNS_COMPUTER_NAME), Some(&*utf16("ca1.example.test")));
    assert_eq!(pairs.find(av_pair::DNS_DOMAIN_NAME), Some(&*utf16("example.test")));
    for host in ["", "localhost", "192.0.2.7", "a.b.", "ü"] {
        let names = Arc::new(ServerNames::stand_alone(host));
        let mut acceptor = Acceptor::new(accounts.clone(), names, "192.0.2.1:1".parse().unwrap());
        let Step::Continue(message) = acceptor.step(&Client::alice().negotiate()).unwrap() else { panic!() };
        let info = Challenge::decode(&message).unwrap().target_info;
        let pairs = av_pair::AvPairs::decode(info).unwrap();
        assert!(pairs.iter().all(|pair| !pair.1.is_empty()), "{host}");
    }
}

#[test]
fn the_initiator_of_sspi_is_accepted() {
    let accounts = Arc::new(TestAccounts::default());
    let mut acceptor = acceptor(&accounts);
    let mut initiator = Initiator::new("", "Bob", &NtHash::of_password("Bob's password"));
    let Step::Continue(negotiate) = initiator.step(&[]).unwrap() else { panic!() };
    let Step::Continue(challenge) = acceptor.step(&negotiate).unwrap() else { panic!() };
    let Step::Complete(Some(authenticate)) = initiator.step(&challenge).unwrap() else { panic!() };
    assert_eq!(acceptor.step(&authenticate).unwrap(), Step::Complete(None));
    assert_eq!(acceptor.identity(), Some(&Identity { domain: String::new(), user: "Bob".to_owned() }));
}

#[test]
fn the_initiator_refuses_a_server_that_offers_less() {
    let accounts = Arc::new(TestAccounts::default());
    for missing in [Flags::KEY_EXCHANGE, Flags::KEY_128, Flags::EXTENDED_SESSION_SECURITY, Flags::SEAL] {
        let mut initiator = Initiator::new("", "Bob", &NtHash::of_password("Bob's password"));
        let Step::Continue(negotiate) = initiator.step(&[]).unwrap() else { panic!() };
        let Step::Continue(mut challenge) = acceptor(&accounts).step(&negotiate).unwrap() else { panic!() };
        let flags = Challenge::decode(&challenge).unwrap().flags - missing;
        challenge[20..24].copy_from_slice(&flags.bits().to_le_bytes());
        let error = initiator.step(&challenge).unwrap_err();
        assert_eq!(error.to_string(), "access denied: the peer does not offer NTLMv2 session security");
    }
}
