//! The command line.

use std::path::PathBuf;

use certadm::Target;
use clap::{Args, Parser, Subcommand};

use crate::chain;
use crate::contents::show::Which;

/// Backs up, verifies and restores certification authorities from Linux, and proves that every backup restores.
#[derive(Debug, Parser)]
#[command(name = "cabak", version, arg_required_else_help = true, after_help = ROOT_HELP, max_term_width = 110)]
pub struct Cli {
    /// What to do
    #[command(subcommand)]
    pub command: Command,
    /// One JSON object per line on standard output, and nothing else
    #[arg(long, global = true)]
    pub json: bool,
    /// Only results, warnings and errors
    #[arg(long, short, global = true)]
    pub quiet: bool,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Ask a CA whether it is running and ready
    #[command(after_help = PING_HELP)]
    Ping(Ping),
    /// Tell, before anything is started, whether a backup will work
    #[command(after_help = PREFLIGHT_HELP)]
    Preflight(Preflight),
    /// Show where a CA, or the CA of a set, keeps its database, logs and checkpoint
    #[command(after_help = LOCATIONS_HELP)]
    Locations(Locations),
    /// Take a backup
    #[command(after_help = BACKUP_HELP)]
    Backup(Backup),
    /// Prove that a set is undamaged and restores
    #[command(after_help = VERIFY_HELP)]
    Verify(Verify),
    /// Write the database of a set to a file, with its logs rolled forward
    #[command(after_help = RECOVER_HELP)]
    Recover(Recover),
    /// Restore a set into the data directory of a certsrvd on this machine
    #[command(after_help = RESTORE_HELP)]
    Restore(Restore),
    /// List the sets of a directory
    #[command(after_help = SNAPSHOTS_HELP)]
    Snapshots(Snapshots),
    /// List the certificates of a set, and its other requests
    #[command(after_help = CERTS_HELP)]
    Certs(Certs),
    /// Show everything that a set has about one request
    #[command(after_help = SHOW_HELP)]
    Show(Show),
    /// List the revocation lists of a set
    #[command(after_help = CRLS_HELP)]
    Crls(Crls),
    /// Write the content of a set as PEM files, an SQLite database or CSV files
    #[command(after_help = EXPORT_HELP)]
    Export(Export),
    /// Tell what happened to a CA between two sets
    #[command(after_help = DIFF_HELP)]
    Diff(Diff),
    /// List the log generations of a set
    #[command(after_help = LOGS_HELP)]
    Logs(Logs),
}

/// How to reach a CA, and as whom.
#[derive(Debug, Args)]
pub struct Connection {
    /// The CA: host, host:port, 'host\CA name' or csra://host:port/CA%20name
    pub target: Target,
    /// As whom, and how long to wait
    #[command(flatten)]
    pub access: Access,
}

/// As whom to call a CA, and how long to wait for it.
#[derive(Debug, Args)]
pub struct Access {
    // The environment is read later: with a loaded library the options are refused, and the variables do not count.
    /// The account: DOMAIN\name, name@domain or name [env: CABAK_USER]
    #[arg(long, short, value_name = "ACCOUNT")]
    pub user: Option<String>,
    /// A file whose first line is the password [env: CABAK_PASSWORD_FILE]
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// Seconds to wait for the connection [default: 20]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub connect_timeout: Option<u64>,
    /// Seconds to wait for each answer [default: 120]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub timeout: Option<u64>,
    /// Use the functions of this Certadm library instead of the built-in one: libcertadm.so, certadm.dll, or `built-in`
    #[arg(long, value_name = "PATH")]
    pub certadm: Option<PathBuf>,
}

impl Access {
    /// The options given.
    #[must_use]
    pub fn given(&self) -> Vec<&'static str> {
        let mut given = self.built_in_only();
        given.extend(self.certadm.is_some().then_some("--certadm"));
        given
    }

    /// The options given that only the built-in library can follow.
    #[must_use]
    pub fn built_in_only(&self) -> Vec<&'static str> {
        let given = [
            ("--user", self.user.is_some()),
            ("--password-file", self.password_file.is_some()),
            ("--connect-timeout", self.connect_timeout.is_some()),
            ("--timeout", self.timeout.is_some()),
        ];
        given.into_iter().filter_map(|(option, is_given)| is_given.then_some(option)).collect()
    }
}

/// `cabak ping`.
#[derive(Debug, Args)]
pub struct Ping {
    /// The CA
    #[command(flatten)]
    pub connection: Connection,
}

