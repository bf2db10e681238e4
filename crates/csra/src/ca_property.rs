//! The properties that GetCAProperty returns, \[MS-WCCE\] 3.2.1.4.3.2: numbers, types, and the form of their values.

use dcerpc::ndr::{Decoder, Encoder};
use dcom::Hresult;

use crate::hresult;

/// What a property's value is (PropType), \[MS-CSRA\] 3.1.4.2.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PropertyType {
    /// PROPTYPE_LONG, 1: a number, or bytes that are numbers.
    Long,
    /// PROPTYPE_BINARY, 3: a certificate, a CRL, a CMS message.
    Binary,
    /// PROPTYPE_STRING, 4: UTF-16LE, terminated.
    String,
}

impl PropertyType {
    /// From PropType; `None` for values that no property has.
    #[must_use]
    pub fn from_wire(value: i32) -> Option<Self> {
        match value {
            1 => Some(Self::Long),
            3 => Some(Self::Binary),
            4 => Some(Self::String),
            _ => None,
        }
    }

    /// As PropType.
    #[must_use]
    pub fn to_wire(self) -> i32 {
        match self {
            Self::Long => 1,
            Self::Binary => 3,
            Self::String => 4,
        }
    }
}

/// A property of the CA.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Property {
    /// Its number (PropId).
    pub id: i32,
    /// Its name, CR_PROP_ left off.
    pub name: &'static str,
    /// What its value is.
    pub property_type: PropertyType,
    /// Whether it has several elements, and PropIndex says which.
    pub indexed: bool,
    /// Whether the value travels in a [`CaInfo`].
    pub in_ca_info: bool,
}

/// PropIndex of the newest element, where there is one.
pub const NEWEST: i32 = -1;

/// CR_PROP_CANAME.
pub const CA_NAME: i32 = 0x06;
/// CR_PROP_SANITIZEDCANAME.
pub const SANITIZED_CA_NAME: i32 = 0x07;
/// CR_PROP_CATYPE.
pub const CA_TYPE: i32 = 0x0A;
/// CR_PROP_CASIGCERTCOUNT.
pub const CA_SIGNING_CERTIFICATE_COUNT: i32 = 0x0B;
/// CR_PROP_CASIGCERT.
pub const CA_SIGNING_CERTIFICATE: i32 = 0x0C;
/// CR_PROP_CASIGCERTCHAIN.
pub const CA_SIGNING_CERTIFICATE_CHAIN: i32 = 0x0D;
/// CR_PROP_BASECRL.
pub const BASE_CRL: i32 = 0x11;
/// CR_PROP_DELTACRL.
pub const DELTA_CRL: i32 = 0x12;
/// CR_PROP_CAPROPIDMAX.
pub const CA_PROPERTY_ID_MAX: i32 = 0x15;
/// CR_PROP_DNSNAME.
pub const DNS_NAME: i32 = 0x16;
/// CR_PROP_SANITIZEDCASHORTNAME.
pub const SANITIZED_CA_SHORT_NAME: i32 = 0x28;

