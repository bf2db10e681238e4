//! An expression in pieces.

use super::{FilterError, Operator};

/// One piece, and the column where it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) column: usize,
    pub(super) kind: TokenKind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TokenKind {
    Open,
    Close,
    Operator(Operator),
    Word(String),
    Quoted(String),
}

pub(super) fn tokens(text: &str) -> Result<Vec<Token>, FilterError> {
    let mut tokens = Vec::new();
    let mut characters = text.chars().enumerate().map(|(at, character)| (at + 1, character)).peekable();
    while let Some((column, first)) = characters.next() {
        let kind = match first {
            blank if blank.is_whitespace() => continue,
            '(' => TokenKind::Open,
            ')' => TokenKind::Close,
            '=' => TokenKind::Operator(Operator::Equal),
            '~' => TokenKind::Operator(Operator::Contains),
            '!' | '<' | '>' => {
                let with_equal = characters.next_if(|(_, next)| *next == '=').is_some();
                TokenKind::Operator(match (first, with_equal) {
                    ('!', true) => Operator::NotEqual,
                    ('<', true) => Operator::LessOrEqual,
                    ('<', false) => Operator::Less,
                    ('>', true) => Operator::GreaterOrEqual,
                    ('>', false) => Operator::Greater,
                    _ => {
                        let problem = "'!' stands only before '='; the opposite of a term is 'not'";
                        return Err(FilterError::new(column, problem));
                    }
                })
            }
            '\'' | '"' => {
                let mut value = String::new();
                loop {
                    match characters.next() {
                        Some((_, next)) if next == first => break TokenKind::Quoted(value),
                        Some((_, next)) => value.push(next),
                        None => {
                            let problem = format!("the value that begins here has no closing {first}");
                            return Err(FilterError::new(column, problem));
                        }
                    }
                }
            }
            _ => {
                let mut word = first.to_string();
                // Behind an operator stands a value, and a name such as CN=www has operators in it.
                let is_value = matches!(tokens.last(), Some(Token { kind: TokenKind::Operator(_), .. }));
                let belongs = |next: char| !ends_word(next) && (is_value || !is_operator(next));
                while let Some((_, next)) = characters.next_if(|(_, next)| belongs(*next)) {
                    word.push(next);
                }
                TokenKind::Word(word)
            }
        };
        tokens.push(Token { column, kind });
    }
    Ok(tokens)
}

fn ends_word(character: char) -> bool {
    character.is_whitespace() || matches!(character, '(' | ')' | '\'' | '"')
}

fn is_operator(character: char) -> bool {
    matches!(character, '=' | '~' | '!' | '<' | '>')
}
