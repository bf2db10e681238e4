//! The CA's key: its kinds, how it is made, kept encrypted, and how it signs.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::{fmt, fs, io};

use der::asn1::{BitString, OctetString};
use der::pem::{LineEnding, PemLabel};
use der::{Decode, Document, EncodePem};
use ecdsa::signature::{self, Keypair, RandomizedSigner, Signer};
use p256::elliptic_curve::Generate;
use pkcs8::pkcs5::{pbes2, scrypt};
use pkcs8::{DecodePrivateKey, EncodePrivateKey, EncryptedPrivateKeyInfoOwned, PrivateKeyInfoRef, SecretDocument};
use rsa::pkcs1v15;
use serde::{Deserialize, Serialize};
use sha1::Digest;
use sha2::{Sha256, Sha384};
use spki::{
    AlgorithmIdentifierOwned, DynSignatureAlgorithmIdentifier, EncodePublicKey, SignatureBitStringEncoding,
    SubjectPublicKeyInfoOwned,
};
use zeroize::Zeroizing;

/// Kind and size of a CA key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
pub enum KeyType {
    /// RSA with 2048 bits.
    #[value(name = "rsa-2048", alias = "rsa2048")]
    #[serde(rename = "rsa-2048")]
    Rsa2048,
    /// RSA with 3072 bits.
    #[value(name = "rsa-3072", alias = "rsa3072")]
    #[serde(rename = "rsa-3072")]
    Rsa3072,
    /// RSA with 4096 bits.
    #[value(name = "rsa-4096", alias = "rsa4096")]
    #[serde(rename = "rsa-4096")]
    Rsa4096,
    /// ECDSA on NIST P-256 (secp256r1).
    #[value(name = "p-256", aliases = ["p256", "ec-p256"])]
    #[serde(rename = "p-256")]
    P256,
    /// ECDSA on NIST P-384 (secp384r1).
    #[value(name = "p-384", aliases = ["p384", "ec-p384"])]
    #[serde(rename = "p-384")]
    P384,
}

/// Hash below an RSA signature. The curves have theirs: SHA-256 on P-256, SHA-384 on P-384.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum SignatureHash {
    /// SHA-256
    #[default]
    Sha256,
    /// SHA-384
    Sha384,
}

impl fmt::Display for SignatureHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sha256 => "sha256",
            Self::Sha384 => "sha384",
        })
    }
}

/// The CA's private key. Its parts are wiped when it is dropped.
pub struct AuthorityKey {
    secret: Secret,
    // INVARIANT: the public half of `secret`.
    public_key: PublicKey,
}

enum Secret {
    RsaSha256(pkcs1v15::SigningKey<Sha256>),
    RsaSha384(pkcs1v15::SigningKey<Sha384>),
    P256(p256::ecdsa::SigningKey),
    P384(p384::ecdsa::SigningKey),
}

impl AuthorityKey {
    /// Makes a new key with the system's randomness.
    ///
    /// # Errors
    /// [`KeyError::Generation`] when the algorithm fails, which it does not in practice.
    pub fn generate(kind: KeyType, hash: SignatureHash) -> Result<Self, KeyError> {
        let mut rng = rand::rng();
        let mut rsa = |bits| rsa::RsaPrivateKey::new(&mut rng, bits).map_err(|_| KeyError::Generation);
        let secret = match kind {
            KeyType::Rsa2048 => Secret::rsa(rsa(2048)?, hash),
            KeyType::Rsa3072 => Secret::rsa(rsa(3072)?, hash),
            KeyType::Rsa4096 => Secret::rsa(rsa(4096)?, hash),
            KeyType::P256 => Secret::P256(p256::ecdsa::SigningKey::generate_from_rng(&mut rng)),
            KeyType::P384 => Secret::P384(p384::ecdsa::SigningKey::generate_from_rng(&mut rng)),
        };
        Self::new(secret)
    }

