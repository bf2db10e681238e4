use uuid::Uuid;

/// Writes a stub, C706 14.
///
/// Integers align themselves to their size, relative to the start of the stub; gaps are zero. Writing cannot fail.
#[derive(Debug)]
pub struct Encoder {
    buffer: Vec<u8>,
    base: usize,
    next_referent: u32,
}

impl Encoder {
    /// An empty stub.
    pub fn new() -> Encoder {
        Encoder::append_to(Vec::new(), 0)
    }

    /// An empty stub with room for `bytes`.
    pub fn with_capacity(bytes: usize) -> Encoder {
        Encoder::append_to(Vec::with_capacity(bytes), 0)
    }

    /// Goes on behind the bytes in `buffer`, of which the first `base` do not belong to the stub.
    ///
    /// With `base` equal to `buffer.len()` a new stub starts there; with a smaller `base` the bytes in between are the
    /// beginning of the stub (an ORPCTHAT, say), and count for alignment. [`into_bytes`](Self::into_bytes) gives the whole
    /// buffer back.
    pub fn append_to(buffer: Vec<u8>, base: usize) -> Encoder {
        let base = base.min(buffer.len());
        Encoder { buffer, base, next_referent: 0x0002_0000 }
    }

    /// Pads with zeros to a multiple of `size`, a power of two.
    pub fn align(&mut self, size: usize) {
        let position = self.position().next_multiple_of(size.max(1));
        self.buffer.resize(self.base + position, 0);
    }

    /// An octet.
    pub fn u8(&mut self, value: u8) {
        self.buffer.push(value);
    }

    /// An unsigned short, aligned to 2.
    pub fn u16(&mut self, value: u16) {
        self.align(2);
        self.buffer.extend_from_slice(&value.to_le_bytes());
    }

    /// An unsigned long, aligned to 4.
    pub fn u32(&mut self, value: u32) {
        self.align(4);
        self.buffer.extend_from_slice(&value.to_le_bytes());
    }

    /// An unsigned hyper, aligned to 8.
    pub fn u64(&mut self, value: u64) {
        self.align(8);
        self.buffer.extend_from_slice(&value.to_le_bytes());
    }

    /// A long, aligned to 4.
    pub fn i32(&mut self, value: i32) {
        self.u32(value.cast_unsigned());
    }

    /// A UUID in its little-endian form, aligned to 4.
    pub fn uuid(&mut self, value: &Uuid) {
        self.align(4);
        self.buffer.extend_from_slice(&value.to_bytes_le());
    }

    /// Bytes as they are, without count or alignment.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// Adds `count` zero bytes, not aligned, and lends them to be filled in: large values need no buffer of their own.
    pub fn bytes_mut(&mut self, count: usize) -> &mut [u8] {
        let start = self.buffer.len();
        self.buffer.resize(start + count, 0);
        &mut self.buffer[start..]
    }

    /// A non-null pointer: the next referent id. What it points to is written later, by the caller.
    pub fn referent(&mut self) {
        let id = self.next_referent;
        self.next_referent = self.next_referent.wrapping_add(4);
        self.u32(id);
    }

    /// A null pointer.
    pub fn null(&mut self) {
        self.u32(0);
    }

    /// `[string, unique] wchar_t*`: a referent id and the string behind it, or a null pointer.
    pub fn unique_string(&mut self, value: Option<&str>) {
        match value {
            Some(value) => {
                self.referent();
                self.string(value);
            }
            None => self.null(),
        }
    }

    /// `[string, ref] wchar_t*`: maximum count, offset 0, actual count, UTF-16 code units with the terminator.
    pub fn string(&mut self, value: &str) {
        let units = count(value.encode_utf16().count() + 1);
        self.u32(units);
        self.u32(0);
        self.u32(units);
        for unit in value.encode_utf16() {
            self.buffer.extend_from_slice(&unit.to_le_bytes());
        }
        self.buffer.extend_from_slice(&[0, 0]);
    }

    /// A conformant array of octets: maximum count, then the octets.
    pub fn conformant_bytes(&mut self, bytes: &[u8]) {
        self.u32(count(bytes.len()));
        self.bytes(bytes);
    }

    /// Overwrites the unsigned long that was written at `position`, for counts that are known only afterwards.
    ///
    /// Positions outside of what has been written are ignored.
    pub fn patch_u32(&mut self, position: usize, value: u32) {
        let start = self.base.saturating_add(position);
        if let Some(field) = self.buffer.get_mut(start..start.saturating_add(4)) {
            field.copy_from_slice(&value.to_le_bytes());
        }
    }

    /// Bytes from the start of the stub to the end of what has been written.
    pub fn position(&self) -> usize {
        self.buffer.len() - self.base
    }

    /// The whole buffer, with the bytes that were there before the stub.
    pub fn into_bytes(self) -> Vec<u8> {
        self.buffer
    }
}

impl Default for Encoder {
    fn default() -> Self {
        Encoder::new()
    }
}

/// Lengths of what is in memory here, as counts on the wire. Nothing that is marshalled comes near 4 GiB.
fn count(elements: usize) -> u32 {
    u32::try_from(elements).unwrap_or(u32::MAX)
}
