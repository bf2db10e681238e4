//! Oracles of `adcs`: what must hold for any bytes.

use adcs::decode::{Certificate, Crl, Request};
use adcs::{Catalog, FileTime, Filter, SerialNumber};

use super::Oracle;

/// Corpus name and oracle of every fuzz target of `adcs`.
pub const ORACLES: &[Oracle] =
    &[("adcs_certificate", certificate), ("adcs_crl", crl), ("adcs_filter", filter), ("adcs_request", request)];

/// A certificate: what it says has one line each, and its number is one.
fn certificate(data: &[u8]) {
    let Ok(certificate) = Certificate::decode(data) else { return };
    let serial = certificate.serial.to_string();
    assert_eq!(SerialNumber::parse(&serial), Some(certificate.serial));
    assert_eq!(certificate.thumbprint.len(), 40);
    assert!(certificate.extensions.iter().map(|extension| extension.size).sum::<usize>() <= data.len());
}

/// A list: it cannot have more entries than bytes.
fn crl(data: &[u8]) {
    let Ok(crl) = Crl::decode(data) else { return };
    assert!(crl.entries <= data.len() as u64);
}

/// A request in any of its forms.
fn request(data: &[u8]) {
    let Ok(request) = Request::decode(data) else { return };
    assert!(request.extensions.len() <= data.len());
}

/// An expression: an error points into it, and what is understood is understood again when it is written down.
fn filter(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (catalog, now) = (Catalog::standard(), FileTime(133_000_000_000_000_000));
    match Filter::parse(text, &catalog, now) {
        Ok(filter) => {
            let written = filter.to_string();
            assert_eq!(Filter::parse(&written, &catalog, now).as_ref(), Ok(&filter), "{written}");
        }
        Err(error) => assert!((1..=text.chars().count() + 1).contains(&error.column), "{error}"),
    }
}
