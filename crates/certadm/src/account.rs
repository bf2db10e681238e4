//! Names of accounts.

/// Splits `DOMAIN\name` and `name@domain` into domain and name; a plain name has an empty domain.
///
/// ```
/// use certadm::split_account;
/// assert_eq!(split_account(r"CORP\svc-backup"), ("CORP", "svc-backup"));
/// assert_eq!(split_account("svc-backup@corp.example"), ("corp.example", "svc-backup"));
/// assert_eq!(split_account(r"CORP\odd@name"), ("CORP", "odd@name"));
/// assert_eq!(split_account("backup"), ("", "backup"));
/// ```
#[must_use]
pub fn split_account(account: &str) -> (&str, &str) {
    if let Some(parts) = account.split_once('\\') {
        return parts;
    }
    match account.rsplit_once('@') {
        Some((user, domain)) => (domain, user),
        None => ("", account),
    }
}
