use dcerpc::ndr::{Decoder, Encoder};

use super::Reader;
use crate::Error;

/// Tower identifier of TCP, C706 table I-2 (NCACN_IP_TCP): the protocol of every binding that this project writes.
pub const TOWER_TCP: u16 = 7;

/// DUALSTRINGARRAY, \[MS-DCOM\] 2.2.19: where a resolver or an exporter listens, and how it authenticates.
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 2 | wNumEntries: units that follow |
/// | 2 | 2 | wSecurityOffset: units before the first security binding |
/// | 4 | 2 × wNumEntries | string bindings, 0, security bindings, 0 |
///
/// As NDR, a maximum count of four bytes stands in front.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DualStringArray {
    // INVARIANT: what `units` makes of both fits `u16` units; every binding was checked by its own constructor.
    strings: Vec<StringBinding>,
    securities: Vec<SecurityBinding>,
}

impl DualStringArray {
    /// Bindings in order of preference.
    ///
    /// # Errors
    /// [`Error::Value`] when they do not fit: the structure holds 65,535 UTF-16 code units.
    pub fn new(strings: Vec<StringBinding>, securities: Vec<SecurityBinding>) -> Result<Self, Error> {
        let bindings = Self { strings, securities };
        let units = bindings.units().0.len();
        match u16::try_from(units) {
            Ok(_) => Ok(bindings),
            Err(_) => Err(Error::Value { field: "DUALSTRINGARRAY.wNumEntries", found: units as u64 }),
        }
    }

    /// Protocols and addresses, the preferred one first.
    #[must_use]
    pub fn string_bindings(&self) -> &[StringBinding] {
        &self.strings
    }

    /// Security providers, the preferred one first.
    #[must_use]
    pub fn security_bindings(&self) -> &[SecurityBinding] {
        &self.securities
    }

    /// Writes the NDR form, \[MS-DCOM\] 2.2.19.2, without a pointer to it.
    pub fn encode(&self, stub: &mut Encoder) {
        let (units, security_offset) = self.units();
        stub.u32(units.len() as u32);
        stub.u16(units.len() as u16);
        stub.u16(security_offset);
        for unit in units {
            stub.u16(unit);
        }
    }

    /// Reads the NDR form, \[MS-DCOM\] 2.2.19.2, behind a pointer to it.
    ///
    /// # Errors
    /// [`Error::Ndr`] when it is cut short, [`Error::Value`] when the counts contradict each other or a name is not
    /// UTF-16.
    pub fn decode(stub: &mut Decoder<'_>) -> Result<Self, Error> {
        let maximum = stub.u32()?;
        let count = stub.u16()?;
        let security_offset = stub.u16()?;
        if maximum != u32::from(count) {
            return Err(Error::Value { field: "DUALSTRINGARRAY.wNumEntries", found: count.into() });
        }
        Self::parse(security_offset, stub.bytes(2 * usize::from(count))?)
    }

    /// Appends the packet form, \[MS-DCOM\] 2.2.19.1.
    pub(super) fn append_to(&self, bytes: &mut Vec<u8>) {
        let (units, security_offset) = self.units();
        bytes.extend_from_slice(&(units.len() as u16).to_le_bytes());
        bytes.extend_from_slice(&security_offset.to_le_bytes());
        for unit in units {
            bytes.extend_from_slice(&unit.to_le_bytes());
        }
    }

    /// Reads the packet form, \[MS-DCOM\] 2.2.19.1.
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, Error> {
        let count = reader.u16()?;
        let security_offset = reader.u16()?;
        Self::parse(security_offset, reader.bytes(2 * usize::from(count))?)
    }

    /// aStringArray and wSecurityOffset.
    fn units(&self) -> (Vec<u16>, u16) {
        let mut units = Vec::new();
        for binding in &self.strings {
            units.push(binding.tower_id);
            units.extend(binding.address.encode_utf16());
            units.push(0);
        }
        if self.strings.is_empty() {
            units.push(0); // the smallest array has four units, 2.2.19.1
        }
        units.push(0);
        let security_offset = units.len() as u16;
        for binding in &self.securities {
            units.push(binding.authentication_service);
            units.push(SecurityBinding::RESERVED);
            units.extend(binding.principal.encode_utf16());
            units.push(0);
        }
        if self.securities.is_empty() {
            units.push(0);
        }
        units.push(0);
        (units, security_offset)
    }

