//! The names that a server tells its clients.

/// Names for the attribute list of the CHALLENGE, [MS-NLMP] 3.2.5.1.1.
///
/// No name is ever empty: some clients stop working without one, the DNS computer name above all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerNames {
    /// MsvAvNbComputerName, at most 15 characters.
    pub(super) netbios_computer: String,
    /// MsvAvNbDomainName; a stand-alone machine is its own domain.
    pub(super) netbios_domain: String,
    /// MsvAvDnsComputerName.
    pub(super) dns_computer: String,
    /// MsvAvDnsDomainName.
    pub(super) dns_domain: String,
}

impl ServerNames {
    /// Derives the four names of a stand-alone server from its host name, with or without a DNS domain.
    #[must_use]
    pub fn stand_alone(host: &str) -> Self {
        let host: String = host.trim_matches('.').chars().take(255).collect();
        let host = if host.is_empty() { "localhost".to_owned() } else { host };
        // An address has no labels: the whole of it serves as the name.
        let (computer, domain) = match host.split_once('.') {
            Some(parts) if host.parse::<std::net::IpAddr>().is_err() => parts,
            _ => (host.as_str(), host.as_str()),
        };
        let netbios: String = computer.to_uppercase().chars().take(15).collect();
        Self {
            netbios_computer: netbios.clone(),
            netbios_domain: netbios,
            dns_computer: host.clone(),
            dns_domain: domain.to_owned(),
        }
    }
}
