//! Records by themselves.

use ese::page::Layout;
use ese::record::{Record, Stored, TaggedColumn, TaggedValue};
use proptest::prelude::*;

const SMALL: usize = 4096;
const LARGE: usize = 32_768;

fn record(bytes: &[u8], page_size: usize, new_format: bool) -> Option<Record<'_>> {
    Record::with_layout(bytes, Layout::of(page_size).unwrap(), new_format)
}

fn bytes(text: &str) -> Vec<u8> {
    hex::decode(text.replace(' ', "")).unwrap()
}

/// What the area of tagged columns holds: column, whether from the template, values.
fn tagged(area: &str, page_size: usize, new_format: bool) -> Vec<String> {
    // No fixed and no variable columns: their ends are 4 and 127.
    let record_bytes = bytes(&format!("00 7f 0400 {area}"));
    let record = record(&record_bytes, page_size, new_format).unwrap();
    record.tagged_columns().map(|column| column.map_or_else(|| "damaged".to_owned(), describe)).collect()
}

fn describe((id, derived, stored): (u16, bool, Stored<TaggedColumn<'_>>)) -> String {
    let name = if derived { format!("{id}'") } else { id.to_string() };
    match stored {
        Stored::Absent => format!("{name} absent"),
        Stored::Null => format!("{name} null"),
        Stored::Value(column) => {
            let values: Vec<String> = column.values().map(|value| value.map_or("damaged".to_owned(), text)).collect();
            format!("{name} {}{}", values.join(" "), if column.is_encrypted() { " encrypted" } else { "" })
        }
    }
}

fn text(value: TaggedValue<'_>) -> String {
    let mark = |is, mark| if is { mark } else { "" };
    format!("{}{}{}", hex::encode(value.bytes), mark(value.separated, "^"), mark(value.compressed, "~"))
}

#[test]
fn fixed_and_variable_columns() {
    // Two fixed columns (4 and 2 bytes, the second null), three variable ones (the second null).
    let data = bytes("02 82 0b00 2a000000 0000 02 0200 0280 0500 6162 636465");
    let record = record(&data, SMALL, true).unwrap();
    assert_eq!(record.fixed(1, 4, 4), Some(Stored::Value(&[0x2a, 0, 0, 0][..])));
    assert_eq!(record.fixed(2, 8, 2), Some(Stored::Null));
    assert_eq!(record.fixed(3, 10, 4), Some(Stored::Absent));
    assert_eq!(record.fixed(1, 4, 7), None, "reaches into the null bits");
    assert_eq!(record.variable(128), Some(Stored::Value(&b"ab"[..])));
    assert_eq!(record.variable(129), Some(Stored::Null));
    assert_eq!(record.variable(130), Some(Stored::Value(&b"cde"[..])));
    assert_eq!(record.variable(131), Some(Stored::Absent));
    assert_eq!(record.tagged_columns().count(), 0);
}

#[test]
fn parts_that_do_not_fit_are_no_record() {
    for data in ["", "0080", "00 7f 0300", "09 7f 0500 ff", "00 80 0400 0100", "00 7e 0400", "80 7f 1400 000000"] {
        assert!(record(&bytes(data), SMALL, true).is_none(), "{data}");
    }
}

#[test]
fn tagged_columns_of_small_pages() {
    // 256: one value without flags; 257: null; 258 from the template: a separated long value.
    let area = "0001 0c00 0101 0f20 0201 0fc0  616263  05 07000000";
    assert_eq!(tagged(area, SMALL, true), ["256 616263", "257 null", "258' 07000000^"]);
}

#[test]
fn tagged_columns_of_large_pages() {
    // Every column has flags: null, compressed, encrypted.
    let area = "0001 0c00 0101 0d00 0201 1000  20  03 6162  41 63";
    assert_eq!(tagged(area, LARGE, true), ["256 null", "257 6162~", "258 63 encrypted"]);
}

#[test]
fn several_values() {
    // Two short ones, the length of the first in front; three, the offsets in front, the second one separated.
    assert_eq!(tagged("0001 0440  18 02 616263", SMALL, true), ["256 6162 63"]);
    assert_eq!(tagged("0001 0440  0b 0600 0780 0b00 61 05000000 62", SMALL, true), ["256 61~ 05000000^ 62"]);
}

#[test]
fn the_older_form() {
    // 256 twice, 257 null, 258 from the template: a long value inline, and one separated.
    let area = "0001 0200 6162  0001 0100 63  0101 0040  0201 03a0 00 6465  0201 05a0 01 07000000";
    assert_eq!(tagged(area, SMALL, false), ["256 6162 63", "257 null", "258' 6465 07000000^"]);
}

#[test]
fn tagged_columns_that_are_damaged() {
    assert_eq!(tagged("0001 0300 61", SMALL, true), ["damaged"], "an offset that no array has");
    assert_eq!(tagged("0001 ff0f 61", SMALL, true), ["damaged"], "an array behind the end");
    assert_eq!(tagged("0001 0440 18", SMALL, true), ["damaged"], "two values without a length");
    assert_eq!(tagged("0001 0440 08 0600 ff00 0700 61", SMALL, true), ["256 damaged"], "a value behind the end");
    assert_eq!(tagged("0001 0500 6162", SMALL, false), ["damaged"], "a length behind the end");
    assert_eq!(tagged("0001 0080", SMALL, false), ["damaged"], "a long value without its flags");
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(
        mut data in prop::collection::vec(any::<u8>(), 4..200),
        last_fixed in 0..20_u8,
        last_variable in 127..140_u8,
        large in any::<bool>(),
        new_format in any::<bool>(),
    ) {
        // A header that is often accepted.
        data[0] = last_fixed;
        data[1] = last_variable;
        data[3] = 0;
        data[2] &= 0x3f;
        if let Some(record) = record(&data, if large { LARGE } else { SMALL }, new_format) {
            for id in 1..256 {
                let _ = (record.fixed(id, 4, 8), record.variable(id));
            }
            let columns = record.tagged_columns().take(1000);
            let values: usize = columns.flatten().map(|(.., stored)| match stored {
                Stored::Value(column) => column.values().count(),
                _ => 0,
            }).sum();
            prop_assert!(values <= data.len() * data.len());
        }
    }
}
