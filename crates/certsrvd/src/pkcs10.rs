//! Certificate requests: PKCS#10 (RFC 2986) in DER or PEM, with their own signature checked.

use der::asn1::{AnyRef, BitStringRef, ObjectIdentifier};
use der::oid::db::rfc5912;
use der::{Decode, Document, Encode, Sequence};
use ecdsa::signature::Verifier;
use ecdsa::signature::hazmat::PrehashVerifier;
use rsa::traits::PublicKeyParts;
use sha1::Digest;
use sha2::{Sha256, Sha384, Sha512};
use spki::{AlgorithmIdentifierOwned, DecodePublicKey, SubjectPublicKeyInfoOwned};
use x509_cert::ext::Extension;
use x509_cert::name::Name;
use x509_cert::request::CertReqInfo;

/// Largest request that is looked at, in bytes: the size of the column RawRequest.
pub const MAXIMUM_SIZE: usize = 65536;

/// A request whose signature was made with the key that it asks a certificate for.
#[derive(Clone, Debug)]
pub struct CertificationRequest {
    // INVARIANT: `parse` verified the signature over `info` with `info.public_key`.
    info: CertReqInfo,
    der: Vec<u8>,
    key: PublicKeyFacts,
    extensions: Vec<Extension>,
}

/// What the policy and the database want to know about a public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicKeyFacts {
    /// Algorithm of the key: rsaEncryption or id-ecPublicKey.
    pub algorithm: ObjectIdentifier,
    /// Size of the modulus or of the field.
    pub bits: u32,
}

impl CertificationRequest {
    /// Reads a request.
    ///
    /// # Errors
    /// [`RequestError::Malformed`], [`RequestError::TooLarge`], [`RequestError::UnsupportedKey`],
    /// [`RequestError::UnsupportedSignature`], [`RequestError::WrongSignature`].
    pub fn parse(bytes: &[u8]) -> Result<Self, RequestError> {
        if bytes.len() > 2 * MAXIMUM_SIZE {
            return Err(RequestError::TooLarge);
        }
        let der = match bytes.first() {
            Some(0x30) => bytes.to_vec(),
            _ => pem(bytes).ok_or(RequestError::Malformed)?,
        };
        if der.len() > MAXIMUM_SIZE {
            return Err(RequestError::TooLarge);
        }
        let outer = Outer::from_der(&der).map_err(|_| RequestError::Malformed)?;
        let signed = outer.info.to_der().map_err(|_| RequestError::Malformed)?;
        let info = CertReqInfo::from_der(&signed).map_err(|_| RequestError::Malformed)?;
        let signature = outer.signature.as_bytes().ok_or(RequestError::Malformed)?;
        let key = verify(&info.public_key, &outer.algorithm, &signed, signature)?;
        let extensions = requested_extensions(&info).ok_or(RequestError::Malformed)?;
        Ok(Self { info, der, key, extensions })
    }

    /// The request in DER.
    pub fn as_der(&self) -> &[u8] {
        &self.der
    }

    /// The subject that is asked for.
    pub fn subject(&self) -> &Name {
        &self.info.subject
    }

    /// The key.
    pub fn public_key(&self) -> &SubjectPublicKeyInfoOwned {
        &self.info.public_key
    }

    /// Kind and size of the key.
    pub fn key_facts(&self) -> PublicKeyFacts {
        self.key
    }

    /// The extensions that are asked for, each OID once.
    pub fn extensions(&self) -> &[Extension] {
        &self.extensions
    }
}

/// CertificationRequest with its first part left as it is, for the signature is over these bytes.
#[derive(Sequence)]
struct Outer<'a> {
    info: AnyRef<'a>,
    algorithm: AlgorithmIdentifierOwned,
    signature: BitStringRef<'a>,
}

fn pem(bytes: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(bytes).ok()?;
    // Tools put text in front of the block, and Windows calls the label "NEW CERTIFICATE REQUEST".
    let block = text.get(text.find("-----BEGIN ")?..)?;
    let (label, document) = Document::from_pem(block.trim_end()).ok()?;
    matches!(label, "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST").then(|| document.as_bytes().to_vec())
}

/// The extensions of the attribute extensionRequest; `None` when it is malformed or names an OID twice.
fn requested_extensions(info: &CertReqInfo) -> Option<Vec<Extension>> {
    /// szOID_RSA_certExtensions of old Microsoft tools, with the same value as extensionRequest.
    const MICROSOFT_EXTENSIONS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.2.1.14");

    let mut all: Vec<Extension> = Vec::new();
    for attribute in info.attributes.iter() {
        if attribute.oid != rfc5912::ID_EXTENSION_REQ && attribute.oid != MICROSOFT_EXTENSIONS {
            continue;
        }
        for value in attribute.values.iter() {
            let extensions: Vec<Extension> = value.decode_as().ok()?;
            for extension in extensions {
                if all.iter().any(|other| other.extn_id == extension.extn_id) {
                    return None;
                }
                all.push(extension);
            }
        }
    }
    Some(all)
}