/// `cabak preflight`.
#[derive(Debug, Args)]
pub struct Preflight {
    /// The CA
    #[command(flatten)]
    pub connection: Connection,
    /// Also look at the directory that the backup would go to
    #[arg(long, value_name = "DIR")]
    pub to: Option<PathBuf>,
}

/// `cabak locations`.
#[derive(Debug, Args)]
pub struct Locations {
    /// The CA as for every command, or a set: a directory, or certbkxp.dat itself
    #[arg(value_name = "TARGET|SET")]
    pub place: Place,
    /// As whom, and how long to wait
    #[command(flatten)]
    pub access: Access,
    /// Also write them as the server sends them, as a restore map (certbkxp.dat)
    #[arg(long, value_name = "FILE")]
    pub save: Option<PathBuf>,
}

/// `cabak backup`.
#[derive(Debug, Args)]
pub struct Backup {
    /// The CA
    #[command(flatten)]
    pub connection: Connection,
    /// The directory that holds the sets; created if only the last part of it does not exist
    #[arg(long, value_name = "DIR")]
    pub to: PathBuf,
    /// Only the logs since the previous backup in DIR
    #[arg(long)]
    pub incremental: bool,
    /// Let the CA delete the logs that are now safe: after the set is durable, verified and listed
    #[arg(long, conflicts_with = "no_verify")]
    pub truncate: bool,
    /// Do not read the set back and do not recover it; the hashes taken on arrival are all there is
    #[arg(long)]
    pub no_verify: bool,
    /// A directory on this machine where the CA's dynamic files (CRLs) can be read; may be repeated
    #[arg(long, value_name = "DIR")]
    pub dynamic_dir: Vec<PathBuf>,
    /// How much to read at once, in KiB: a power of two from 64 to 4096
    #[arg(long, default_value_t = 1024, value_name = "KIB", value_parser = read_size)]
    pub read_size: u32,
    /// A directory for the trial recovery; needs room for the database (default: the system's temporary directory)
    #[arg(long, value_name = "DIR")]
    pub scratch: Option<PathBuf>,
    /// Print the numbered steps of the scenario
    #[arg(long)]
    pub steps: bool,
}

/// `cabak verify`.
#[derive(Debug, Args)]
pub struct Verify {
    /// The set: a directory of cabak or certutil, DIR/latest, a database file, or a directory of logs
    pub set: PathBuf,
    /// Compare checksums and hashes only; neither replay the logs nor recover the database
    #[arg(long)]
    pub hashes_only: bool,
    /// Replay the logs, or recover the database; the default
    #[arg(long, conflicts_with = "hashes_only")]
    pub replay: bool,
    /// A directory for the trial recovery; needs room for the database (default: the system's temporary directory)
    #[arg(long, value_name = "DIR")]
    pub scratch: Option<PathBuf>,
}

/// `cabak recover`.
#[derive(Debug, Args)]
pub struct Recover {
    /// The set: a directory of cabak or certutil, DIR/latest, or a database file with its logs beside it
    pub set: PathBuf,
    /// The file to write; it must not exist
    #[arg(long, value_name = "FILE")]
    pub to: PathBuf,
    /// Write also a database whose logs could be replayed in part only
    #[arg(long)]
    pub partial: bool,
}

/// `cabak restore`.
#[derive(Debug, Args)]
pub struct Restore {
    /// The set, or DIR/latest
    pub set: PathBuf,
    /// The data directory of the stopped certsrvd
    #[arg(long, value_name = "DIR")]
    pub data_dir: PathBuf,
    /// Go no further than the end of this log generation: 0x1a, 26 or edb0001A.log
    #[arg(long, value_name = "N", conflicts_with = "until_time", value_parser = chain::parse_generation)]
    pub until_generation: Option<u32>,
    /// Go no further than this time, UTC: 2026-08-01T12:00:00Z
    #[arg(long, value_name = "TIME")]
    pub until_time: Option<String>,
    /// Stop at the end of SET: neither later sets nor the logs that survive on this machine
    #[arg(long, conflicts_with_all = ["until_generation", "until_time"])]
    pub no_roll_forward: bool,
    /// Print the plan and stop
    #[arg(long)]
    pub dry_run: bool,
    /// Go on where a check can only warn: another CA's name, an unfinished earlier restore
    #[arg(long)]
    pub force: bool,
    /// Delete the present database instead of keeping it beside the new one
    #[arg(long)]
    pub discard: bool,
    /// A directory for the trial recovery; needs room for the database (default: the system's temporary directory)
    #[arg(long, value_name = "DIR")]
    pub scratch: Option<PathBuf>,
}

