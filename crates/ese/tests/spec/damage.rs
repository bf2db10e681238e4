//! Real databases with wrong bytes in them.

use ese::{Database, Value};
use proptest::prelude::*;

use crate::samples::{self, Sample};

/// Reads whatever can be read; how many rows that are.
fn read(sample: &Sample) -> usize {
    let Ok(database) = Database::open(sample, sample.format()) else { return 0 };
    let mut count = 0;
    for table in database.tables() {
        let Ok(mut rows) = table.rows() else { continue };
        while let Ok(Some(row)) = rows.next() {
            count += 1;
            for column in table.columns() {
                for value in row.values(column).unwrap_or_default() {
                    if let Value::LongBinary(long) | Value::LongText(long, _) = value {
                        let _ = row.copy_long_value(column, &long, &mut std::io::sink());
                    }
                }
            }
        }
        for index in table.definition().indexes() {
            let Ok(mut rows) = table.rows_by(index.name()) else { continue };
            while let Ok(Some(_)) = rows.next() {}
        }
    }
    count
}

/// Nodes that a database of this size may have room for: whoever counts more goes in circles.
fn most_nodes(sample: &Sample) -> usize {
    sample.bytes.len() / 6
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn flipped_bytes_never_panic_or_loop(flips in prop::collection::vec((any::<prop::sample::Index>(), 1..=255_u8), 1..40)) {
        for name in ["dissect/multi.edb", "server2022-b/SRUDB.dat", "ese_parser/test.edb"] {
            let Some(mut sample) = samples::database(name) else { return Ok(()) };
            // The headers are not read here, and pages behind the used ones are zero.
            let used = sample.bytes.iter().rposition(|byte| *byte != 0).unwrap();
            for (place, flip) in &flips {
                let start = 2 * 4096;
                let at = start + place.index(used - start);
                sample.bytes[at] ^= flip;
            }
            prop_assert!(read(&sample) <= most_nodes(&sample));
            if let Ok(database) = Database::open(&sample, sample.format()) {
                let report = database.check().unwrap();
                prop_assert!(report.pages <= (sample.bytes.len() / 4096) as u64);
            }
        }
    }

    #[test]
    fn swapped_pages_never_panic_or_loop(swaps in prop::collection::vec((1..60_usize, 1..60_usize), 1..10)) {
        let Some(mut sample) = samples::database("server2022-b/SRUDB.dat") else { return Ok(()) };
        let sound = read(&sample);
        for (one, other) in swaps {
            let (one, other) = ((one + 1) * 4096, (other + 1) * 4096);
            for at in 0..4096 {
                sample.bytes.swap(one + at, other + at);
            }
        }
        prop_assert!(read(&sample) <= sound);
        if let Ok(database) = Database::open(&sample, sample.format()) {
            prop_assert!(database.check().is_ok());
        }
    }
}

#[test]
fn a_page_that_is_cut_off_ends_the_table() {
    let Some(mut sample) = samples::database("server2022-b/SRUDB.dat") else { return };
    let whole = read(&sample);
    sample.bytes.truncate(60 * 4096);
    let rest = read(&sample);
    assert!(rest > 0 && rest < whole, "{rest} of {whole}");
}
