//! Arguments of the command line.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::accounts::Role;
use crate::disposition::{Disposition, RevocationReason};
use crate::key::{KeyType, SignatureHash};

/// A certification authority with a database that backs up over MS-CSRA.
#[derive(Debug, Parser)]
#[command(
    name = "certsrvd",
    version,
    propagate_version = true,
    after_long_help = "Exit codes:
   0  done
   1  the disk, the database or the system failed
   2  wrong usage of the command line
   3  there is no such request, certificate or account
   4  it is in a state in which this cannot be done
   5  the request is malformed, or the policy refuses it
  10  there is no certification authority here
  11  another process uses the data directory
  12  the passphrase or password is missing, empty or wrong
  13  it exists already
  14  a registered restore is not complete
  15  others can read or change a file that must be private
  16  the configuration or an argument says something that cannot be
  17  a restore could not be carried out
  18  the server cannot listen
  19  an earlier init did not finish
  20  the database is missing or damaged, or does not go with its logs

Example:
  certsrvd init --data-dir /var/lib/certsrvd --name 'Test CA' --passphrase-file /run/keys/ca
  certsrvd serve --data-dir /var/lib/certsrvd --passphrase-file /run/keys/ca"
)]
pub(super) struct Arguments {
    /// Configuration file [default: certsrvd.toml in the data directory]
    #[arg(long, global = true, value_name = "FILE", env = "CERTSRVD_CONFIG")]
    pub(super) config: Option<PathBuf>,
    /// Data directory [default: that of the configuration, else /var/lib/certsrvd]
    #[arg(long, global = true, value_name = "DIR", env = "CERTSRVD_DATA_DIR")]
    pub(super) data_dir: Option<PathBuf>,
    /// Answer in JSON, failures too
    #[arg(long, global = true)]
    pub(super) json: bool,
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make a new certification authority
    #[command(after_help = "Example:
  certsrvd init --data-dir /var/lib/certsrvd --name 'Test CA' --key-type p-384 --passphrase-file /run/keys/ca")]
    Init(InitArguments),
    /// Run the server until SIGTERM, SIGINT or a shutdown call
    #[command(after_help = "Example:
  certsrvd serve --data-dir /var/lib/certsrvd --passphrase-file /run/keys/ca")]
    Serve(ServeArguments),
    /// Accounts for the network
    #[command(subcommand)]
    Account(AccountCommand),
    /// Certificate requests
    #[command(subcommand)]
    Request(RequestCommand),
    /// Certificates
    #[command(subcommand)]
    Certificate(CertificateCommand),
    /// Revocation lists
    #[command(subcommand)]
    Crl(CrlCommand),
    /// The database of a server that is stopped
    #[command(subcommand)]
    Database(DatabaseCommand),
    /// What the certification authority is doing
    #[command(after_help = "Example:
  certsrvd status --json")]
    Status,
}

#[derive(Debug, Args)]
pub(super) struct InitArguments {
    /// Name of the CA: the common name of its certificate
    #[arg(long, value_name = "NAME")]
    pub(super) name: Option<String>,
    /// Kind of its key
    #[arg(long, alias = "key", value_enum, default_value = "rsa-3072", value_name = "TYPE")]
    pub(super) key_type: KeyType,
    /// Hash below RSA signatures
    #[arg(long, value_enum, default_value = "sha256", value_name = "HASH")]
    pub(super) signature_hash: SignatureHash,
    /// How long its certificate is valid
    #[arg(long, default_value_t = 3650, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=36500))]
    pub(super) validity_days: u32,
    /// Remove what an earlier, unfinished init has made, and start again
    #[arg(long)]
    pub(super) discard_incomplete: bool,
    #[command(flatten)]
    pub(super) key: KeyArguments,
    #[command(flatten)]
    pub(super) network: NetworkArguments,
}

#[derive(Debug, Args)]
pub(super) struct ServeArguments {
    #[command(flatten)]
    pub(super) key: KeyArguments,
    #[command(flatten)]
    pub(super) network: NetworkArguments,
}

#[derive(Debug, Args)]
pub(super) struct KeyArguments {
    /// File with the passphrase of the CA's key; else CERTSRVD_PASSPHRASE, else the systemd credential ca-passphrase
    #[arg(long, value_name = "FILE")]
    pub(super) passphrase_file: Option<PathBuf>,
}

