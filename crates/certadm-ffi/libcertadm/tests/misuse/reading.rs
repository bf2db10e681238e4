//! CertSrvBackupRead for every size of buffer.

use testkit::ca::Ca;

use crate::api::{api, path};

#[test]
fn every_buffer_gets_the_same_bytes_and_is_short_only_at_the_end() {
    let api = api();
    let ca = Ca::started().unwrap();
    let mut contents = Vec::new();
    // Smaller and larger than pages and read buffers, in sessions with the smallest, the default and the largest one.
    for (hint, sizes) in [(1, [1, 4095, 70_000]), (0, [3, 65_537, 1 << 20]), (u32::MAX, [512, 4096, 8 << 20])] {
        let backup = api.backup_prepare(ca.target(), 1).unwrap();
        let names = api.database_names(backup).unwrap();
        for size in sizes {
            let length = api.open_file(backup, path(&names[0]), hint).unwrap() as usize;
            let mut content = Vec::new();
            loop {
                let read = api.read(backup, size).unwrap();
                content.extend_from_slice(&read);
                if read.len() < size {
                    assert_eq!(content.len(), length, "short before the end, in steps of {size}");
                    break;
                }
            }
            assert_eq!(api.read(backup, size), Ok(Vec::new()), "nothing behind the end");
            assert_eq!(api.close(backup), Ok(()));
            contents.push(content);
        }
        assert_eq!(api.end(backup), Ok(()));
    }
    assert!(contents[0].len() > 70_000);
    // The last page of a database is made anew whenever it is opened; all others are the same within a session.
    for session in contents.chunks(3) {
        for content in session {
            assert_eq!(content.len(), session[0].len());
            let pages = content.len() - 4096;
            assert!(content[..pages] == session[0][..pages]);
        }
    }
}
