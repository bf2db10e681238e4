//! Whether an expression holds.

use std::cmp::Ordering;

use super::operand::digits;
use super::{Expression, Operand, Operator};
use crate::{Entry, SerialNumber, Value};

pub(super) fn holds(expression: &Expression, entry: &Entry) -> bool {
    match expression {
        Expression::Or(parts) => parts.iter().any(|part| holds(part, entry)),
        Expression::And(parts) => parts.iter().all(|part| holds(part, entry)),
        Expression::Not(inner) => !holds(inner, entry),
        Expression::Test { field, operator, operand } => test(&field.value(entry), *operator, operand),
    }
}

fn test(value: &Value, operator: Operator, operand: &Operand) -> bool {
    if *operand == Operand::None {
        return value.is_null() == (operator == Operator::Equal);
    }
    if operator == Operator::Contains {
        return contains(value, operand);
    }
    match (compare(value, operand), operator) {
        (ordering, Operator::Equal) => ordering == Some(Ordering::Equal),
        (ordering, Operator::NotEqual) => ordering != Some(Ordering::Equal),
        (None, _) => false,
        (Some(ordering), Operator::Less) => ordering.is_lt(),
        (Some(ordering), Operator::LessOrEqual) => ordering.is_le(),
        (Some(ordering), Operator::Greater) => ordering.is_gt(),
        (Some(ordering), Operator::GreaterOrEqual) => ordering.is_ge(),
        (_, Operator::Contains) => false,
    }
}

fn contains(value: &Value, operand: &Operand) -> bool {
    let Some(text) = value.text() else { return false };
    match operand {
        Operand::Text(wanted) => text.to_lowercase().contains(wanted),
        Operand::Digits(wanted) => digits(text).is_some_and(|digits| digits.contains(wanted)),
        Operand::Serial(wanted) => {
            SerialNumber::parse(text).is_some_and(|serial| serial.to_string().contains(&wanted.to_string()))
        }
        _ => false,
    }
}

/// `None` when the value is none, or of another kind than the column promises.
fn compare(value: &Value, operand: &Operand) -> Option<Ordering> {
    match operand {
        Operand::None => None,
        Operand::Number(wanted) => {
            let number = value.long()?;
            // Words stand for 32 bits without a sign; so do columns that were read with one.
            let number = if *wanted > i64::from(i32::MAX) { value.code().map_or(number, i64::from) } else { number };
            Some(number.cmp(wanted))
        }
        Operand::Code(wanted) => Some(value.code()?.cmp(wanted)),
        Operand::Span { from, to } => {
            let date = value.date()?;
            // Inside the span is equal to it.
            Some(if date < *from {
                Ordering::Less
            } else if date < *to {
                Ordering::Equal
            } else {
                Ordering::Greater
            })
        }
        Operand::Text(wanted) => Some(value.text()?.to_lowercase().cmp(wanted)),
        Operand::Serial(wanted) => {
            let serial = SerialNumber::parse(value.text()?)?;
            // Digits compare as a number: the longer one is larger.
            let (serial, wanted) = (serial.to_string(), wanted.to_string());
            Some(serial.len().cmp(&wanted.len()).then_with(|| serial.cmp(&wanted)))
        }
        Operand::Digits(wanted) => Some(digits(value.text()?)?.cmp(wanted)),
    }
}
