//! The language of `--where`: which certificates, in one line.
//!
//! ```text
//! expression  = all { "or" all }
//! all         = term { "and" term }
//! term        = "not" term | "(" expression ")" | test
//! test        = field ( "=" | "!=" | "<" | "<=" | ">" | ">=" | "~" ) value
//! value       = word | "'" … "'" | '"' … '"'
//! ```
//!
//! Fields are those of [`crate::Catalog::field`]. A word ends at a blank, a bracket or a quote, in front of an operator also there; a
//! quoted value may contain all but its own quote. Case counts nowhere.
//!
//! | the field is | values |
//! |---|---|
//! | a number | decimal, or hexadecimal behind `0x`; dispositions and reasons also by their words |
//! | a date | `2026-12-01`, the whole day; `2026-12-01T08:00:00Z`, that second; `now`, `now+30d`, `now-12h` (`h`, `d`, `w`) |
//! | a serial number, a hash | hexadecimal digits; blanks, colons and, in serial numbers, leading zeros do not count |
//! | text | as it is; `~` asks whether it is contained |
//!
//! `none` stands for no value: `revoked != none`. Where a field has no value every other test fails, but `!=` holds.

mod evaluate;
mod lexer;
mod operand;
mod parser;

use std::fmt;

use crate::{Catalog, Entry, Field, FileTime, Scan};

use operand::Operand;

/// The longest expression, in bytes.
pub const MAXIMUM_LENGTH: usize = 64 << 10;

/// A parsed expression.
#[derive(Clone, Debug, PartialEq)]
pub struct Filter {
    root: Expression,
}

impl Filter {
    /// Parses an expression. `now` is what the word stands for.
    ///
    /// # Errors
    /// [`FilterError`], with the column of the expression that is wrong.
    pub fn parse(text: &str, catalog: &Catalog, now: FileTime) -> Result<Self, FilterError> {
        parser::parse(text, catalog, now).map(|root| Self { root })
    }

    /// Whether it holds for what the database has about a request.
    #[must_use]
    pub fn matches(&self, entry: &Entry) -> bool {
        evaluate::holds(&self.root, entry)
    }

    /// The fields that it asks for.
    #[must_use]
    pub fn fields(&self) -> Vec<&Field> {
        let mut fields = Vec::new();
        self.root.collect(&mut fields);
        fields
    }

    /// Adds the columns that it needs to the scans of a join.
    pub fn need(&self, scans: &mut [Scan]) {
        for field in self.fields() {
            field.need(scans);
        }
    }
}

impl fmt::Display for Filter {
    /// An expression that means the same, with all brackets, and with times in place of `now`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.root.fmt(f)
    }
}

/// What an expression is made of.
#[derive(Clone, Debug, PartialEq)]
enum Expression {
    Or(Vec<Expression>),
    And(Vec<Expression>),
    Not(Box<Expression>),
    Test { field: Field, operator: Operator, operand: Operand },
}

impl Expression {
    fn collect<'a>(&'a self, fields: &mut Vec<&'a Field>) {
        match self {
            Self::Or(parts) | Self::And(parts) => parts.iter().for_each(|part| part.collect(fields)),
            Self::Not(inner) => inner.collect(fields),
            Self::Test { field, .. } => fields.push(field),
        }
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |f: &mut fmt::Formatter<'_>, parts: &[Expression], word| {
            for (at, part) in parts.iter().enumerate() {
                write!(f, "{}({part})", if at == 0 { "" } else { word })?;
            }
            Ok(())
        };
        match self {
            Self::Or(parts) => list(f, parts, " or "),
            Self::And(parts) => list(f, parts, " and "),
            Self::Not(inner) => write!(f, "not ({inner})"),
            Self::Test { field, operator, operand } => write!(f, "{field} {} {operand}", operator.text()),
        }
    }
}

/// How a field is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Contains,
}

impl Operator {
    fn text(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Contains => "~",
        }
    }
}

/// An expression that cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: {problem}")]
pub struct FilterError {
    /// Where: characters, the first is 1.
    pub column: usize,
    /// What is wrong there, and what is known instead.
    pub problem: String,
    /// Nothing is wrong but a name, which another database may have.
    pub unknown_field: bool,
}

impl FilterError {
    fn new(column: usize, problem: impl Into<String>) -> Self {
        Self { column, problem: problem.into(), unknown_field: false }
    }
}