/// `cabak snapshots`.
#[derive(Debug, Args)]
pub struct Snapshots {
    /// The directory that holds the sets
    pub dir: PathBuf,
}

/// A CA or a set.
#[derive(Clone, Debug)]
pub enum Place {
    /// To be asked.
    Ca(Target),
    /// To be read.
    Set(PathBuf),
}

impl std::str::FromStr for Place {
    type Err = String;

    /// What has a `/` and is no `csra://` address is a path, for no target has one; and so is what exists.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_address = text.starts_with("csra://");
        let path = PathBuf::from(text);
        let is_latest = path.file_name().is_some_and(|name| name == "latest") && path.components().count() > 1;
        if !is_address && (text.contains('/') || is_latest || path.exists()) {
            return Ok(Self::Set(path));
        }
        text.parse().map(Self::Ca).map_err(|error: <Target as std::str::FromStr>::Err| error.to_string())
    }
}

/// A set, and where it may be recovered.
#[derive(Debug, Args)]
pub struct SetArguments {
    /// The set: a directory of cabak or certutil, DIR/latest, or a database file
    pub set: PathBuf,
    /// A directory for the recovery; needs room for the database of a certsrvd, or for what the logs of a Windows CA change
    /// (default: the system's temporary directory)
    #[arg(long, value_name = "DIR")]
    pub scratch: Option<PathBuf>,
}

/// `cabak certs`.
#[derive(Debug, Args)]
pub struct Certs {
    /// The set
    #[command(flatten)]
    pub set: SetArguments,
    /// Only those for which this holds: fields, = != < <= > >= ~, and, or, not, brackets
    #[arg(long = "where", value_name = "EXPR")]
    pub filter: Option<String>,
    /// Requests that came to no certificate too: pending, failed, denied
    #[arg(long)]
    pub all: bool,
    /// The fields to show, separated by commas
    #[arg(long, value_name = "FIELDS")]
    pub columns: Option<String>,
    /// CSV with a line of headings
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,
}

/// `cabak show`.
#[derive(Debug, Args)]
pub struct Show {
    /// The set
    #[command(flatten)]
    pub set: SetArguments,
    /// The number of the request, or the serial number of its certificate; serial:NUMBER says that it is that
    #[arg(value_name = "REQUESTID|SERIAL", value_parser = Which::parse)]
    pub which: Which,
}

/// `cabak crls`.
#[derive(Debug, Args)]
pub struct Crls {
    /// The set
    #[command(flatten)]
    pub set: SetArguments,
    /// CSV with a line of headings
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,
}

/// `cabak export`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("target").required(true))]
pub struct Export {
    /// The set
    #[command(flatten)]
    pub set: SetArguments,
    /// A new directory with one PEM file per certificate and per revocation list
    #[arg(long, value_name = "DIR", group = "target")]
    pub pem: Option<PathBuf>,
    /// A new SQLite database with the five tables
    #[arg(long, value_name = "FILE", group = "target")]
    pub sqlite: Option<PathBuf>,
    /// A new directory with one CSV file per table
    #[arg(long, value_name = "DIR", group = "target")]
    pub csv: Option<PathBuf>,
    /// With --pem: only certificates for which this holds, and no revocation lists
    #[arg(long = "where", value_name = "EXPR", conflicts_with_all = ["sqlite", "csv"])]
    pub filter: Option<String>,
}

/// `cabak diff`.
#[derive(Debug, Args)]
pub struct Diff {
    /// The earlier set
    pub set1: PathBuf,
    /// The later set
    pub set2: PathBuf,
    /// A directory for the recoveries; needs room for both databases (default: the system's temporary directory)
    #[arg(long, value_name = "DIR")]
    pub scratch: Option<PathBuf>,
}

/// `cabak logs`.
#[derive(Debug, Args)]
pub struct Logs {
    /// The set: a directory of cabak or certutil, DIR/latest, or a database file
    pub set: PathBuf,
    /// CSV with a line of headings
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,
}

fn read_size(text: &str) -> Result<u32, String> {
    match text.parse::<u32>() {
        Ok(size) if (64..=4096).contains(&size) && size.is_power_of_two() => Ok(size),
        _ => Err("a power of two from 64 to 4096 is wanted".to_owned()),
    }
}

