//! Tag, length, value: as much of BER as it takes to walk through a structure without building it.

/// One element, borrowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Element<'a> {
    /// The identifier octet; tags of several octets do not occur in what is read here.
    pub(super) tag: u8,
    /// The contents.
    pub(super) contents: &'a [u8],
    /// Identifier, length and contents.
    pub(super) whole: &'a [u8],
}

pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const INTEGER: u8 = 0x02;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const OBJECT_IDENTIFIER: u8 = 0x06;
pub(super) const SET: u8 = 0x31;
pub(super) const UTC_TIME: u8 = 0x17;
pub(super) const GENERALIZED_TIME: u8 = 0x18;
/// `[0]`, constructed.
pub(super) const CONTEXT_0: u8 = 0xA0;

/// The elements of some contents, one after the other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Walk<'a> {
    left: &'a [u8],
}

impl<'a> Walk<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { left: bytes }
    }

    /// The next element; `Ok(None)` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Element<'a>>, &'static str> {
        let bytes = self.left;
        let Some((&tag, rest)) = bytes.split_first() else { return Ok(None) };
        if tag & 0x1F == 0x1F {
            return Err("a tag of several octets");
        }
        let (&first, rest) = rest.split_first().ok_or("an element without a length")?;
        let (length, rest) = match first {
            0..0x80 => (usize::from(first), rest),
            0x80 => return Err("an indefinite length"),
            _ => {
                let (octets, rest) =
                    rest.split_at_checked(usize::from(first & 0x7F)).ok_or("a length that is cut off")?;
                if octets.len() > 4 {
                    return Err("a length of more than four octets");
                }
                (octets.iter().fold(0_usize, |length, octet| length << 8 | usize::from(*octet)), rest)
            }
        };
        let (contents, left) = rest.split_at_checked(length).ok_or("an element that is cut off")?;
        let whole = bytes.get(..bytes.len() - left.len()).unwrap_or(bytes);
        self.left = left;
        Ok(Some(Element { tag, contents, whole }))
    }

    /// The next element, which must be there and have this tag.
    pub(super) fn expect(&mut self, tag: u8) -> Result<Element<'a>, &'static str> {
        match self.next()? {
            Some(element) if element.tag == tag => Ok(element),
            Some(_) => Err("an element with another tag than expected"),
            None => Err("an element is missing"),
        }
    }

    /// The next element if it has one of these tags.
    pub(super) fn optional(&mut self, tags: &[u8]) -> Result<Option<Element<'a>>, &'static str> {
        match self.left.first() {
            Some(tag) if tags.contains(tag) => self.next(),
            _ => Ok(None),
        }
    }
}
