//! An experiment as one of several that are compared with each other.

use super::check;
use super::experiment::Experiment;
use super::naming::Blame;
use super::schema::{Family, Type};
use super::tree::Tree;

impl Experiment {
    /// The field in which the other experiment has other rows or other folds, and what they are called; none if the
    /// results of both can be paired.
    #[must_use]
    pub fn differs_in_rows(&self, other: &Self) -> Option<(&'static str, &'static str)> {
        if self.data() != other.data() {
            Some(("data", "data"))
        } else if self.folds() != other.folds() {
            Some(("cv", "folds"))
        } else {
            None
        }
    }

    /// The same experiment under its own name and that of a variant, as in `digits_wide`.
    ///
    /// # Errors
    /// The name that comes of it is too long.
    pub fn as_variant(&self, variant: &str) -> Result<Self, Blame> {
        let name = Tree::Text(format!("{}_{variant}", self.name()));
        check::refit(&Type::Name, Family::Experiment, name)
            .map(|name| self.renamed(name))
            .map_err(|problem| Blame { origin: self.make().origin().clone(), problem })
    }
}
