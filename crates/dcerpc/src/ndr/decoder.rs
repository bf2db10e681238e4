use uuid::Uuid;

use super::Error;

/// Reads a stub, C706 14.
///
/// Integers align themselves to their size, relative to the start of the stub; the content of gaps is ignored,
/// \[MS-RPCE\] 3.1.1.5.3.2.2. Nothing is allocated before the bytes it stands for have been seen.
#[derive(Debug, Clone)]
pub struct Decoder<'a> {
    stub: &'a [u8],
    // INVARIANT: at most `stub.len()`.
    position: usize,
}

impl<'a> Decoder<'a> {
    /// Reads `stub` from its start.
    pub fn new(stub: &'a [u8]) -> Decoder<'a> {
        Decoder { stub, position: 0 }
    }

    /// Reads `stub` from `position`, which counts for alignment: the rest of a stub whose beginning was read elsewhere.
    pub fn at(stub: &'a [u8], position: usize) -> Decoder<'a> {
        Decoder { stub, position: position.min(stub.len()) }
    }

    /// Skips to a multiple of `size`, a power of two.
    ///
    /// # Errors
    /// [`Error::Truncated`] when the stub ends inside the gap.
    pub fn align(&mut self, size: usize) -> Result<(), Error> {
        let gap = self.position.next_multiple_of(size.max(1)) - self.position;
        self.bytes(gap).map(drop)
    }

    /// An octet.
    ///
    /// # Errors
    /// [`Error::Truncated`] at the end of the stub.
    pub fn u8(&mut self) -> Result<u8, Error> {
        self.array().map(u8::from_le_bytes)
    }

    /// An unsigned short, aligned to 2.
    ///
    /// # Errors
    /// [`Error::Truncated`] at the end of the stub.
    pub fn u16(&mut self) -> Result<u16, Error> {
        self.align(2)?;
        self.array().map(u16::from_le_bytes)
    }

    /// An unsigned long, aligned to 4.
    ///
    /// # Errors
    /// [`Error::Truncated`] at the end of the stub.
    pub fn u32(&mut self) -> Result<u32, Error> {
        self.align(4)?;
        self.array().map(u32::from_le_bytes)
    }

    /// An unsigned hyper, aligned to 8.
    ///
    /// # Errors
    /// [`Error::Truncated`] at the end of the stub.
    pub fn u64(&mut self) -> Result<u64, Error> {
        self.align(8)?;
        self.array().map(u64::from_le_bytes)
    }

    /// A long, aligned to 4.
    ///
    /// # Errors
    /// [`Error::Truncated`] at the end of the stub.
    pub fn i32(&mut self) -> Result<i32, Error> {
        self.u32().map(u32::cast_signed)
    }

    /// A UUID in its little-endian form, aligned to 4.
    ///
    /// # Errors
    /// [`Error::Truncated`] at the end of the stub.
    pub fn uuid(&mut self) -> Result<Uuid, Error> {
        self.align(4)?;
        self.array().map(Uuid::from_bytes_le)
    }

    /// The next `count` bytes as they are, without alignment.
    ///
    /// # Errors
    /// [`Error::Truncated`] when fewer are left.
    pub fn bytes(&mut self, count: usize) -> Result<&'a [u8], Error> {
        let rest = &self.stub[self.position..];
        let (bytes, _) = rest.split_at_checked(count).ok_or(Error::Truncated {
            at: self.position,
            needed: count,
            remaining: rest.len(),
        })?;
        self.position += count;
        Ok(bytes)
    }

    /// A pointer: `true` when it is not null, and what it points to follows where the IDL says.
    ///
    /// # Errors
    /// [`Error::Truncated`] at the end of the stub.
    pub fn referent(&mut self) -> Result<bool, Error> {
        self.u32().map(|id| id != 0)
    }

    /// A count of elements that follow, at most `limit`, and no more than the rest of the stub can hold when every one of
    /// them takes at least `element_size` bytes: what it returns is safe to allocate.
    ///
    /// # Errors
    /// [`Error::Limit`] above `limit`, [`Error::Truncated`] when the elements cannot all be there.
    pub fn count(&mut self, limit: usize, element_size: usize) -> Result<usize, Error> {
        let claimed = self.u32()?;
        let at = self.position - 4;
        let claimed = usize::try_from(claimed).unwrap_or(usize::MAX);
        if claimed > limit {
            return Err(Error::Limit { at, claimed, limit });
        }
        let needed = claimed.saturating_mul(element_size);
        if needed > self.remaining() {
            return Err(Error::Truncated { at: self.position, needed, remaining: self.remaining() });
        }
        Ok(claimed)
    }

    /// `[string, unique] wchar_t*` of at most `max_units` UTF-16 code units, terminator included; `None` for null.
    ///
    /// # Errors
    /// As for [`string`](Self::string).
    pub fn unique_string(&mut self, max_units: usize) -> Result<Option<String>, Error> {
        if self.referent()? { self.string(max_units).map(Some) } else { Ok(None) }
    }

    /// `[string, ref] wchar_t*` of at most `max_units` UTF-16 code units, terminator included.
    ///
    /// A missing terminator is tolerated, as are several; both occur in practice.
    ///
    /// # Errors
    /// [`Error::Limit`] when it is longer, [`Error::Contradiction`] when the offset is not zero or the actual count is
    /// above the maximum count, [`Error::Text`] for unpaired surrogates and for a NUL that is not at the end.
    pub fn string(&mut self, max_units: usize) -> Result<String, Error> {
        let maximum = self.u32()?;
        let offset = self.u32()?;
        if offset != 0 {
            let at = self.position - 4;
            return Err(Error::Contradiction { at, field: "offset", found: offset.into(), expected: 0 });
        }
        let actual = self.count(max_units, 2)?;
        if actual as u64 > u64::from(maximum) {
            let at = self.position - 4;
            return Err(Error::Contradiction {
                at,
                field: "actual_count",
                found: actual as u64,
                expected: maximum.into(),
            });
        }
        let at = self.position;
        let units = self.bytes(2 * actual)?;
        let units: Vec<u16> = units.chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]])).collect();
        let length = units.iter().rposition(|&unit| unit != 0).map_or(0, |last| last + 1);
        let units = &units[..length];
        if units.contains(&0) {
            return Err(Error::Text { at });
        }
        String::from_utf16(units).map_err(|_| Error::Text { at })
    }

    /// A conformant array of at most `max` octets: maximum count, then the octets.
    ///
    /// # Errors
    /// [`Error::Limit`] when it is longer, [`Error::Truncated`] at the end of the stub.
    pub fn conformant_bytes(&mut self, max: usize) -> Result<&'a [u8], Error> {
        let count = self.count(max, 1)?;
        self.bytes(count)
    }

    /// Bytes from the start of the stub to the next value, before its alignment.
    pub fn position(&self) -> usize {
        self.position
    }

    /// Bytes that have not been read.
    pub fn remaining(&self) -> usize {
        self.stub.len() - self.position
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let rest = &self.stub[self.position..];
        let value =
            *rest.first_chunk::<N>().ok_or(Error::Truncated { at: self.position, needed: N, remaining: rest.len() })?;
        self.position += N;
        Ok(value)
    }
}
