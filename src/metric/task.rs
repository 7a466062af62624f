//! What is to be told of a row.

/// What a model is to tell of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// To which of so many classes it belongs.
    Classes(usize),
    /// A number.
    Number,
}

impl Task {
    /// Number of classes; none of a number.
    #[must_use]
    pub fn n_classes(self) -> Option<usize> {
        match self {
            Self::Classes(n) => Some(n),
            Self::Number => None,
        }
    }
}