/// Every property, by number from 1 on.
const PROPERTIES: &[(&str, PropertyType, Shape)] = {
    use PropertyType::{Binary, Long, String};
    use Shape::{Indexed, Info, Single};
    &[
        ("FILEVERSION", String, Single),
        ("PRODUCTVERSION", String, Single),
        ("EXITCOUNT", Long, Info),
        ("EXITDESCRIPTION", String, Indexed),
        ("POLICYDESCRIPTION", String, Single),
        ("CANAME", String, Single),
        ("SANITIZEDCANAME", String, Single),
        ("SHAREDFOLDER", String, Single),
        ("PARENTCA", String, Single),
        ("CATYPE", Long, Info),
        ("CASIGCERTCOUNT", Long, Info),
        ("CASIGCERT", Binary, Indexed),
        ("CASIGCERTCHAIN", Binary, Indexed),
        ("CAXCHGCERTCOUNT", Long, Info),
        ("CAXCHGCERT", Binary, Indexed),
        ("CAXCHGCERTCHAIN", Binary, Indexed),
        ("BASECRL", Binary, Indexed),
        ("DELTACRL", Binary, Indexed),
        ("CACERTSTATE", Long, Indexed),
        ("CRLSTATE", Long, Indexed),
        ("CAPROPIDMAX", Long, Info),
        ("DNSNAME", String, Single),
        ("ROLESEPARATIONENABLED", Long, Info),
        ("KRACERTUSEDCOUNT", Long, Info),
        ("KRACERTCOUNT", Long, Info),
        ("KRACERT", Binary, Indexed),
        ("KRACERTSTATE", Long, Indexed),
        ("ADVANCEDSERVER", Long, Info),
        ("TEMPLATES", String, Single),
        ("BASECRLPUBLISHSTATUS", Long, Indexed),
        ("DELTACRLPUBLISHSTATUS", Long, Indexed),
        ("CASIGCERTCRLCHAIN", Binary, Indexed),
        ("CAXCHGCERTCRLCHAIN", Binary, Indexed),
        ("CACERTSTATUSCODE", Long, Indexed),
        ("CAFORWARDCROSSCERT", Binary, Indexed),
        ("CABACKWARDCROSSCERT", Binary, Indexed),
        ("CAFORWARDCROSSCERTSTATE", Long, Indexed),
        ("CABACKWARDCROSSCERTSTATE", Long, Indexed),
        ("CACERTVERSION", Long, Indexed),
        ("SANITIZEDCASHORTNAME", String, Single),
        ("CERTCDPURLS", String, Indexed),
        ("CERTAIAURLS", String, Indexed),
        ("CERTAIAOCSPURLS", String, Indexed),
        ("LOCALENAME", String, Single),
        ("SUBJECTTEMPLATE_OIDS", String, Single),
        ("CRLPARTITIONCOUNT", Long, Single),
        ("PARTITIONED_BASECRL", Binary, Indexed),
        ("PARTITIONED_DELTACRL", Binary, Indexed),
        ("PARTITIONED_BASECRLPUBLISHSTATUS", Long, Indexed),
        ("PARTITIONED_DELTACRLPUBLISHSTATUS", Long, Indexed),
    ]
};

#[derive(Clone, Copy, PartialEq)]
enum Shape {
    Single,
    Indexed,
    Info,
}

/// The property with that number, if there is one.
#[must_use]
pub fn find(id: i32) -> Option<Property> {
    let place = usize::try_from(id).ok()?.checked_sub(1)?;
    let (name, property_type, shape) = *PROPERTIES.get(place)?;
    Some(Property { id, name, property_type, indexed: shape == Shape::Indexed, in_ca_info: shape == Shape::Info })
}

/// The property that a GetCAProperty call means, \[MS-CSRA\] 3.1.4.2.2.
///
/// # Errors
/// [`Hresult::INVALID_ARGUMENT`] for a number without a property, and for a type that is not the property's.
pub fn check(id: i32, property_type: i32) -> Result<Property, Hresult> {
    let property = find(id).ok_or(hresult::INVALID_PARAMETER)?;
    if property.property_type.to_wire() != property_type {
        return Err(hresult::INVALID_PARAMETER);
    }
    Ok(property)
}

/// A string value: UTF-16LE with its terminator. \[MS-WCCE\] asks for one in some properties; clients expect it in all.
#[must_use]
pub fn string_to_bytes(value: &str) -> Vec<u8> {
    value.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect()
}

/// Reads a string value, terminated or not. `None` when it is not UTF-16, or has a NUL inside.
#[must_use]
pub fn string_from_bytes(bytes: &[u8]) -> Option<String> {
    let (units, []) = bytes.as_chunks::<2>() else {
        return None;
    };
    let units: Vec<u16> = units.iter().map(|unit| u16::from_le_bytes(*unit)).collect();
    let units = units.strip_suffix(&[0]).unwrap_or(&units);
    if units.contains(&0) {
        return None;
    }
    String::from_utf16(units).ok()
}