    /// Opens a key file: PEM, PKCS#8, encrypted with PBES2.
    ///
    /// # Errors
    /// [`KeyError::WrongPassphrase`] when the passphrase does not open it, [`KeyError::Malformed`] when the file is no
    /// such key, [`KeyError::Unsupported`] for a key of another kind.
    pub fn from_encrypted_pem(pem: &str, passphrase: &str, hash: SignatureHash) -> Result<Self, KeyError> {
        let (label, document) = Document::from_pem(pem).map_err(|_| KeyError::Malformed)?;
        if label != EncryptedPrivateKeyInfoOwned::PEM_LABEL {
            return Err(KeyError::Malformed);
        }
        let encrypted = EncryptedPrivateKeyInfoOwned::from_der(document.as_bytes()).map_err(|_| KeyError::Malformed)?;
        let plain = encrypted.decrypt(passphrase).map_err(|_| KeyError::WrongPassphrase)?;
        // CBC padding is right for one wrong passphrase in 256; the garbage then is no PKCS#8.
        let info = PrivateKeyInfoRef::from_der(plain.as_bytes()).map_err(|_| KeyError::WrongPassphrase)?;
        let secret = match info.algorithm.oid {
            oid if oid == der::oid::db::rfc5912::RSA_ENCRYPTION => {
                let key = rsa::RsaPrivateKey::from_pkcs8_der(plain.as_bytes()).map_err(|_| KeyError::Malformed)?;
                Secret::rsa(key, hash)
            }
            oid if oid == der::oid::db::rfc5912::ID_EC_PUBLIC_KEY => {
                if let Ok(key) = p256::SecretKey::from_pkcs8_der(plain.as_bytes()) {
                    Secret::P256(key.into())
                } else if let Ok(key) = p384::SecretKey::from_pkcs8_der(plain.as_bytes()) {
                    Secret::P384(key.into())
                } else {
                    return Err(KeyError::Unsupported);
                }
            }
            _ => return Err(KeyError::Unsupported),
        };
        Self::new(secret)
    }

    fn new(secret: Secret) -> Result<Self, KeyError> {
        let public_key = match &secret {
            Secret::RsaSha256(key) => SubjectPublicKeyInfoOwned::from_key(&key.verifying_key()),
            Secret::RsaSha384(key) => SubjectPublicKeyInfoOwned::from_key(&key.verifying_key()),
            Secret::P256(key) => SubjectPublicKeyInfoOwned::from_key(key.verifying_key()),
            Secret::P384(key) => SubjectPublicKeyInfoOwned::from_key(key.verifying_key()),
        };
        Ok(Self { secret, public_key: PublicKey(public_key.map_err(|_| KeyError::Malformed)?) })
    }

    /// The key as the key file has it: PKCS#8 in PEM, PBES2 with scrypt (N = 2^14, r = 8, p = 5, 16 MiB) and
    /// AES-256-CBC. These are parameters that `openssl pkey` opens too.
    ///
    /// # Errors
    /// [`KeyError::Encryption`] when a step of it fails.
    pub fn to_encrypted_pem(&self, passphrase: &str) -> Result<Zeroizing<String>, KeyError> {
        let plain: SecretDocument = match &self.secret {
            Secret::RsaSha256(key) => key.to_pkcs8_der(),
            Secret::RsaSha384(key) => key.to_pkcs8_der(),
            Secret::P256(key) => key.to_pkcs8_der(),
            Secret::P384(key) => key.to_pkcs8_der(),
        }
        .map_err(|_| KeyError::Encryption)?;
        let (mut salt, mut iv) = ([0_u8; 16], [0_u8; 16]);
        getrandom::fill(&mut salt).map_err(|_| KeyError::Encryption)?;
        getrandom::fill(&mut iv).map_err(|_| KeyError::Encryption)?;
        let parameters = scrypt::Params::new(14, 8, 5).map_err(|_| KeyError::Encryption)?;
        let scheme =
            pbes2::Parameters::generate_scrypt_aes256cbc(parameters, &salt, iv).map_err(|_| KeyError::Encryption)?;
        let encrypted = scheme.encrypt(passphrase, plain.as_bytes()).map_err(|_| KeyError::Encryption)?;
        let info = EncryptedPrivateKeyInfoOwned {
            encryption_algorithm: scheme.into(),
            encrypted_data: OctetString::new(encrypted).map_err(|_| KeyError::Encryption)?,
        };
        info.to_pem(LineEnding::LF).map(Zeroizing::new).map_err(|_| KeyError::Encryption)
    }

    /// The public half.
    pub fn public_key(&self) -> &SubjectPublicKeyInfoOwned {
        &self.public_key.0
    }
}

impl Secret {
    fn rsa(key: rsa::RsaPrivateKey, hash: SignatureHash) -> Self {
        match hash {
            SignatureHash::Sha256 => Self::RsaSha256(pkcs1v15::SigningKey::new(key)),
            SignatureHash::Sha384 => Self::RsaSha384(pkcs1v15::SigningKey::new(key)),
        }
    }
}

