//! From the text of a filter to its parts. `and` binds stronger than `or`, `not` stronger than both.
//!
//! ```text
//! either     = both { "or" both }
//! both       = negated { "and" negated }
//! negated    = "not" negated | "(" either ")" | NAME [ operator literal ]
//! operator   = "==" | "!=" | "<" | "<=" | ">" | ">="
//! literal    = NUMBER | "TEXT" | 'TEXT' | true | false
//! ```

use std::ops::Range;

use super::QueryError;
use crate::value::Value;

/// A filter as it was written.
#[derive(Debug, PartialEq)]
pub(super) enum Syntax {
    Or(Vec<Syntax>),
    And(Vec<Syntax>),
    Not(Box<Syntax>),
    Name(Spot),
    Compare { name: Spot, operator: Operator, operator_at: Range<usize>, literal: Value, literal_at: Range<usize> },
}

/// A name and where it stands.
#[derive(Debug, PartialEq)]
pub(super) struct Spot {
    pub(super) text: String,
    pub(super) at: Range<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Operator {
    Equal,
    Unequal,
    Less,
    AtMost,
    Greater,
    AtLeast,
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    Literal(Value),
    Operator(Operator),
    Open,
    Close,
}

const OPERATORS: [(&str, Operator); 6] = [
    ("==", Operator::Equal),
    ("!=", Operator::Unequal),
    ("<=", Operator::AtMost),
    (">=", Operator::AtLeast),
    ("<", Operator::Less),
    (">", Operator::Greater),
];

/// Signs of other languages, and what is meant.
const FOREIGN: [(&str, &str); 6] = [("&&", "and"), ("||", "or"), ("=", "=="), ("!", "not"), ("&", "and"), ("|", "or")];

/// Words and signs of a filter: each may nest what follows one deeper, and the stack has an end.
const MOST_TOKENS: usize = 1_000;

pub(super) fn parse(text: &str) -> Result<Syntax, QueryError> {
    let tokens = tokens(text)?;
    if let Some((_, at)) = tokens.get(MOST_TOKENS) {
        let hint = format!("it can have {MOST_TOKENS} words and signs");
        return Err(QueryError::new("the filter is too long", at.clone(), hint));
    }
    let mut parser = Parser { tokens, at: 0, end: text.trim_end().len() };
    let syntax = parser.either()?;
    match parser.peek() {
        None => Ok(syntax),
        Some((Token::Close, at)) => Err(QueryError::new("this closes nothing", at, "take it out, or open it with `(`")),
        Some((_, at)) => Err(QueryError::new("the filter should end here", at, "join two parts with `and` or `or`")),
    }
}

fn tokens(text: &str) -> Result<Vec<(Token, Range<usize>)>, QueryError> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(next) = text[at..].chars().next() {
        let rest = &text[at..];
        let (token, length) = match next {
            c if c.is_whitespace() => {
                at += c.len_utf8();
                continue;
            }
            '(' => (Token::Open, 1),
            ')' => (Token::Close, 1),
            quote @ ('"' | '\'') => quoted(rest, quote).ok_or_else(|| {
                QueryError::new("this text has no end", at..text.len(), format!("close it with {quote}"))
            })?,
            c if c.is_ascii_digit() || matches!(c, '-' | '+' | '.') => number(rest, at)?,
            c if c.is_alphabetic() || c == '_' => {
                let length =
                    rest.find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '.' | '-'))).unwrap_or(rest.len());
                (word(&rest[..length]), length)
            }
            _ => operator(rest, at)?,
        };
        tokens.push((token, at..at + length));
        at += length;
    }
    Ok(tokens)
}

fn word(text: &str) -> Token {
    match text {
        "true" => Token::Literal(Value::Bool(true)),
        "false" => Token::Literal(Value::Bool(false)),
        _ => Token::Word(text.to_owned()),
    }
}

/// The text up to the same quote; a quote of the other kind can stand in it.
fn quoted(rest: &str, quote: char) -> Option<(Token, usize)> {
    let inside = &rest[1..];
    let length = inside.find(quote)?;
    Some((Token::Literal(Value::Text(inside[..length].to_owned())), length + 2))
}

