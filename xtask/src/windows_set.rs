//! A backup set as `certutil -backupDB` lays it out on a Windows CA, composed: something to try `cabak` on.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};
use testkit::ese::{Authority, BackupSet, CaDatabase, Format};

/// What to compose.
#[derive(Args)]
pub(crate) struct Options {
    /// The directory to make
    directory: PathBuf,
    /// Requests that the CA has received; every fifth came to no certificate
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(2..))]
    requests: u32,
    /// The version of Windows Server whose files they are like
    #[arg(long, value_enum, default_value_t = Version::Server2022)]
    version: Version,
    /// Bytes of a page: 4096, 8192, 16384 or 32768
    #[arg(long, default_value_t = 4096)]
    page_size: usize,
}

/// The version of Windows Server.
#[derive(Clone, Copy, Debug, ValueEnum)]
#[value(rename_all = "lower")]
pub(crate) enum Version {
    Server2019,
    Server2022,
    Server2025,
}

/// Page sizes that databases have.
pub(crate) const PAGE_SIZES: [usize; 4] = [4096, 8192, 16384, 32768];

/// `cargo xtask windows-set`.
pub(crate) fn run(options: &Options) -> Result<()> {
    ensure!(PAGE_SIZES.contains(&options.page_size), "{} bytes are no page", options.page_size);
    let set = compose(&options.directory, options.version, options.page_size, options.requests)?;
    println!("{}: a database of {} bytes and {} logs", options.directory.display(), set.database.len(), set.logs.len());
    println!("try: cargo run --release -p cabak -- verify {}", options.directory.display());
    Ok(())
}

/// Makes the directory. Half of the requests come before the copy of the database, the others during and after it: they are
/// in the logs.
pub(crate) fn compose(directory: &Path, version: Version, page_size: usize, requests: u32) -> Result<BackupSet> {
    const NAME: &str = "Contoso Issuing CA";
    fs::create_dir(directory).with_context(|| format!("cannot create {}", directory.display()))?;
    let format = match version {
        Version::Server2019 => Format::SERVER_2019,
        Version::Server2022 => Format::SERVER_2022,
        Version::Server2025 => Format::SERVER_2025,
    };
    let authority = Authority::new(NAME, Duration::from_secs(3600 * u64::from(requests + 24)))?;
    let material: Vec<_> = (0..requests).map(|number| authority.material(number)).collect::<Result<_>>()?;
    let list = authority.revocation_list(1)?;
    // Each is another database, with another signature.
    let seed = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_secs();
    let set = CaDatabase::sample(format.with_page_size(page_size), NAME, seed, &material, &list);
    set.write(directory).with_context(|| format!("cannot write {}", directory.display()))?;
    Ok(set)
}
