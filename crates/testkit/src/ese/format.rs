//! Which layout a database and its logs have.

use ese::page::Layout;

/// A version of the formats, and a page size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    /// Bytes of a page: 4096, 8192, 16384 or 32768.
    pub page_size: usize,
    /// Update version of the database.
    pub update_major: u32,
    /// Minor update version of the database.
    pub update_minor: u32,
    /// Version of the logs: major, minor, update major, update minor.
    pub log_version: [u32; 4],
    /// Engine format version.
    pub engine_version: u32,
    /// Version of the operating system.
    pub system: [u32; 4],
}

impl Format {
    /// Server 2019 (17763) and, with other numbers of the system, 2012 R2.
    pub const SERVER_2019: Format = Format {
        page_size: 4096,
        update_major: 0x14,
        update_minor: 0,
        log_version: [8, 4000, 5, 16],
        engine_version: 8920,
        system: [10, 0, 17_763, 0],
    };

    /// Server 2022 (20348).
    pub const SERVER_2022: Format = Format {
        page_size: 4096,
        update_major: 0xB4,
        update_minor: 0x190,
        log_version: [8, 4000, 90, 200],
        engine_version: 9360,
        system: [10, 0, 20_348, 0],
    };

    /// Server 2025 (26100): pages name their reserved tags.
    pub const SERVER_2025: Format = Format {
        page_size: 4096,
        update_major: 0x122,
        update_minor: 0x190,
        log_version: [8, 4000, 130, 280],
        engine_version: 9600,
        system: [10, 0, 26_100, 0],
    };

    /// The same version with pages of another size.
    #[must_use]
    pub const fn with_page_size(self, page_size: usize) -> Format {
        Format { page_size, ..self }
    }

    /// How its pages are laid out.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a format with an impossible page size is a mistake in the test")]
    pub fn layout(self) -> Layout {
        Layout::of(self.page_size).expect("a page size of ESE")
    }

    /// The number of reserved tags that a page names.
    pub(super) fn reserved_tags(self) -> u8 {
        u8::from(self.update_major >= ese::header::DatabaseHeader::RESERVED_TAGS)
    }

    /// Whether the numbers of long values have 64 bits.
    pub(super) fn wide_long_values(self) -> bool {
        self.engine_version >= 9080
    }

    /// Whether a page that comes into use is logged by itself.
    pub(super) fn logs_new_pages(self) -> bool {
        self.engine_version >= 9120
    }

    /// Most bytes of one piece of a long value.
    pub(super) fn long_value_piece(self) -> usize {
        self.page_size - 42 - self.layout().header_size()
    }
}
