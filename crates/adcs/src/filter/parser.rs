//! Pieces of an expression put together.

use super::lexer::{Token, TokenKind, tokens};
use super::{Expression, FilterError, MAXIMUM_LENGTH, Operand, Operator};
use crate::field::Nature;
use crate::{Catalog, Field, FileTime};

/// Brackets and negations inside each other.
const MAXIMUM_DEPTH: usize = 64;

pub(super) fn parse(text: &str, catalog: &Catalog, now: FileTime) -> Result<Expression, FilterError> {
    if text.len() > MAXIMUM_LENGTH {
        let problem = format!("the expression has more than {MAXIMUM_LENGTH} bytes");
        return Err(FilterError::new(1, problem));
    }
    let end = text.chars().count() + 1;
    let mut parser = Parser { tokens: tokens(text)?.into_iter().peekable(), end, catalog, now, depth: 0 };
    let expression = parser.expression()?;
    match parser.tokens.next() {
        None => Ok(expression),
        Some(token) => Err(parser.error(&token, "'and' or 'or' is wanted here, or the end")),
    }
}

struct Parser<'a> {
    tokens: std::iter::Peekable<std::vec::IntoIter<Token>>,
    /// The column behind the expression.
    end: usize,
    catalog: &'a Catalog,
    now: FileTime,
    depth: usize,
}

impl Parser<'_> {
    fn expression(&mut self) -> Result<Expression, FilterError> {
        self.list("or", Self::all, Expression::Or)
    }

    fn all(&mut self) -> Result<Expression, FilterError> {
        self.list("and", Self::term, Expression::And)
    }

    fn list(
        &mut self,
        word: &str,
        part: fn(&mut Self) -> Result<Expression, FilterError>,
        together: fn(Vec<Expression>) -> Expression,
    ) -> Result<Expression, FilterError> {
        let first = part(self)?;
        let mut parts = vec![first];
        while self.tokens.next_if(|token| is_word(token, word)).is_some() {
            parts.push(part(self)?);
        }
        if parts.len() > 1 {
            return Ok(together(parts));
        }
        parts.pop().ok_or_else(|| self.at_end("a test is wanted"))
    }

    fn term(&mut self) -> Result<Expression, FilterError> {
        let Some(token) = self.tokens.next() else {
            return Err(self.at_end("a test is wanted, such as disposition=issued"));
        };
        if self.depth >= MAXIMUM_DEPTH {
            return Err(self.error(&token, "more brackets than can be followed"));
        }
        self.depth += 1;
        let term = match &token.kind {
            TokenKind::Open => {
                let inner = self.expression()?;
                match self.tokens.next() {
                    Some(Token { kind: TokenKind::Close, .. }) => inner,
                    Some(other) => return Err(self.error(&other, "')' is wanted here, or 'and' or 'or'")),
                    None => {
                        let problem = format!("')' is wanted for the '(' in column {}", token.column);
                        return Err(self.at_end(&problem));
                    }
                }
            }
            TokenKind::Word(word) if word.eq_ignore_ascii_case("not") => Expression::Not(Box::new(self.term()?)),
            TokenKind::Word(name) => self.test(&token, name)?,
            _ => return Err(self.error(&token, "a field is wanted here, 'not' or '('")),
        };
        self.depth -= 1;
        Ok(term)
    }

    fn test(&mut self, token: &Token, name: &str) -> Result<Expression, FilterError> {
        let field: Field = self
            .catalog
            .field(name)
            .map_err(|error| FilterError { unknown_field: true, ..self.error(token, &error.to_string()) })?;
        let operator = match self.tokens.next() {
            Some(Token { kind: TokenKind::Operator(operator), .. }) => operator,
            Some(other) => return Err(self.error(&other, "one of = != < <= > >= ~ is wanted here")),
            None => return Err(self.at_end("one of = != < <= > >= ~ is wanted")),
        };
        let Some(token) = self.tokens.next() else { return Err(self.at_end("a value is wanted")) };
        if operator == Operator::Contains
            && let Some(what) = not_contained(&field)
        {
            return Err(self.error(&token, &format!("{field} is {what}; ~ is for text")));
        }
        let operand = match &token.kind {
            TokenKind::Word(word) => Operand::of_word(word, &field, self.now),
            TokenKind::Quoted(text) => Operand::of_text(text, &field, self.now),
            _ => {
                return Err(self.error(
                    &token,
                    "a value is wanted here; quote one that begins with an operator or has a bracket in it",
                ));
            }
        };
        let operand = operand.map_err(|problem| self.error(&token, &problem))?;
        if operand == Operand::None && !matches!(operator, Operator::Equal | Operator::NotEqual) {
            let problem = format!("with none only = and != are possible, as in {field} != none");
            return Err(self.error(&token, &problem));
        }
        Ok(Expression::Test { field, operator, operand })
    }

    fn error(&self, token: &Token, problem: &str) -> FilterError {
        FilterError::new(token.column, problem)
    }

    fn at_end(&self, problem: &str) -> FilterError {
        FilterError::new(self.end, problem)
    }
}

/// What a field is that contains nothing.
fn not_contained(field: &Field) -> Option<&'static str> {
    match field.nature() {
        Nature::Number | Nature::Words(_) | Nature::Code(_) => Some("a number"),
        Nature::Date => Some("a date"),
        Nature::Text | Nature::Serial | Nature::Digits | Nature::Oid | Nature::Binary => None,
    }
}

fn is_word(token: &Token, wanted: &str) -> bool {
    matches!(&token.kind, TokenKind::Word(word) if word.eq_ignore_ascii_case(wanted))
}