/// CAINFO, \[MS-WCCE\] 2.2.2.4: several number properties at once.
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 4 | cbSize: 40 |
/// | 4 | 4 | CAType |
/// | 8 | 4 | cCASignatureCerts |
/// | 12 | 4 | cCAExchangeCerts |
/// | 16 | 4 | cExitAlgorithms |
/// | 20 | 4 | lPropIDMax |
/// | 24 | 4 | lRoleSeparationEnabled |
/// | 28 | 4 | cKRACertUsedCount |
/// | 32 | 4 | cKRACertCount |
/// | 36 | 4 | fAdvancedServer |
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct CaInfo {
    /// 0 enterprise root, 1 enterprise subordinate, 3 stand-alone root, 4 stand-alone subordinate, 5 unknown.
    pub ca_type: i32,
    /// Signing certificates, one per key and renewal.
    pub signature_certificates: u32,
    /// Exchange certificates.
    pub exchange_certificates: u32,
    /// Active exit algorithms.
    pub exit_algorithms: u32,
    /// Highest number of a property that the CA knows.
    pub property_id_max: i32,
    /// 1 if nobody may have two roles.
    pub role_separation: i32,
    /// Key recovery certificates that an archived key is encrypted for.
    pub key_recovery_certificates_used: u32,
    /// Key recovery certificates that there are.
    pub key_recovery_certificates: u32,
    /// Nonzero on an advanced server edition.
    pub advanced_server: u32,
}

impl CaInfo {
    /// Enterprise root CA (ENUM_ENTERPRISE_ROOTCA).
    pub const ENTERPRISE_ROOT: i32 = 0;
    /// Enterprise subordinate CA.
    pub const ENTERPRISE_SUBORDINATE: i32 = 1;
    /// Stand-alone root CA.
    pub const STANDALONE_ROOT: i32 = 3;
    /// Stand-alone subordinate CA.
    pub const STANDALONE_SUBORDINATE: i32 = 4;

    /// Size in bytes.
    pub const SIZE: usize = 10 /* fields */ * 4;

    /// The bytes, as they are in a CERTTRANSBLOB.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Encoder::with_capacity(Self::SIZE);
        bytes.u32(Self::SIZE as u32);
        bytes.i32(self.ca_type);
        bytes.u32(self.signature_certificates);
        bytes.u32(self.exchange_certificates);
        bytes.u32(self.exit_algorithms);
        bytes.i32(self.property_id_max);
        bytes.i32(self.role_separation);
        bytes.u32(self.key_recovery_certificates_used);
        bytes.u32(self.key_recovery_certificates);
        bytes.u32(self.advanced_server);
        bytes.into_bytes()
    }

    /// Reads the bytes. Fields that a later version adds behind them are ignored.
    ///
    /// # Errors
    /// [`Error::Ndr`](crate::Error::Ndr) when there are too few, [`Error::Value`](crate::Error::Value) when cbSize says so.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, crate::Error> {
        let mut bytes = Decoder::new(bytes);
        let size = bytes.u32()?;
        if (size as usize) < Self::SIZE {
            return Err(crate::Error::Value { field: "CAINFO.cbSize", found: size.into() });
        }
        Ok(Self {
            ca_type: bytes.i32()?,
            signature_certificates: bytes.u32()?,
            exchange_certificates: bytes.u32()?,
            exit_algorithms: bytes.u32()?,
            property_id_max: bytes.i32()?,
            role_separation: bytes.i32()?,
            key_recovery_certificates_used: bytes.u32()?,
            key_recovery_certificates: bytes.u32()?,
            advanced_server: bytes.u32()?,
        })
    }

    /// The field that holds the property with that number; `None` for properties that are not in it.
    #[must_use]
    pub fn value(&self, id: i32) -> Option<i32> {
        Some(match id {
            0x03 => self.exit_algorithms.cast_signed(),
            CA_TYPE => self.ca_type,
            CA_SIGNING_CERTIFICATE_COUNT => self.signature_certificates.cast_signed(),
            0x0E => self.exchange_certificates.cast_signed(),
            CA_PROPERTY_ID_MAX => self.property_id_max,
            0x17 => self.role_separation,
            0x18 => self.key_recovery_certificates_used.cast_signed(),
            0x19 => self.key_recovery_certificates.cast_signed(),
            0x1C => self.advanced_server.cast_signed(),
            _ => return None,
        })
    }
}