impl fmt::Debug for AuthorityKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorityKey").finish_non_exhaustive()
    }
}

/// The public half of an [`AuthorityKey`], in the form that the certificate builder asks for.
#[derive(Clone, Debug)]
pub struct PublicKey(SubjectPublicKeyInfoOwned);

impl EncodePublicKey for PublicKey {
    fn to_public_key_der(&self) -> spki::Result<Document> {
        Document::try_from(&self.0)
    }
}

/// A finished signature: the content of the BIT STRING.
#[derive(Debug)]
pub struct KeySignature(Vec<u8>);

impl SignatureBitStringEncoding for KeySignature {
    fn to_bitstring(&self) -> der::Result<BitString> {
        BitString::from_bytes(&self.0)
    }
}

impl Keypair for AuthorityKey {
    type VerifyingKey = PublicKey;

    fn verifying_key(&self) -> PublicKey {
        self.public_key.clone()
    }
}

impl DynSignatureAlgorithmIdentifier for AuthorityKey {
    fn signature_algorithm_identifier(&self) -> spki::Result<AlgorithmIdentifierOwned> {
        match &self.secret {
            Secret::RsaSha256(key) => key.signature_algorithm_identifier(),
            Secret::RsaSha384(key) => key.signature_algorithm_identifier(),
            Secret::P256(key) => key.signature_algorithm_identifier(),
            Secret::P384(key) => key.signature_algorithm_identifier(),
        }
    }
}

impl Signer<KeySignature> for AuthorityKey {
    fn try_sign(&self, message: &[u8]) -> signature::Result<KeySignature> {
        // With randomness: RSA is blinded, and the ECDSA nonce does not depend on the message alone.
        let mut rng = rand::rng();
        let bytes = match &self.secret {
            Secret::RsaSha256(key) => raw_rsa(&key.try_sign_with_rng(&mut rng, message)?),
            Secret::RsaSha384(key) => raw_rsa(&key.try_sign_with_rng(&mut rng, message)?),
            Secret::P256(key) => {
                let signature: p256::ecdsa::Signature = key.try_sign_with_rng(&mut rng, message)?;
                signature.to_der().as_bytes().to_vec()
            }
            Secret::P384(key) => {
                let signature: p384::ecdsa::Signature = key.try_sign_with_rng(&mut rng, message)?;
                signature.to_der().as_bytes().to_vec()
            }
        };
        Ok(KeySignature(bytes))
    }
}

fn raw_rsa(signature: &pkcs1v15::Signature) -> Vec<u8> {
    use ecdsa::signature::SignatureEncoding;
    signature.to_vec()
}

/// Key identifier of RFC 5280 4.2.1.2, method 1: SHA-1 over the subject public key, tag and length left out.
pub fn key_identifier(key: &SubjectPublicKeyInfoOwned) -> Vec<u8> {
    sha1::Sha1::digest(key.subject_public_key.raw_bytes()).to_vec()
}

/// Whether only its owner can read the key file. The outer error is the file system's.
///
/// # Errors
/// [`KeyError::Permissions`].
pub fn check_permissions(path: &Path) -> io::Result<Result<(), KeyError>> {
    let mode = fs::metadata(path)?.permissions().mode() & 0o777;
    Ok(if mode & 0o077 == 0 { Ok(()) } else { Err(KeyError::Permissions { path: path.to_owned(), mode }) })
}

/// What can be wrong with a key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// Others than the owner can read or write the file.
    #[error("{path} has mode {mode:04o}: others can read or change the CA's key; it must be 0600")]
    Permissions {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The passphrase does not open the key.
    #[error("the passphrase does not open the CA's key")]
    WrongPassphrase,
    /// The file holds no encrypted PKCS#8 key.
    #[error("the CA's key file holds no encrypted PKCS#8 key")]
    Malformed,
    /// RSA, P-256 and P-384 are supported, and this is another.
    #[error("the CA's key is neither RSA nor on P-256 or P-384")]
    Unsupported,
    /// The key and `ca.crt` do not belong together.
    #[error("the CA's key does not belong to the CA's certificate")]
    NotOfCertificate,
    /// No key could be made.
    #[error("no key could be generated")]
    Generation,
    /// The key could not be encrypted.
    #[error("the key could not be encrypted")]
    Encryption,
}
