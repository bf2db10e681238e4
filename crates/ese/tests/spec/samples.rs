//! Files that Windows wrote. They are not part of the project: `CABAK_SAMPLES` names the directory that holds `ese/`,
//! else `../shared/samples` beside the repository is tried. Without them these tests say so and pass.

use std::path::{Path, PathBuf};

/// The directory with the samples, if there is one.
pub(crate) fn directory() -> Option<PathBuf> {
    let directory = std::env::var_os("CABAK_SAMPLES").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/samples"),
        PathBuf::from,
    );
    let directory = directory.join("ese");
    if directory.is_dir() {
        return Some(directory);
    }
    eprintln!("skipped: there are no sample files in {}; set CABAK_SAMPLES", directory.display());
    None
}

/// All files below the samples whose content passes a test, with their path below it, in order.
pub(crate) fn files(wanted: impl Fn(&[u8]) -> bool) -> Vec<(String, Vec<u8>)> {
    let Some(root) = directory() else { return Vec::new() };
    let mut found = Vec::new();
    let mut open = vec![root.clone()];
    while let Some(directory) = open.pop() {
        for entry in std::fs::read_dir(&directory).expect("the samples can be listed") {
            let path = entry.expect("the samples can be listed").path();
            if path.is_dir() {
                open.push(path);
                continue;
            }
            let bytes = std::fs::read(&path).expect("a sample can be read");
            if wanted(&bytes) {
                let name = path.strip_prefix(&root).expect("it is below").to_string_lossy().into_owned();
                found.push((name, bytes));
            }
        }
    }
    found.sort();
    found
}
