//! PEM, RFC 7468, written in pieces: a revocation list may be larger than memory.

use std::io::{self, Write};

use base64ct::{Base64, Encoding};

/// Bytes that make a line of 64 characters.
const LINE: usize = 48;

/// Turns the bytes that are written to it into PEM.
pub(super) struct PemWriter<W: Write> {
    out: W,
    label: &'static str,
    pending: Vec<u8>,
}

impl<W: Write> PemWriter<W> {
    /// Writes the first line.
    pub(super) fn begin(mut out: W, label: &'static str) -> io::Result<Self> {
        writeln!(out, "-----BEGIN {label}-----")?;
        Ok(Self { out, label, pending: Vec::with_capacity(LINE) })
    }

    /// Writes what is left, and the last line.
    pub(super) fn finish(mut self) -> io::Result<W> {
        if !self.pending.is_empty() {
            writeln!(self.out, "{}", Base64::encode_string(&self.pending))?;
        }
        writeln!(self.out, "-----END {}-----", self.label)?;
        Ok(self.out)
    }
}

impl<W: Write> Write for PemWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut left = bytes;
        while !left.is_empty() {
            let (now, rest) = left.split_at(left.len().min(LINE - self.pending.len()));
            self.pending.extend_from_slice(now);
            left = rest;
            if self.pending.len() == LINE {
                writeln!(self.out, "{}", Base64::encode_string(&self.pending))?;
                self.pending.clear();
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Bytes as PEM.
pub(super) fn pem(label: &'static str, der: &[u8]) -> String {
    // Infallible: the target is memory.
    let written = PemWriter::begin(Vec::new(), label).and_then(|mut pem| {
        pem.write_all(der)?;
        pem.finish()
    });
    String::from_utf8(written.unwrap_or_default()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_of_any_size_give_the_same_text() {
        let der: Vec<u8> = (0..=255).collect();
        let whole = pem("X509 CRL", &der);
        for size in [1, 7, 47, 48, 49, 96, 200] {
            let mut writer = PemWriter::begin(Vec::new(), "X509 CRL").unwrap();
            for piece in der.chunks(size) {
                writer.write_all(piece).unwrap();
            }
            assert_eq!(String::from_utf8(writer.finish().unwrap()).unwrap(), whole);
        }
        assert!(whole.starts_with("-----BEGIN X509 CRL-----\nAAECAwQF"));
        assert!(whole.ends_with("/f7/\n-----END X509 CRL-----\n") || whole.ends_with("==\n-----END X509 CRL-----\n"));
        assert!(whole.lines().all(|line| line.len() <= 64));
    }

    #[test]
    fn nothing_is_two_lines() {
        assert_eq!(pem("CERTIFICATE", &[]), "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n");
    }
}
