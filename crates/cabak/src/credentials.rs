//! Who we are to the server: from options, files, the environment, or a prompt; never from the command line.

use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};

use anyhow::Context;
use certadm::{Credentials, split_account};
use zeroize::Zeroizing;

use crate::exit::{Exit, Failure};

/// The sources a password may come from, in the order in which they are asked.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// `DOMAIN\name`, `name@domain` or `name`.
    pub user: Option<String>,
    /// A file whose first line is the password.
    pub password_file: Option<PathBuf>,
    /// The value of `CABAK_PASSWORD`, if set.
    pub password: Option<Zeroizing<String>>,
    /// Whether a terminal may be asked.
    pub may_prompt: bool,
}

impl Sources {
    /// Takes what the options say, what they do not say from the environment, and the password from there.
    #[must_use]
    pub fn new(user: Option<String>, password_file: Option<PathBuf>) -> Self {
        let user = user.or_else(|| std::env::var("CABAK_USER").ok());
        let named = || std::env::var_os("CABAK_PASSWORD_FILE").filter(|path| !path.is_empty()).map(PathBuf::from);
        let password_file = password_file.or_else(named);
        let password = std::env::var("CABAK_PASSWORD").ok().map(Zeroizing::new);
        Sources { user, password_file, password, may_prompt: std::io::stdin().is_terminal() }
    }

    /// The account and its password.
    ///
    /// # Errors
    /// Exit code 2: no account or no password is to be had, the password file cannot be read, the password is empty.
    pub fn credentials(&self) -> anyhow::Result<Credentials> {
        let (domain, user) = self.account()?;
        let password = self.password(&user)?;
        if password.is_empty() {
            return Err(Failure::new(Exit::Usage, format!("the password of {user} is empty"))
                .hint("put the password into the first line of the password file")
                .into());
        }
        Ok(Credentials { domain, user, password })
    }

    fn account(&self) -> anyhow::Result<(String, String)> {
        let Some(account) = self.user.as_deref().filter(|account| !account.is_empty()) else {
            return Err(Failure::new(Exit::Usage, "no account given")
                .hint(r"say --user 'DOMAIN\name', or set CABAK_USER")
                .into());
        };
        let (domain, user) = split_account(account);
        if user.is_empty() {
            return Err(Failure::new(Exit::Usage, format!("'{account}' names no user"))
                .hint(r"the forms are DOMAIN\name, name@domain and name")
                .into());
        }
        Ok((domain.to_owned(), user.to_owned()))
    }

    fn password(&self, user: &str) -> anyhow::Result<Zeroizing<String>> {
        if let Some(path) = &self.password_file {
            return read_password(path);
        }
        if let Some(password) = &self.password {
            return Ok(password.clone());
        }
        if self.may_prompt {
            let password =
                rpassword::prompt_password(format!("password of {user}: ")).context("cannot read the password")?;
            return Ok(Zeroizing::new(password));
        }
        Err(Failure::new(Exit::Usage, format!("no password for {user}, and no terminal to ask on"))
            .hint("say --password-file FILE, or set CABAK_PASSWORD_FILE or CABAK_PASSWORD")
            .into())
    }
}

/// Reads the first line of a password file. The line ends at `\n` or `\r\n`; everything else belongs to the password.
///
/// # Errors
/// Exit code 2: the file cannot be read, or is not UTF-8.
pub fn read_password(path: &Path) -> anyhow::Result<Zeroizing<String>> {
    const LIMIT: u64 = 4096;
    let failed = |error: std::io::Error| {
        Failure::new(Exit::Usage, format!("cannot read the password file {}: {error}", path.display()))
            .hint("say --password-file FILE; the first line of it is the password")
    };
    let file = std::fs::File::open(path).map_err(failed)?;
    let mut text = Zeroizing::new(String::with_capacity(LIMIT as usize));
    file.take(LIMIT).read_to_string(&mut text).map_err(failed)?;
    let line = text.split('\n').next().unwrap_or_default();
    Ok(Zeroizing::new(line.strip_suffix('\r').unwrap_or(line).to_owned()))
}
