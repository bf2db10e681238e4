use crate::pdu::Header;

/// Cuts the bytes of a connection into whole PDUs, in one buffer that is allocated once.
///
/// Read into [`space`](Self::space), tell how much came with [`filled`](Self::filled), and take whole PDUs out with
/// [`pdu`](Self::pdu) until there are none: several may have come in one read. A PDU is lent where it lies, so that an
/// association can unseal it in place.
#[derive(Debug, Default)]
pub struct Framer {
    buffer: Vec<u8>,
    // INVARIANT: start <= end <= buffer.len(); what lies between them has been read and not been taken out.
    start: usize,
    end: usize,
}

impl Framer {
    /// A framer without a buffer; the first [`space`](Self::space) allocates it.
    pub fn new() -> Framer {
        Framer::default()
    }

    /// Room to read into. Never empty once [`pdu`](Self::pdu) has returned `None`.
    pub fn space(&mut self) -> &mut [u8] {
        if self.buffer.is_empty() {
            self.buffer.resize(CAPACITY, 0);
        }
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        } else if CAPACITY - self.end < CAPACITY / 4 {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        &mut self.buffer[self.end..]
    }

    /// Tells that the first `count` bytes of the space were filled.
    pub fn filled(&mut self, count: usize) {
        self.end = self.end.saturating_add(count).min(self.buffer.len());
    }

    /// The next whole PDU, or `None` when more has to be read.
    ///
    /// When the header is wrong, its length means nothing either; the header alone is lent then, and the association
    /// gives the peer the answer that is due before it ends the connection.
    pub fn pdu(&mut self) -> Option<&mut [u8]> {
        let bytes = &self.buffer[self.start..self.end];
        if bytes.len() < Header::SIZE {
            return None;
        }
        let length = Header::decode(bytes).map_or(Header::SIZE, |header| header.frag_length.into());
        if bytes.len() < length {
            return None;
        }
        let start = self.start;
        self.start += length;
        Some(&mut self.buffer[start..start + length])
    }

    /// Whether bytes of an incomplete PDU are waiting: an end of the connection now cuts a PDU short.
    pub fn is_inside_pdu(&self) -> bool {
        self.start != self.end
    }
}

/// Two PDUs of the largest size: a whole one always fits behind the rest of another.
const CAPACITY: usize = 2 * 64 * 1024;