fn verify(
    key: &SubjectPublicKeyInfoOwned,
    algorithm: &AlgorithmIdentifierOwned,
    message: &[u8],
    signature: &[u8],
) -> Result<PublicKeyFacts, RequestError> {
    let der = key.to_der().map_err(|_| RequestError::Malformed)?;
    let digest = Hash::of_algorithm(algorithm.oid);
    if key.algorithm.oid == rfc5912::RSA_ENCRYPTION {
        let public = rsa::RsaPublicKey::from_public_key_der(&der).map_err(|_| RequestError::UnsupportedKey)?;
        let bits = u32::try_from(public.size() * 8).map_err(|_| RequestError::UnsupportedKey)?;
        let bits = bits.min(public.n().bits());
        if public.e() < &rsa::BoxedUint::from(65537_u32) {
            return Err(RequestError::UnsupportedKey);
        }
        let signature = rsa::pkcs1v15::Signature::try_from(signature).map_err(|_| RequestError::WrongSignature)?;
        use rsa::pkcs1v15::VerifyingKey;
        match digest {
            Some((Hash::Sha256, Family::Rsa)) => VerifyingKey::<Sha256>::new(public).verify(message, &signature),
            Some((Hash::Sha384, Family::Rsa)) => VerifyingKey::<Sha384>::new(public).verify(message, &signature),
            Some((Hash::Sha512, Family::Rsa)) => VerifyingKey::<Sha512>::new(public).verify(message, &signature),
            _ => return Err(RequestError::UnsupportedSignature { algorithm: algorithm.oid }),
        }
        .map_err(|_| RequestError::WrongSignature)?;
        return Ok(PublicKeyFacts { algorithm: key.algorithm.oid, bits });
    }
    if key.algorithm.oid != rfc5912::ID_EC_PUBLIC_KEY {
        return Err(RequestError::UnsupportedKey);
    }
    let Some((hash, Family::Ecdsa)) = digest else {
        return Err(RequestError::UnsupportedSignature { algorithm: algorithm.oid });
    };
    let prehash = hash.digest(message);
    let (bits, verified) = if let Ok(public) = p256::ecdsa::VerifyingKey::from_public_key_der(&der) {
        let signature = p256::ecdsa::Signature::from_der(signature).map_err(|_| RequestError::WrongSignature)?;
        (256, public.verify_prehash(&prehash, &signature))
    } else if let Ok(public) = p384::ecdsa::VerifyingKey::from_public_key_der(&der) {
        let signature = p384::ecdsa::Signature::from_der(signature).map_err(|_| RequestError::WrongSignature)?;
        (384, public.verify_prehash(&prehash, &signature))
    } else {
        return Err(RequestError::UnsupportedKey);
    };
    verified.map_err(|_| RequestError::WrongSignature)?;
    Ok(PublicKeyFacts { algorithm: key.algorithm.oid, bits })
}

#[derive(Clone, Copy)]
enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

#[derive(Clone, Copy)]
enum Family {
    Rsa,
    Ecdsa,
}

impl Hash {
    fn of_algorithm(oid: ObjectIdentifier) -> Option<(Self, Family)> {
        match oid {
            rfc5912::SHA_256_WITH_RSA_ENCRYPTION => Some((Self::Sha256, Family::Rsa)),
            rfc5912::SHA_384_WITH_RSA_ENCRYPTION => Some((Self::Sha384, Family::Rsa)),
            rfc5912::SHA_512_WITH_RSA_ENCRYPTION => Some((Self::Sha512, Family::Rsa)),
            rfc5912::ECDSA_WITH_SHA_256 => Some((Self::Sha256, Family::Ecdsa)),
            rfc5912::ECDSA_WITH_SHA_384 => Some((Self::Sha384, Family::Ecdsa)),
            rfc5912::ECDSA_WITH_SHA_512 => Some((Self::Sha512, Family::Ecdsa)),
            _ => None,
        }
    }

    fn digest(self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256 => Sha256::digest(message).to_vec(),
            Self::Sha384 => Sha384::digest(message).to_vec(),
            Self::Sha512 => Sha512::digest(message).to_vec(),
        }
    }
}

/// Why bytes are no request that can be considered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// They are no PKCS#10 request in DER or PEM.
    #[error("this is no PKCS#10 certificate request in DER or PEM")]
    Malformed,
    /// More bytes than a request can have.
    #[error("the request is larger than {MAXIMUM_SIZE} bytes")]
    TooLarge,
    /// Not RSA with an exponent from 65537, nor on P-256 or P-384.
    #[error("the request's key is neither RSA (exponent 65537 or larger) nor on P-256 or P-384")]
    UnsupportedKey,
    /// Signed with an algorithm that is too weak or unknown.
    #[error("the request is signed with {algorithm}; SHA-256, SHA-384 or SHA-512 with RSA or ECDSA are accepted")]
    UnsupportedSignature {
        /// The algorithm.
        algorithm: ObjectIdentifier,
    },
    /// The signature does not fit: whoever made the request does not have the key.
    #[error("the request's own signature is wrong: it was not made with the key in the request")]
    WrongSignature,
}