#[derive(Debug, Default, Args)]
pub(super) struct NetworkArguments {
    /// Address to listen on
    #[arg(long, value_name = "ADDRESS")]
    pub(super) listen: Option<IpAddr>,
    /// Port of the endpoint mapper; 0 takes a free one
    #[arg(long, value_name = "PORT")]
    pub(super) endpoint_mapper_port: Option<u16>,
    /// Port of the objects; 0 takes a free one
    #[arg(long, value_name = "PORT")]
    pub(super) object_port: Option<u16>,
    /// Name of this host in the names of backup files
    #[arg(long, value_name = "NAME")]
    pub(super) host_name: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(super) enum AccountCommand {
    /// Add an account; its password comes from a file, CERTSRVD_ACCOUNT_PASSWORD or the terminal
    #[command(after_help = "Example:
  certsrvd account add backup --role operator --password-file /run/keys/backup")]
    Add {
        /// Its name
        name: String,
        /// What it may do; several are separated by commas
        #[arg(long = "role", alias = "roles", value_enum, value_delimiter = ',', required = true, value_name = "ROLE")]
        roles: Vec<Role>,
        /// File with its password; - is standard input
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
    /// List the accounts
    #[command(after_help = "Example:
  certsrvd account list")]
    List,
    /// Remove an account
    #[command(after_help = "Example:
  certsrvd account remove backup")]
    Remove {
        /// Its name
        name: String,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum RequestCommand {
    /// Submit a PKCS#10 request
    #[command(after_help = "Example:
  openssl req -new -newkey rsa:2048 -noenc -keyout web.key -subj /CN=web.example -out web.csr
  certsrvd request submit web.csr --out web.crt")]
    Submit {
        /// The request in DER or PEM; - is standard input
        file: PathBuf,
        /// A request attribute; can be given several times
        #[arg(long = "attribute", value_name = "NAME:VALUE")]
        attributes: Vec<String>,
        /// Where the certificate goes, when one is issued
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        #[command(flatten)]
        key: KeyArguments,
    },
    /// List requests
    #[command(after_help = "Example:
  certsrvd request list --disposition pending")]
    List {
        /// Only those in this state
        #[arg(long, value_enum, value_name = "STATE")]
        disposition: Option<Disposition>,
    },
    /// Issue the certificate of a request that waits
    #[command(after_help = "Example:
  certsrvd request approve 7 --out web.crt")]
    Approve {
        /// Number of the request
        id: i64,
        /// Where the certificate goes
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        #[command(flatten)]
        key: KeyArguments,
    },
    /// Refuse a request that waits
    #[command(after_help = "Example:
  certsrvd request deny 7")]
    Deny {
        /// Number of the request
        id: i64,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum CertificateCommand {
    /// List certificates
    #[command(after_help = "Example:
  certsrvd certificate list --disposition revoked")]
    List {
        /// Only those in this state: issued or revoked
        #[arg(long, value_enum, value_name = "STATE")]
        disposition: Option<Disposition>,
    },
    /// Show one certificate
    #[command(after_help = "Example:
  certsrvd certificate show 4f2aa3c19d
  certsrvd certificate show --request 7")]
    Show {
        /// Its serial number
        #[arg(required_unless_present = "request", conflicts_with = "request")]
        serial: Option<String>,
        /// Number of its request
        #[arg(long, value_name = "ID")]
        request: Option<i64>,
    },
    /// Revoke a certificate, or release it from hold; the next list shows it
    #[command(after_help = "Example:
  certsrvd certificate revoke 4f2aa3c19d --reason keyCompromise
  certsrvd certificate revoke 4f2aa3c19d --release")]
    Revoke {
        /// Its serial number
        serial: String,
        /// Why
        #[arg(long, value_enum, default_value = "unspecified", value_name = "REASON")]
        reason: RevocationReason,
        /// Since when, like 2031-05-06T07:08:09Z [default: now]
        #[arg(long, value_name = "TIME")]
        when: Option<String>,
        /// Release it from hold
        #[arg(long, conflicts_with_all = ["reason", "when"])]
        release: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum CrlCommand {
    /// Make and publish a new revocation list
    #[command(after_help = "Example:
  certsrvd crl publish")]
    Publish {
        #[command(flatten)]
        key: KeyArguments,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum DatabaseCommand {
    /// Take the database as it is, after it was changed on purpose or its logs were lost
    #[command(
        long_about = "Take the database as it is, after it was changed on purpose or its logs were lost.

The server must be stopped. The database begins new logs; the earlier ones are moved to before-NNNNN in the log directory, and \
no backup can be rolled forward past them to the database as it is now. The next backup must be a full one: make it at \
once.

To go back to the state before, restore the latest backup instead (cabak restore SET --data-dir DIR).",
        after_help = "Example:
  certsrvd database adopt --data-dir /var/lib/certsrvd"
    )]
    Adopt,
}