    fn parse(security_offset: u16, array: &[u8]) -> Result<Self, Error> {
        let units: Vec<u16> = array.chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]])).collect();
        let (mut strings, mut securities) = units
            .split_at_checked(usize::from(security_offset))
            .ok_or(Error::Value { field: "DUALSTRINGARRAY.wSecurityOffset", found: security_offset.into() })?;
        let (mut string_bindings, mut security_bindings) = (Vec::new(), Vec::new());
        while let [tower_id @ 1..=u16::MAX, rest @ ..] = strings {
            let (address, rest) = name("STRINGBINDING.aNetworkAddr", rest)?;
            string_bindings.push(StringBinding { tower_id: *tower_id, address });
            strings = rest;
        }
        while let [service @ 1..=u16::MAX, rest @ ..] = securities {
            let [_reserved, rest @ ..] = rest else {
                return Err(Error::Value { field: "SECURITYBINDING.wAuthnSvc", found: (*service).into() });
            };
            let (principal, rest) = name("SECURITYBINDING.aPrincName", rest)?;
            security_bindings.push(SecurityBinding { authentication_service: *service, principal });
            securities = rest;
        }
        // Without terminators the array may have been full; with them it does not fit.
        Self::new(string_bindings, security_bindings)
    }
}

/// STRINGBINDING, \[MS-DCOM\] 2.2.19.3: a protocol and an address.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct StringBinding {
    // INVARIANT: not zero, which ends the list.
    tower_id: u16,
    // INVARIANT: without NUL.
    address: String,
}

impl StringBinding {
    /// `address` over the protocol `tower_id`.
    ///
    /// # Errors
    /// [`Error::Value`] when `tower_id` is zero or `address` contains a NUL; both would end the list early.
    pub fn new(tower_id: u16, address: String) -> Result<Self, Error> {
        if tower_id == 0 {
            return Err(Error::Value { field: "STRINGBINDING.wTowerId", found: 0 });
        }
        without_nul("STRINGBINDING.aNetworkAddr", &address)?;
        Ok(Self { tower_id, address })
    }

    /// TCP to `host`: with `port` for an exporter (`host[port]`), without for a resolver, which has a port of its own.
    ///
    /// # Errors
    /// [`Error::Value`] when `host` contains a NUL.
    pub fn tcp(host: &str, port: Option<u16>) -> Result<Self, Error> {
        let address = match port {
            Some(port) => format!("{host}[{port}]"),
            None => host.to_owned(),
        };
        Self::new(TOWER_TCP, address)
    }

    /// The protocol, as C706 table I-2 numbers them.
    #[must_use]
    pub fn tower_id(&self) -> u16 {
        self.tower_id
    }

    /// The address as it is on the wire: `host` or `host[endpoint]`.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Host and port of a TCP binding; `None` for other protocols and for endpoints that are no port.
    #[must_use]
    pub fn tcp_address(&self) -> Option<(&str, Option<u16>)> {
        if self.tower_id != TOWER_TCP {
            return None;
        }
        match self.address.strip_suffix(']') {
            Some(address) => {
                let (host, port) = address.rsplit_once('[')?;
                Some((host, Some(port.parse().ok()?)))
            }
            None => Some((&self.address, None)),
        }
    }
}

/// SECURITYBINDING, \[MS-DCOM\] 2.2.19.4: a security provider and the name of its principal.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SecurityBinding {
    // INVARIANT: not zero, which ends the list.
    authentication_service: u16,
    // INVARIANT: without NUL.
    principal: String,
}

impl SecurityBinding {
    /// What is sent where wAuthzSvc used to be.
    const RESERVED: u16 = 0xFFFF;

    /// The provider `authentication_service` (10 NTLM, 9 negotiate, 16 Kerberos), with a principal name or without (`""`).
    ///
    /// # Errors
    /// [`Error::Value`] when the service is zero or the name contains a NUL; both would end the list early.
    pub fn new(authentication_service: u16, principal: String) -> Result<Self, Error> {
        if authentication_service == 0 {
            return Err(Error::Value { field: "SECURITYBINDING.wAuthnSvc", found: 0 });
        }
        without_nul("SECURITYBINDING.aPrincName", &principal)?;
        Ok(Self { authentication_service, principal })
    }

    /// The provider, \[MS-RPCE\] 2.2.1.1.7.
    #[must_use]
    pub fn authentication_service(&self) -> u16 {
        self.authentication_service
    }

    /// The service principal name; empty when there is none.
    #[must_use]
    pub fn principal(&self) -> &str {
        &self.principal
    }
}

/// The name at the start of `units`, and what follows its terminator.
fn name<'a>(field: &'static str, units: &'a [u16]) -> Result<(String, &'a [u16]), Error> {
    let end = units.iter().position(|&unit| unit == 0).ok_or(Error::Truncated {
        structure: field,
        needed: 2,
        remaining: 0,
    })?;
    let name = String::from_utf16(&units[..end])
        .map_err(|_| Error::Value { field, found: units.first().copied().unwrap_or(0).into() })?;
    Ok((name, &units[end + 1..]))
}

fn without_nul(field: &'static str, name: &str) -> Result<(), Error> {
    if name.contains('\0') {
        return Err(Error::Value { field, found: 0 });
    }
    Ok(())
}
