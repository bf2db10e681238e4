//! Values of ESE as values of a CA.

use ese::catalog::{CodePage, ColumnType};

use crate::{FileTime, Kind, Value};

/// What the values of a column are: by its type, and whether [MS-CSRA] has it as a date.
pub(super) fn kind(column_type: ColumnType, known: Option<Kind>) -> Kind {
    match column_type {
        ColumnType::Bit
        | ColumnType::UnsignedByte
        | ColumnType::Short
        | ColumnType::UnsignedShort
        | ColumnType::Long
        | ColumnType::UnsignedLong => Kind::Long,
        ColumnType::Currency | ColumnType::LongLong | ColumnType::UnsignedLongLong if known == Some(Kind::Date) => {
            Kind::Date
        }
        ColumnType::Currency | ColumnType::LongLong | ColumnType::UnsignedLongLong => Kind::Long,
        ColumnType::DateTime => Kind::Date,
        ColumnType::Single | ColumnType::Double | ColumnType::Text | ColumnType::LongText => Kind::Text,
        ColumnType::Binary | ColumnType::LongBinary | ColumnType::Guid => Kind::Binary,
    }
}

/// A number, which in a column of dates is a FILETIME.
pub(super) fn number(number: i64, kind: Kind) -> Value {
    if kind == Kind::Date { Value::Date(FileTime(number)) } else { Value::Long(number) }
}

/// The bytes of a column that is binary or text.
pub(super) fn bytes(bytes: &[u8], text: Option<CodePage>) -> Value {
    let Some(code_page) = text else { return Value::Binary(bytes.to_vec()) };
    let mut text = ese::decode_text(bytes, code_page);
    text.truncate(text.trim_end_matches('\0').len());
    Value::Text(text)
}

/// The time in a column of type `DateTime`; see the [module](crate::windows) on how the value tells its form.
pub(super) fn date(bytes: [u8; 8]) -> FileTime {
    /// The first moment of the year 10000.
    const LAST: i64 = 2_650_467_744_000_000_000;
    let file_time = FileTime::from_le_bytes(bytes);
    if (0..LAST).contains(&file_time.0) {
        return file_time;
    }
    of_days(f64::from_le_bytes(bytes)).unwrap_or(file_time)
}

/// The time of a number of days since 1899-12-30, to the millisecond: it tells no more; `None` before 1980 and after 2150.
fn of_days(days: f64) -> Option<FileTime> {
    /// 1980-01-01 and 2151-01-01.
    const PLAUSIBLE: std::ops::Range<f64> = 29_221.0..91_678.0;
    /// 1899-12-30 as a FILETIME, in milliseconds.
    const EPOCH: i64 = 9_435_312_000_000;
    const PER_DAY: f64 = 86_400_000.0;
    const INTERVALS: i64 = 10_000;
    if !PLAUSIBLE.contains(&days) {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "a plausible number of days in milliseconds is below 2^43")]
    let milliseconds = (days * PER_DAY).round() as i64;
    Some(FileTime((EPOCH + milliseconds) * INTERVALS))
}

#[cfg(test)]
mod tests {
    use super::date;

    fn of_days(days: f64) -> String {
        date(days.to_le_bytes()).to_string()
    }

    fn of_intervals(intervals: i64) -> String {
        date(intervals.to_le_bytes()).to_string()
    }

    #[test]
    fn a_date_is_a_file_time_where_it_can_be_one() {
        assert_eq!(of_intervals(133_485_408_000_000_000), "2024-01-01T00:00:00Z");
        assert_eq!(of_intervals(0), "1601-01-01T00:00:00Z");
        assert_eq!(of_intervals(i64::MAX), "FILETIME 9223372036854775807");
        assert_eq!(of_intervals(-1), "1600-12-31T23:59:59.9999999Z");
    }

    #[test]
    fn a_date_is_a_number_of_days_where_only_that_makes_sense() {
        assert_eq!(of_days(45_292.0), "2024-01-01T00:00:00Z");
        assert_eq!(of_days(45_292.750_005), "2024-01-01T18:00:00.4320000Z");
        assert_eq!(of_days(29_221.0), "1980-01-01T00:00:00Z");
        assert_eq!(of_days(91_677.0), "2150-12-31T00:00:00Z");
        assert_eq!(of_days(29_220.0), format!("FILETIME {}", i64::from_le_bytes(29_220.0_f64.to_le_bytes())));
        assert_eq!(of_days(91_678.0), format!("FILETIME {}", i64::from_le_bytes(91_678.0_f64.to_le_bytes())));
    }
}