const ROOT_HELP: &str = "\
Examples:
  cabak preflight ca01.corp.example --user 'CORP\\svc-backup' --password-file /etc/cabak/password --to /srv/ca
  cabak backup    ca01.corp.example --user 'CORP\\svc-backup' --password-file /etc/cabak/password --to /srv/ca --truncate
  cabak verify    /srv/ca/latest
  cabak certs     /srv/ca/latest --where 'notafter<now+30d'

Credentials come from --user and --password-file, from CABAK_USER, CABAK_PASSWORD_FILE and CABAK_PASSWORD, or from a \
prompt. There is no option for the password itself: other users can read command lines.

Exit codes:
    0  done
    1  failed; nothing new is listed
    2  the command line cannot be carried out
    3  the set is stored and listed, but something asked for beside it was not done (the logs could not be
       truncated, the CA certificate or CRL or a readable dynamic file could not be taken)
    4  diff: the sets differ
   10  no such directory, set or request
   11  locked: another backup writes there, another client holds the server's backup session, or a server is running
   12  the server does not accept the account or its password
   20  preflight: a backup would be refused
   21  a set is damaged or does not restore
   22  a full backup is needed first
  130  interrupted; the session on the server is ended and nothing half-done is listed";

const PING_HELP: &str = "\
Examples:
  cabak ping ca01.corp.example --user 'CORP\\svc-backup'
  cabak ping 'csra://127.0.0.1:1135/Test%20CA' --user backup --password-file ./password --json
  cabak ping ca01.corp.example --certadm /usr/lib/libcertadm.so";

const PREFLIGHT_HELP: &str = "\
Looks and changes nothing: reachable, name, account, roles, InterfaceFlags, and with --to the room on the medium and \
the last backup there. Exit code 20 if a backup would be refused; every failed line says what to do about it.

Examples:
  cabak preflight ca01.corp.example --user 'CORP\\svc-backup' --to /srv/ca
  cabak preflight 'ca01\\Contoso Issuing CA 1' --json";

const LOCATIONS_HELP: &str = "\
Of a set the restore map (certbkxp.dat) is read. What has a / in it, or exists as a file or directory, is a set; write \
csra://NAME for a CA that is called like a directory here.

With --certadm the functions of that library are asked. They tell the locations only to a backup session, so one is begun \
and ended; nothing is read in it.

Examples:
  cabak locations ca01.corp.example --user 'CORP\\svc-backup'
  cabak locations ca01.corp.example --save certbkxp.dat
  cabak locations /srv/ca/latest
  cabak locations localhost --certadm 'C:\\Windows\\System32\\certadm.dll'";

const BACKUP_HELP: &str = "\
Writes DIR/<time>/ with DataBase/ (what `certutil -restoreDB` expects), Dynamic/, CA/ and cabak.json. The set appears in \
one step when every byte of it is durable and verified; an interrupted backup leaves nothing that is listed.

Logs are kept on the CA unless --truncate is given, and then they are deleted last of all.

With --certadm the calls go through the functions of that library, loaded at run time. It decides about the account \
(libcertadm: CERTADM_USER and CERTADM_PASSWORD_FILE, or its configuration file; Windows: who runs this), and has no \
function that hands out CA certificates and CRLs.

Examples:
  cabak backup ca01.corp.example --to /srv/ca
  cabak backup ca01.corp.example --to /srv/ca --incremental --truncate
  cabak backup 'ca01\\Contoso Issuing CA 1' --to /srv/ca --dynamic-dir /mnt/ca01/CertEnroll --steps
  cabak backup ca01.corp.example --to /srv/ca --certadm /usr/lib/libcertadm.so --steps
  cabak backup ca01.corp.example --to /srv/ca --json | jq -r 'select(.event == \"result\").set'";

const VERIFY_HELP: &str = "\
Reads every byte, and then proves that a database comes out of it. Of a set of cabak the hashes are compared first, and an \
incremental set is proved together with the sets it builds on, from the same directory.

Of a Windows CA (ESE) every page and every log segment is checked, the rules of a restore are applied, and the logs are \
replayed in memory: a page to which the CA lost a write is found too. Of a certsrvd the database is recovered in a scratch \
directory, and its integrity check runs. Nothing is ever written into the set.

Verdicts and exit codes: restorable 0, restorable to log N 23, damaged 21, not a backup 24.

