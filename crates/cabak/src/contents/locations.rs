//! `cabak locations SET`: where the CA kept its database, from the restore map of a set.

use std::io::Read;
use std::path::Path;

use anyhow::Context;
use certadm::DatabaseLocations;

use crate::exit::{Exit, Failure};
use crate::medium::Set;
use crate::source::Source;

/// Maps larger than this are none.
const LARGEST_MAP: u64 = 1 << 20;

/// The restore map of a set, or the file itself.
///
/// # Errors
/// Exit code 10: no set, or one without a map. Exit code 21: it does not decode.
pub fn read(path: &Path) -> anyhow::Result<DatabaseLocations> {
    let map = if path.is_file() {
        path.to_owned()
    } else {
        let source = Source::find(path)?;
        source.map.ok_or_else(|| {
            Failure::new(Exit::NotFound, format!("{} has no restore map (certbkxp.dat)", source.name))
                .hint("`certutil -backupDB` writes one; `cabak locations TARGET --save FILE` asks the CA")
        })?
    };
    decode(&map)
}

/// What a restore map says.
///
/// # Errors
/// Exit code 21: it does not decode. Exit code 1: it cannot be read.
pub(crate) fn decode(map: &Path) -> anyhow::Result<DatabaseLocations> {
    let place = || format!("cannot read {}", map.display());
    let mut bytes = Vec::new();
    Set::open_file(map).and_then(|file| file.take(LARGEST_MAP + 1).read_to_end(&mut bytes)).with_context(place)?;
    let wrong = |problem: String| {
        Failure::new(Exit::VerifyFailed, format!("{} is no restore map: {problem}", map.display()))
            .hint("certbkxp.dat is a list of names in UTF-16; take it from the set as it was written")
    };
    if bytes.len() as u64 > LARGEST_MAP {
        return Err(wrong(format!("it has more than {LARGEST_MAP} bytes")).into());
    }
    DatabaseLocations::from_bytes(&bytes).map_err(|error| wrong(crate::output::with_causes(&error)).into())
}
