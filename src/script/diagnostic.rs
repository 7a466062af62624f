//! An error with the place in a script it is about.

use std::fmt;
use std::sync::Arc;

/// A message, the place it is about, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// What was found and what must hold.
    pub message: String,
    /// Where, if it is about a place in a script.
    pub place: Option<Place>,
    /// What to do, when it is not plain.
    pub hint: Option<String>,
}

/// A span in a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The script, as it is shown.
    pub source: Arc<str>,
    /// Its whole text.
    pub text: Arc<str>,
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1, in characters.
    pub column: usize,
    /// Length in characters, at least 1.
    pub length: usize,
}

impl Diagnostic {
    /// A message without a place.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), place: None, hint: None }
    }

    /// With what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// One line; the command line draws the excerpt.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{}:{}:{}: ", place.source, place.line, place.column)?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for Diagnostic {}
