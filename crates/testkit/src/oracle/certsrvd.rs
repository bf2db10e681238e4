//! Oracles of `certsrvd`: what must hold for any bytes.

use certsrvd::configuration::Issuing;
use certsrvd::control;
use certsrvd::pkcs10::{CertificationRequest, MAXIMUM_SIZE};
use certsrvd::policy;

use super::Oracle;

/// Corpus name and oracle of every fuzz target of `certsrvd`.
pub const ORACLES: &[Oracle] = &[("certsrvd_control", control_line), ("certsrvd_pkcs10", pkcs10)];

/// A request in PEM or DER: what is accepted is accepted again in DER, and the policy has an answer to it.
fn pkcs10(data: &[u8]) {
    let Ok(request) = CertificationRequest::parse(data) else { return };
    assert!(request.as_der().len() <= MAXIMUM_SIZE);
    let again = CertificationRequest::parse(request.as_der()).map(|again| again.as_der().to_vec());
    assert_eq!(again.as_deref(), Ok(request.as_der()));
    if let Ok(grant) = policy::examine(&request, &Issuing::default()) {
        assert!(!grant.key_usage.0.is_empty());
        assert!(grant.left_out.len() <= request.extensions().len());
    }
}

/// A line of the control socket: what is understood is understood again when it is written down.
fn control_line(data: &[u8]) {
    let Ok(request) = control::parse(data) else { return };
    let line = serde_json::to_vec(&request).unwrap_or_default();
    assert_eq!(control::parse(&line), Ok(request));
}
