//! Numbers that should only go up, and leave none out.

use std::cmp::Ordering;

/// Which side's row is next, when both come in the order of their numbers: the first (`Less`), the second (`Greater`), or both.
/// `None`: neither has any more.
pub(super) fn in_turn(first: Option<i64>, second: Option<i64>) -> Option<Ordering> {
    match (first, second) {
        (None, None) => None,
        (Some(_), None) => Some(Ordering::Less),
        (None, Some(_)) => Some(Ordering::Greater),
        (Some(first), Some(second)) => Some(first.cmp(&second)),
    }
}

/// Follows the numbers of one side, and finds the gaps in them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Numbers {
    /// The largest that was seen; 0 before the first.
    pub(super) highest: i64,
    pub(super) count: u64,
}

/// Numbers that are missing, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Gap {
    pub(super) first: i64,
    pub(super) last: i64,
}

impl Numbers {
    /// The next number, in ascending order; the numbers that it leaves out. What is missing before the first is none of our business: old
    /// rows are deleted.
    pub(super) fn next(&mut self, number: i64) -> Option<Gap> {
        let gap = (self.count > 0 && number > self.highest.saturating_add(1))
            .then(|| Gap { first: self.highest.saturating_add(1), last: number - 1 });
        self.highest = self.highest.max(number);
        self.count += 1;
        gap
    }
}

impl Gap {
    /// The part above a number.
    pub(super) fn above(self, number: i64) -> Option<Self> {
        let first = self.first.max(number.saturating_add(1));
        (first <= self.last).then_some(Self { first, ..self })
    }

    pub(super) fn text(self) -> String {
        if self.first == self.last { self.first.to_string() } else { format!("{} to {}", self.first, self.last) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_between_numbers_and_not_before_them() {
        let mut numbers = Numbers::default();
        assert_eq!(numbers.next(7), None);
        assert_eq!(numbers.next(8), None);
        assert_eq!(numbers.next(8), None, "a number may come twice");
        assert_eq!(numbers.next(10), Some(Gap { first: 9, last: 9 }));
        assert_eq!(numbers.next(14), Some(Gap { first: 11, last: 13 }));
        assert_eq!(numbers.highest, 14);
    }

    #[test]
    fn only_what_is_above_is_new() {
        let gap = Gap { first: 11, last: 13 };
        assert_eq!(gap.above(10), Some(gap));
        assert_eq!(gap.above(12), Some(Gap { first: 13, last: 13 }));
        assert_eq!(gap.above(13), None);
        assert_eq!((gap.text(), Gap { first: 9, last: 9 }.text()), ("11 to 13".to_owned(), "9".to_owned()));
    }
}
