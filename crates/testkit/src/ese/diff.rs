//! What a ReplaceD record says: the difference between old and new data (`DIFFHDR`).

/// The difference as one replaced stretch; `None` when it would not be shorter than the new data.
///
/// | size | field |
/// |---|---|
/// | 2 | bits 0–12: offset in the old data; bit 13: as long as before; bit 14: insert only; bit 15: lengths of two bytes |
/// | 1 or 2 | length of the new stretch |
/// | 1 or 2 | length of the old stretch; absent when they are equal, or when nothing is replaced |
/// | | the new stretch |
///
/// `wide` is the form of pages above 8 KiB: 16 bits of offset, then a byte with the three flags in its upper bits.
pub(super) fn difference(old: &[u8], new: &[u8], wide: bool) -> Option<Vec<u8>> {
    const SAME_LENGTH: u8 = 1 << 5;
    const INSERT: u8 = 1 << 6;
    const TWO_BYTES: u8 = 1 << 7;

    let front = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let back = old[front..].iter().rev().zip(new[front..].iter().rev()).take_while(|(a, b)| a == b).count();
    let (gone, stretch) = (&old[front..old.len() - back], &new[front..new.len() - back]);
    let same = gone.len() == stretch.len();
    let insert = gone.is_empty();
    let long = gone.len() > 255 || stretch.len() > 255;
    let flags = (if same && !insert { SAME_LENGTH } else { 0 })
        | (if insert { INSERT } else { 0 })
        | (if long { TWO_BYTES } else { 0 });
    let mut bytes = Vec::new();
    if wide {
        bytes.extend((front as u16).to_le_bytes());
        bytes.push(flags);
    } else {
        bytes.extend((front as u16 | (u16::from(flags) << 8)).to_le_bytes());
    }
    let mut length = |length: usize| {
        let encoded = (length as u16).to_le_bytes();
        bytes.extend(&encoded[..if long { 2 } else { 1 }]);
    };
    length(stretch.len());
    if !same && !insert {
        length(gone.len());
    }
    bytes.extend(stretch);
    (bytes.len() < new.len()).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::difference;

    #[test]
    fn the_changed_stretch_alone_is_written() {
        let old = b"one two three four";
        assert_eq!(difference(old, b"one 2wo three four", false), Some(b"\x04\x20\x012".to_vec()));
        assert_eq!(difference(old, b"one three four", false), Some(b"\x05\x00\x00\x04".to_vec()));
        assert_eq!(difference(old, b"one and two three four", false), Some(b"\x04\x40\x04and ".to_vec()));
        assert_eq!(difference(old, b"one 2wo three four", true), Some(b"\x04\x00\x20\x012".to_vec()));
        assert_eq!(difference(b"a", b"b", false), None);
    }
}
