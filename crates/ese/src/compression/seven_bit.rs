//! Characters of seven bits.

/// The characters in `bytes`, of whose last byte the lowest `last_bits` + 1 bits count; `None` if these are not whole
/// characters.
pub(super) fn unpack<const N: usize>(
    bytes: &[u8],
    last_bits: u8,
    character: impl Fn(u8) -> [u8; N],
) -> Option<Vec<u8>> {
    let bits = bytes.len().checked_sub(1)? * 8 + usize::from(last_bits) + 1;
    if bits % 7 != 0 {
        return None;
    }
    let count = bits / 7;
    let mut unpacked = Vec::with_capacity(count * N);
    let (mut pending, mut available) = (0_u16, 0);
    let mut input = bytes.iter();
    for _ in 0..count {
        if available < 7 {
            pending |= u16::from(*input.next()?) << available;
            available += 8;
        }
        unpacked.extend_from_slice(&character(pending.to_le_bytes()[0] & 0x7f));
        pending >>= 7;
        available -= 7;
    }
    Some(unpacked)
}
