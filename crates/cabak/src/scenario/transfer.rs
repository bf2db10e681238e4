//! Steps 7 to 9: one file from the server into the set.

use std::io::Write;

use anyhow::Context;
use certadm::FileName;

use super::Backup;
use crate::exit::{Exit, Failure};
use crate::manifest::{DatabaseFormat, Directory, Role, SetPath};
use crate::moment;
use crate::output::Reporter;
use crate::verify;

/// More files than any CA has; a longer list is not believed.
const MOST_FILES: usize = 1 << 20;

/// Room that stays free on the medium, for manifests and the file system itself.
const RESERVE: u64 = 4 << 20;

/// A file that the server offers, and the place it gets.
pub(super) struct Planned {
    pub(super) name: FileName,
    pub(super) path: SetPath,
}

/// Gives every name of a list its place, before the first byte is asked for.
pub(super) fn plan(names: &[FileName]) -> anyhow::Result<Vec<Planned>> {
    if names.len() > MOST_FILES {
        return Err(Failure::new(Exit::Failure, format!("the server lists {} files", names.len())).into());
    }
    let mut seen = std::collections::HashSet::new();
    let mut planned = Vec::with_capacity(names.len());
    for name in names {
        let local = name.local_name().map_err(|error| {
            Failure::new(Exit::Failure, format!("the server offers a file that has no safe name: {error}"))
                .hint("nothing was stored under it; find out why the server sends such a name")
        })?;
        let path = SetPath::new(Directory::DataBase, local)?;
        if !seen.insert(path.folded()) {
            return Err(Failure::new(Exit::Failure, format!("the server offers {path} twice"))
                .hint("two names in its list end alike; nothing was stored")
                .into());
        }
        planned.push(Planned { name: name.clone(), path });
    }
    Ok(planned)
}

impl Backup<'_> {
    /// Opens, reads to the end, and closes; `count` files of about this size are still to come, this one included.
    pub(super) fn transfer(
        &mut self,
        planned: &Planned,
        role: Role,
        count: u64,
        reporter: &mut Reporter,
    ) -> anyhow::Result<DatabaseFormat> {
        let Planned { name, path } = planned;
        verify::stop_if(self.cancel)?;
        reporter.step("7", &format!("open {}", name.path()));
        let mut source = self.session.backup_open_file(name, self.request.read_hint)?;
        let size = source.size();

        let needed = size.saturating_mul(count).saturating_add(RESERVE);
        let free = self.folder.free_space()?;
        if needed > free {
            let message = format!(
                "no room for {path}: {} are needed, {} are free in {}",
                moment::bytes(needed),
                moment::bytes(free),
                self.folder.root().display()
            );
            return Err(Failure::new(Exit::Failure, message)
                .hint("free space on the medium, or use another directory; earlier sets are untouched")
                .into());
        }

        reporter.step("8", &format!("read {size} bytes"));
        reporter.begin_progress(path.name(), size);
        let mut file = self.set.create(path.clone(), role, Some(name.path()))?;
        let mut head: Vec<u8> = Vec::with_capacity(DatabaseFormat::PROBE);
        let mut format = DatabaseFormat::Unknown;
        let mut received: u64 = 0;
        loop {
            verify::stop_if(self.cancel)?;
            let read = source.backup_read(&mut self.buffer)?;
            let Some(block) = self.buffer.get(..read).filter(|block| !block.is_empty()) else { break };
            received += block.len() as u64;
            if received > size {
                return Err(certadm::Error::LongFile { name: name.path().to_owned(), announced: size }.into());
            }
            if role == Role::Database && head.len() < DatabaseFormat::PROBE {
                head.extend(block.iter().take(DatabaseFormat::PROBE - head.len()));
                if head.len() == DatabaseFormat::PROBE {
                    format = DatabaseFormat::detect(&head);
                    if self.request.truncate && format == DatabaseFormat::Unknown {
                        return Err(no_truncation(format));
                    }
                }
            }
            file.write_all(block).with_context(|| format!("cannot write {path}"))?;
            reporter.advance(block.len() as u64);
        }
        if received < size {
            return Err(certadm::Error::ShortFile { name: name.path().to_owned(), announced: size, received }.into());
        }
        if role == Role::Database && self.request.truncate && format == DatabaseFormat::Unknown {
            return Err(no_truncation(format));
        }
        reporter.step("9", &format!("close {}", name.path()));
        source.backup_close()?;
        file.finish()?;
        let sha256 = self.set.files().last().map_or("", |file| &file.sha256);
        reporter.finish_progress(sha256);
        Ok(format)
    }
}

/// Why logs of such a database are not truncated.
pub(super) fn no_truncation(format: DatabaseFormat) -> anyhow::Error {
    let message = format!(
        "--truncate refused: the database format is {}, and this version cannot recover it, so it cannot prove that \
         the logs are no longer needed",
        format.name()
    );
    Failure::new(Exit::Failure, message)
        .hint("back up without --truncate; the set is then stored and its hashes are verified")
        .into()
}