Examples:
  cabak verify /srv/ca/latest
  cabak verify ./certutil-backup
  cabak verify ./certutil-backup --json | jq -r 'select(.event == \"finding\").problem'
  cabak verify /mnt/old/CA.edb --hashes-only";

const RECOVER_HELP: &str = "\
The database as it is after a restore: the logs are rolled forward, and what never committed is taken back. The file \
appears under its name in one step. A database of a Windows CA is marked as closed in order, and readers of ESE open it; \
whether Windows attaches it has not been tried. Take the set itself to restore a CA.

Examples:
  cabak recover ./certutil-backup --to CA.edb
  cabak recover /srv/ca/latest --to ca.db";

const RESTORE_HELP: &str = "\
Works on this machine, on the data directory of a certsrvd that is stopped. Prints the plan first. Nothing is touched \
before every set involved has been verified. The present database is kept as database.before-restore-<time>; the logs \
that survive stay in place, so that certsrvd rolls forward to the last committed transaction when it starts.

Examples:
  cabak restore /srv/ca/latest --data-dir /var/lib/certsrvd --dry-run
  cabak restore /srv/ca/latest --data-dir /var/lib/certsrvd
  cabak restore /srv/ca/2026-08-01T120000Z --data-dir /var/lib/certsrvd --until-time '2026-08-01 18:30'
  cabak restore /srv/ca/2026-08-01T120000Z --data-dir /var/lib/certsrvd --no-roll-forward";

const SNAPSHOTS_HELP: &str = "\
Examples:
  cabak snapshots /srv/ca
  cabak snapshots /srv/ca --json | jq -r .set";

const CERTS_HELP: &str = "\
Certificates only, unless --all is given or the expression asks for a disposition. Rows that exist only in the logs are \
there: the logs are rolled forward first. When some are missing or damaged, a warning says so, and the exit code is 3.

Fields: id, serial, disposition, notbefore, notafter, template, requester, caller, subject, upn, email, submitted, \
resolved, revoked, reason, status, message, type, hash, and every column by its name in MS-CSRA (Request.CommonName is that \
of the request). san, eku, issuer and algorithm are read from the certificate itself.
Values: issued, 0x14, '2026-12-01' (the whole day), 2026-12-01T08:00:00Z, now, now+30d, now-12h, none; quote blanks.

Examples:
  cabak certs /srv/ca/latest
  cabak certs /srv/ca/latest --where 'disposition=issued and notafter<now+30d and template~web'
  cabak certs ./certutil-backup --where 'disposition=pending or disposition=denied'
  cabak certs /srv/ca/latest --csv --columns id,serial,subject,san,notafter > certificates.csv
  cabak certs /srv/ca/latest --json | jq -r 'select(.disposition == \"revoked\").serial'";

const SHOW_HELP: &str = "\
Decimal digits are the number of a request; other hexadecimal digits, and what follows serial:, a serial number. Blanks, \
colons, case and leading zeros of serial numbers do not count.

Examples:
  cabak show /srv/ca/latest 12
  cabak show /srv/ca/latest 4f2aa3c19d
  cabak show /srv/ca/latest serial:12 --json | jq -r .certificate_pem | openssl x509 -noout -text";

const CRLS_HELP: &str = "\
Examples:
  cabak crls /srv/ca/latest
  cabak crls ./certutil-backup --csv > crls.csv";

const EXPORT_HELP: &str = "\
Appears under its name in one step when it is complete; replaces nothing. Only the owner may read it.

Examples:
  cabak export /srv/ca/latest --pem ./certificates
  cabak export /srv/ca/latest --pem ./expiring --where 'disposition=issued and notafter<now+30d'
  cabak export /srv/ca/latest --sqlite ca.sqlite && sqlite3 ca.sqlite 'SELECT * FROM Requests LIMIT 1'
  cabak export /srv/ca/latest --csv ./tables";

const DIFF_HELP: &str = "\
Tells what was issued, revoked, released, denied, deleted or changed, column by column, which revocation lists are new, and \
whether numbers went back, which is what a CA looks like that was restored from an older backup. Exit code 0: no \
differences; 4: some.

Examples:
  cabak diff /srv/ca/2026-08-01T120000Z /srv/ca/latest
  cabak diff ./yesterday ./today --json | jq -r 'select(.kind == \"issued\").is.serial'";

const LOGS_HELP: &str = "\
From the headers of the files; `cabak verify` reads all of them.

Examples:
  cabak logs /srv/ca/latest
  cabak logs ./certutil-backup --json";
