//! Sets with a manifest.

use std::path::Path;

use super::{Form, LogFile, Source, format_of};
use crate::chain;
use crate::exit::{Exit, Failure};
use crate::manifest::{DatabaseFormat, Kind, Role};
use crate::medium::Set;
use crate::verify::View;

/// A set of cabak, together with what it builds on.
pub(super) fn find(path: &Path) -> anyhow::Result<Source> {
    let set = Set::open(path)?;
    let below = match set.manifest().kind {
        Kind::Full => Vec::new(),
        Kind::Incremental => chain::below(set.manifest(), &set.folder()?.list()?)?,
    };
    let sets: Vec<View<'_>> = below.iter().chain([&set]).map(View::of).collect();
    let databases: Vec<_> =
        sets.iter().flat_map(|view| view.manifest.files_of(Role::Database).map(move |f| (view, f))).collect();
    let database = match databases.as_slice() {
        [] => None,
        [(view, file)] => Some(file.path.below(view.path)),
        several => {
            let text = format!("{} has {} databases", set.name(), several.len());
            return Err(Failure::new(Exit::Failure, text).hint("name the database file itself").into());
        }
    };
    let format = match &database {
        Some(database) => format_of(database)?,
        None => DatabaseFormat::Unknown,
    };
    let logs = chain::logs(sets.iter().copied())?;
    Ok(Source {
        name: set.name().to_owned(),
        form: Form::Set { chain: sets.iter().map(|view| view.name.to_owned()).collect() },
        format,
        database,
        logs: logs.into_iter().map(|(generation, log)| LogFile { generation, path: log.path }).collect(),
        map: set.manifest().files_of(Role::RestoreMap).next().map(|file| file.path.below(set.path())),
    })
}
