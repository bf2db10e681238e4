//! What the configuration file in the data directory of a certsrvd says to those who restore into it.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// The CA of a data directory.
///
/// A configuration file that is not there or that cannot be understood says nothing: the directory may be a new one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfiguredCa {
    /// Its name.
    pub name: Option<String>,
    /// Where its logs are.
    pub log_directory: PathBuf,
}

impl ConfiguredCa {
    /// Reads `certsrvd.toml`.
    #[must_use]
    pub fn read(data_directory: &Path) -> Self {
        #[derive(Default, Deserialize)]
        struct Configuration {
            authority: Option<Authority>,
            database: Option<Database>,
        }
        #[derive(Deserialize)]
        struct Authority {
            name: String,
        }
        #[derive(Deserialize)]
        struct Database {
            log_directory: Option<PathBuf>,
        }
        let text = fs::read_to_string(data_directory.join("certsrvd.toml")).unwrap_or_default();
        let configuration: Configuration = toml::from_str(&text).unwrap_or_default();
        let log_directory = configuration.database.and_then(|database| database.log_directory);
        ConfiguredCa {
            name: configuration.authority.map(|authority| authority.name),
            log_directory: data_directory.join(log_directory.unwrap_or_else(|| PathBuf::from("log"))),
        }
    }
}
