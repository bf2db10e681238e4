//! A backup set as `certutil -backupDB` lays it out on a Windows CA, composed: something to try `cabak` on.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};
use testkit::ese::{Authority, CaDatabase, Format};

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

#[derive(Clone, Copy, ValueEnum)]
#[value(rename_all = "lower")]
enum Version {
    Server2019,
    Server2022,
    Server2025,
}

/// Half of the requests come before the copy of the database, the others during and after it: they are in the logs.
pub(crate) fn run(options: &Options) -> Result<()> {
    const NAME: &str = "Contoso Issuing CA";
    ensure!([4096, 8192, 16384, 32768].contains(&options.page_size), "{} bytes are no page", options.page_size);
    fs::create_dir(&options.directory).with_context(|| format!("cannot create {}", options.directory.display()))?;
    let format = match options.version {
        Version::Server2019 => Format::SERVER_2019,
        Version::Server2022 => Format::SERVER_2022,
        Version::Server2025 => Format::SERVER_2025,
    };
    let age = Duration::from_secs(3600 * u64::from(options.requests + 24));
    let authority = Authority::new(NAME, age)?;
    let material: Vec<_> = (0..options.requests).map(|number| authority.material(number)).collect::<Result<_>>()?;
    let list = authority.revocation_list(1)?;
    let set = CaDatabase::sample(format.with_page_size(options.page_size), NAME, 1, &material, &list);
    set.write(&options.directory).with_context(|| format!("cannot write {}", options.directory.display()))?;
    println!("{}: a database of {} bytes and {} logs", options.directory.display(), set.database.len(), set.logs.len());
    println!("try: cargo run --release -p cabak -- verify {}", options.directory.display());
    Ok(())
}
