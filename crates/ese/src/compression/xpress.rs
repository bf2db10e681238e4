//! The plain LZ77 variant of XPRESS, \[MS-XCA\] 2.3.

/// Shortest match.
const MATCH_MIN: usize = 3;

/// What a length has when the lower three bits, the nibble and the byte are full.
const LONGEST: usize = 7 + 15 + 255;

/// The `size` bytes that `input` stands for; `None` if it does not hold them.
///
/// 32 flags at a time, highest bit first: 0 = one byte as it is, 1 = a match. A match begins with 16 bits, of which the
/// lower three are its length and the others its distance less one. A length of 7 goes on in a nibble (two matches
/// share a byte), one of 15 there in a byte, one of 255 there in 16 bits that hold the whole length.
pub(super) fn decode(input: &[u8], size: usize) -> Option<Vec<u8>> {
    let mut input = Input { bytes: input, nibble: None };
    let mut output = Vec::with_capacity(size);
    while output.len() < size {
        let flags = u32::from_le_bytes(input.take()?);
        for bit in (0..32).rev() {
            if output.len() >= size {
                break;
            }
            if flags >> bit & 1 == 0 {
                let [byte] = input.take()?;
                output.push(byte);
                continue;
            }
            let (length, distance) = input.match_()?;
            let start = output.len().checked_sub(distance)?;
            // The result may end within a match; a match may reach into itself.
            for at in start..start + length.min(size - output.len()) {
                output.push(*output.get(at)?);
            }
        }
    }
    Some(output)
}

struct Input<'a> {
    bytes: &'a [u8],
    /// The upper half of a byte whose lower half was a length.
    nibble: Option<u8>,
}

impl Input<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.bytes.split_first_chunk()?;
        self.bytes = rest;
        Some(*taken)
    }

    /// Length and distance of a match.
    fn match_(&mut self) -> Option<(usize, usize)> {
        let word = u16::from_le_bytes(self.take()?);
        let (mut length, distance) = (usize::from(word & 0x7), usize::from(word >> 3) + 1);
        if length == 7 {
            length += match self.length_nibble()? {
                15 => 15 + self.long_length()?,
                nibble => usize::from(nibble),
            };
        }
        Some((length + MATCH_MIN, distance))
    }

    fn length_nibble(&mut self) -> Option<u8> {
        if let Some(nibble) = self.nibble.take() {
            return Some(nibble);
        }
        let [byte] = self.take()?;
        self.nibble = Some(byte >> 4);
        Some(byte & 0xf)
    }

    /// What a length has above 7 + 15.
    fn long_length(&mut self) -> Option<usize> {
        let [byte] = self.take()?;
        if byte < 255 {
            return Some(byte.into());
        }
        let length = usize::from(u16::from_le_bytes(self.take()?));
        (length >= LONGEST).then(|| length - 7 - 15)
    }
}
