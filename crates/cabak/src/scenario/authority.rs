//! Whose backup this is, and what the protocol hands out about the CA beside its database.

use certadm::{Server, Target};
use serde_json::json;

use super::Backup;
use crate::manifest::{self, Directory, Missing, Role, SetPath};
use crate::output::Reporter;

/// Asks the server for its names.
pub(super) fn identify(target: &Target, server: &mut Server) -> anyhow::Result<manifest::Authority> {
    let name = server.authority()?.to_owned();
    Ok(manifest::Authority {
        host: target.host.clone(),
        name,
        sanitized_name: server.sanitized_name().ok(),
        server_version: server.product_version().ok(),
    })
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

impl Backup<'_> {
    /// The CA certificates and their newest CRLs, over the wire.
    pub(super) fn certificates(&mut self, reporter: &mut Reporter) -> anyhow::Result<()> {
        reporter.step("13", "take the CA certificates and CRLs over the wire");
        let count = match self.session.server_mut()?.ca_certificate_count() {
            Ok(count) => count,
            Err(error) if !error.is_refusal() => return Err(error.into()),
            Err(error) => {
                self.undone.push(format!("the CA certificates: {error}"));
                reporter.warn(&format!("the CA certificates cannot be taken over the wire: {error}"));
                return Ok(());
            }
        };
        for index in 0..count {
            match self.session.server_mut()?.ca_certificate(index) {
                Ok(der) => self.keep(&format!("ca-{index}.crt"), Role::CaCertificate, &der, reporter)?,
                Err(error) if !error.is_refusal() => return Err(error.into()),
                Err(error) => self.undone.push(format!("CA certificate {index}: {error}")),
            }
            match self.session.server_mut()?.base_crl(index) {
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
