//! Whose backup this is, and what the protocol hands out about the CA beside its database.

use certadm::{DatabaseLocations, Target};
use serde_json::json;

use super::Backup;
use crate::exit::{Exit, Failure};
use crate::manifest::{self, Directory, Missing, Role, SetPath};
use crate::output::Reporter;
use crate::{table, verify};

/// Asks the server for its names. Where the library has no function for that, the target names the CA, or the file name of
/// its database does.
pub(super) fn identify(
    target: &Target,
    session: &mut dyn table::Backup,
    locations: &DatabaseLocations,
) -> anyhow::Result<manifest::Authority> {
    let host = target.host.clone();
    if let Some(server) = session.connection() {
        let name = server.authority()?.to_owned();
        let sanitized_name = server.sanitized_name().ok();
        let server_version = server.product_version().ok();
        return Ok(manifest::Authority { host, name, sanitized_name, server_version });
    }
    let name = target.authority.clone().or_else(|| table::authority_of(locations)).ok_or_else(|| {
        Failure::new(Exit::Failure, "neither the target nor the database locations tell the name of the CA")
            .hint(r"name it: 'host\CA name'")
    })?;
    let sanitized_name = table::stem_of(locations).map(str::to_owned);
    Ok(manifest::Authority { host, name, sanitized_name, server_version: None })
}

/// What a complete backup of a CA has and the protocol does not hand out.
pub(super) fn not_in_the_protocol() -> Vec<Missing> {
    let item = |item: &str, how: &str| Missing { item: item.to_owned(), how: how.to_owned() };
    vec![
        item(
            "private keys of the CA",
            "Windows: `certutil -backupKey`, once after installation and after every renewal, or the procedure of \
             the HSM; certsrvd: key.pem from its data directory",
        ),
        item(
            "configuration",
            "Windows: `reg export HKLM\\SYSTEM\\CurrentControlSet\\Services\\CertSvc\\Configuration`; certsrvd: \
             certsrvd.toml and accounts.toml",
        ),
        item("CAPolicy.inf", "Windows: copy %SystemRoot%\\CAPolicy.inf; certsrvd has none"),
        item(
            "certificate template definitions",
            "enterprise CAs: they are in Active Directory; back up a domain controller",
        ),
    ]
}

/// What the functions of Certadm do not hand out, and the built-in library does.
fn not_in_the_table() -> Missing {
    Missing {
        item: "CA certificates and CRLs".to_owned(),
        how: "Windows: `certutil -ca.cert FILE` and `certutil -getcrl FILE`; certsrvd: ca.crt and crl/ from its data \
              directory; or back up with the built-in library, `--certadm built-in`"
            .to_owned(),
    }
}

impl Backup<'_> {
    /// The CA certificates and their newest CRLs, over the wire.
    pub(super) fn certificates(&mut self, reporter: &mut Reporter) -> anyhow::Result<()> {
        verify::stop_if(self.cancel)?;
        let Some(server) = self.session.connection() else {
            self.draft.missing.push(not_in_the_table());
            return Ok(());
        };
        reporter.step("13", "take the CA certificates and CRLs over the wire");
        let count = match server.ca_certificate_count() {
            Ok(count) => count,
            Err(error) if !error.is_refusal() => return Err(error.into()),
            Err(error) => {
                self.undone.push(format!("the CA certificates: {error}"));
                reporter.warn(&format!("the CA certificates cannot be taken over the wire: {error}"));
                return Ok(());
            }
        };
        for index in 0..count {
            let Some(server) = self.session.connection() else { return Ok(()) };
            let (certificate, list) = (server.ca_certificate(index), server.base_crl(index));
            match certificate {
                Ok(der) => self.keep(&format!("ca-{index}.crt"), Role::CaCertificate, &der, reporter)?,
                Err(error) if !error.is_refusal() => return Err(error.into()),
                Err(error) => self.undone.push(format!("CA certificate {index}: {error}")),
            }
            match list {
                Ok(der) => self.keep(&format!("ca-{index}.crl"), Role::Crl, &der, reporter)?,
                Err(error) if !error.is_refusal() => return Err(error.into()),
                // Only the newest key must have one: older ones may have expired, or share a CRL.
                Err(error) if index + 1 == count => self.undone.push(format!("CRL {index}: {error}")),
                Err(_) => {}
            }
        }
        Ok(())
    }

    fn keep(&mut self, name: &str, role: Role, der: &[u8], reporter: &mut Reporter) -> anyhow::Result<()> {
        let path = SetPath::new(Directory::Ca, name)?;
        self.set.store(path.clone(), role, None, der)?;
        let text = format!("  {path}: {} bytes over the wire", der.len());
        reporter.info(&text, json!({ "event": "over_the_wire", "path": path, "size": der.len() }));
        Ok(())
    }
}