fn number(rest: &str, at: usize) -> Result<(Token, usize), QueryError> {
    let length =
        rest.find(|c: char| !(c.is_alphanumeric() || matches!(c, '.' | '-' | '+' | '_'))).unwrap_or(rest.len());
    let text = &rest[..length];
    let is_number = text.parse::<f64>().ok().filter(|number| number.is_finite());
    match is_number {
        Some(number) => Ok((Token::Literal(text.parse().map_or(Value::Float(number), Value::Int)), length)),
        None => Err(QueryError::new(
            format!("`{text}` is no number"),
            at..at + length,
            "write numbers as 0.9 or 1e-3, and dates and texts in quotes",
        )),
    }
}

fn operator(rest: &str, at: usize) -> Result<(Token, usize), QueryError> {
    if let Some((sign, operator)) = OPERATORS.iter().find(|(sign, _)| rest.starts_with(sign)) {
        return Ok((Token::Operator(*operator), sign.len()));
    }
    if let Some((sign, meant)) = FOREIGN.iter().find(|(sign, _)| rest.starts_with(sign)) {
        let message = format!("`{sign}` means nothing in a filter");
        return Err(QueryError::new(message, at..at + sign.len(), format!("did you mean `{meant}`?")));
    }
    let sign = rest.chars().next().unwrap_or_default();
    Err(QueryError::new(
        format!("`{sign}` means nothing in a filter"),
        at..at + sign.len_utf8(),
        "a filter is made of names, numbers, texts in quotes, == != < <= > >=, and, or, not, ( and )",
    ))
}

struct Parser {
    tokens: Vec<(Token, Range<usize>)>,
    at: usize,
    end: usize,
}

impl Parser {
    fn peek(&self) -> Option<(Token, Range<usize>)> {
        self.tokens.get(self.at).cloned()
    }

    fn next(&mut self) -> Option<(Token, Range<usize>)> {
        let next = self.peek();
        self.at += usize::from(next.is_some());
        next
    }

    fn take(&mut self, keyword: &str) -> bool {
        let is_there = matches!(self.peek(), Some((Token::Word(word), _)) if word == keyword);
        self.at += usize::from(is_there);
        is_there
    }

    fn either(&mut self) -> Result<Syntax, QueryError> {
        let mut parts = vec![self.both()?];
        while self.take("or") {
            parts.push(self.both()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Syntax::Or(parts) })
    }

    fn both(&mut self) -> Result<Syntax, QueryError> {
        let mut parts = vec![self.negated()?];
        while self.take("and") {
            parts.push(self.negated()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Syntax::And(parts) })
    }

    fn negated(&mut self) -> Result<Syntax, QueryError> {
        if self.take("not") {
            return Ok(Syntax::Not(Box::new(self.negated()?)));
        }
        match self.next() {
            Some((Token::Open, opened)) => {
                let inside = self.either()?;
                match self.next() {
                    Some((Token::Close, _)) => Ok(inside),
                    Some((_, at)) => {
                        Err(QueryError::new("a `)` should stand here", at, "join two parts with `and` or `or`"))
                    }
                    None => Err(QueryError::new("this is never closed", opened, "add a `)`")),
                }
            }
            Some((Token::Word(word), at)) if !matches!(word.as_str(), "and" | "or") => {
                self.comparison(Spot { text: word, at })
            }
            Some((Token::Literal(_), at)) => Err(QueryError::new(
                "a name should stand here",
                at,
                "write the name first, as in metrics.roc_auc > 0.9",
            )),
            Some((_, at)) => Err(QueryError::new("a name should stand here", at, EXAMPLE)),
            None => Err(QueryError::new("a name should follow", self.end..self.end, EXAMPLE)),
        }
    }

    fn comparison(&mut self, name: Spot) -> Result<Syntax, QueryError> {
        let Some((Token::Operator(operator), operator_at)) = self.peek() else { return Ok(Syntax::Name(name)) };
        self.at += 1;
        match self.next() {
            Some((Token::Literal(literal), literal_at)) => {
                Ok(Syntax::Compare { name, operator, operator_at, literal, literal_at })
            }
            Some((Token::Word(word), at)) => Err(QueryError::new(
                format!("`{word}` is no number and no text"),
                at,
                format!("write texts in quotes: \"{word}\""),
            )),
            Some((_, at)) => Err(QueryError::new("a number or a text should stand here", at, EXAMPLE)),
            None => Err(QueryError::new("a number or a text should follow", self.end..self.end, EXAMPLE)),
        }
    }
}

const EXAMPLE: &str = "as in metrics.roc_auc > 0.9 and tags.kind == \"baseline\"";
