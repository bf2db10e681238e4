//! The read buffer of a backup session (`cbReadHintSize` of `CertSrvBackupOpenFileW`).

/// Memory page of the server; `BackupReadFile` takes multiples of it, \[MS-CSRA\] 3.1.4.1.23.
pub(crate) const PAGE: u64 = 4096;

const SMALLEST: u32 = 64 << 10;
const LARGEST: u32 = 4 << 20;
const DEFAULT: u32 = 1 << 20;

/// How many bytes a session reads at once. Only the hint of the first file that a session opens counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReadHint(u32);

impl ReadHint {
    /// Bytes; 0 leaves the choice to this library.
    #[must_use]
    pub fn new(bytes: u32) -> Self {
        ReadHint(bytes)
    }

    /// The hint as it was given.
    #[must_use]
    pub fn bytes(self) -> u32 {
        self.0
    }

    /// The size that is used: 1 MiB for 0, otherwise the nearest power of two between 64 KiB and 4 MiB, upwards when in
    /// doubt.
    ///
    /// ```
    /// use certadm::ReadHint;
    /// assert_eq!(ReadHint::new(0).buffer_size(), 1 << 20);
    /// assert_eq!(ReadHint::new(1).buffer_size(), 64 << 10);
    /// assert_eq!(ReadHint::new(500_000).buffer_size(), 512 << 10);
    /// assert_eq!(ReadHint::new(u32::MAX).buffer_size(), 4 << 20);
    /// ```
    #[must_use]
    pub fn buffer_size(self) -> u32 {
        if self.0 == 0 {
            return DEFAULT;
        }
        let wanted = self.0.clamp(SMALLEST, LARGEST);
        let above = wanted.next_power_of_two();
        let below = above / 2;
        let nearest = if wanted - below < above - wanted && wanted > below { below } else { above };
        nearest.clamp(SMALLEST, LARGEST)
    }
}
