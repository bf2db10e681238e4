//! Steps 12 and 13: the dynamic files. The server only names them; they are copied when this machine can read them.

use std::fs::File;
use std::io::{Read, Write};

use anyhow::Context;
use certadm::FileName;
use serde_json::json;

use super::Backup;
use crate::manifest::{Directory, Dynamic, Role, SetPath};
use crate::output::Reporter;
use crate::platform::open_regular;
use crate::verify;

/// A CRL of that size would have been noticed.
const LARGEST: u64 = 1 << 30;

impl Backup<'_> {
    /// Lists and copies.
    pub(super) fn dynamic_files(&mut self, reporter: &mut Reporter) -> anyhow::Result<()> {
        verify::stop_if(self.cancel)?;
        reporter.step("12", "ask for the names of the dynamic files");
        let names = self.session.backup_get_dynamic_file_list()?;
        reporter.step("13", &format!("copy those of the {} dynamic files that this machine can read", names.len()));
        for name in names {
            let entry = self.dynamic_file(&name)?;
            let state = match (&entry.path, &entry.reason) {
                (Some(path), _) => format!("included as {path}"),
                (None, reason) => format!("not included: {}", reason.as_deref().unwrap_or("unknown reason")),
            };
            let fields =
                json!({ "event": "dynamic", "source": entry.source, "path": entry.path, "reason": entry.reason });
            reporter.info(&format!("  {}: {state}", entry.source), fields);
            self.draft.dynamic.push(entry);
        }
        Ok(())
    }

    fn dynamic_file(&mut self, name: &FileName) -> anyhow::Result<Dynamic> {
        let source = name.path().to_owned();
        let absent = |reason: String| Dynamic { source: source.clone(), path: None, reason: Some(reason) };
        let directories = &self.request.dynamic_directories;
        if directories.is_empty() {
            return Ok(absent(
                "the protocol hands out only its name; mount its directory and say --dynamic-dir".to_owned(),
            ));
        }
        let local = match name.local_name() {
            Ok(local) => local,
            Err(error) => return Ok(absent(error.to_string())),
        };
        let path = match SetPath::new(Directory::Dynamic, local) {
            Ok(path) => path,
            Err(error) => return Ok(absent(error.to_string())),
        };
        if self.set.files().iter().any(|file| file.path.folded() == path.folded()) {
            return Ok(absent("another dynamic file of this name is already in the set".to_owned()));
        }
        let mut reason =
            format!("not in {}", directories.iter().map(|d| d.display().to_string()).collect::<Vec<_>>().join(", "));
        for directory in directories {
            match open_regular(&directory.join(local)) {
                Ok(file) => {
                    self.copy(file, &path, &source)?;
                    return Ok(Dynamic { source, path: Some(path), reason: None });
                }
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => {
                    reason = format!("cannot read {}: {error}", directory.join(local).display());
                    self.undone.push(format!("dynamic file {source}: {reason}"));
                }
            }
        }
        Ok(absent(reason))
    }

    fn copy(&mut self, mut from: File, path: &SetPath, source: &str) -> anyhow::Result<()> {
        let mut into = self.set.create(path.clone(), Role::Dynamic, Some(source))?;
        let mut buffer = vec![0; 64 << 10];
        let mut copied = 0;
        loop {
            let read = from.read(&mut buffer).with_context(|| format!("cannot read the dynamic file {source}"))?;
            if read == 0 {
                break;
            }
            copied += read as u64;
            anyhow::ensure!(copied <= LARGEST, "the dynamic file {source} does not end");
            into.write_all(&buffer[..read]).with_context(|| format!("cannot write {path}"))?;
        }
        into.finish()
    }
}
