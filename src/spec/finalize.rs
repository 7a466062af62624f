//! The experiment whose final is the model to ship: the same inner search, on all rows.

use super::check;
use super::experiment::{Experiment, Folds};
use super::leaf::{Leaf, Origin};
use super::naming::Blame;
use super::schema::{Family, Type};
use super::tree::{Make, Tree};
use super::vocabulary;

/// Why an experiment has no model to ship.
#[derive(Debug, thiserror::Error)]
pub enum FinalizeError {
    /// What it evaluates is no network.
    #[error(
        "its objective is `{objective}`, which makes no model; only an experiment with `model` and `train` has one to ship"
    )]
    NoModel {
        /// The constructor of the objective.
        objective: &'static str,
    },
    /// It has no folds.
    #[error("it has no `cv`, so nothing tells how good its model would be; add cv: nested(#{{...}}) and run it first")]
    NoFolds,
    /// Its folds were read from a file, which has inner folds of the other rows of an outer fold alone.
    #[error(
        "its folds come from a file, which has no inner folds of all rows; run it with drawn ones: \
         cv: nested(#{{ outer: ..., inner: ... }})"
    )]
    FoldsFromFile,
    /// It has no test rows: it is such an experiment already.
    #[error("it trains on all rows already")]
    AllRows,
    /// The name cannot name a folder.
    #[error("its name cannot be used: {reason}")]
    Name {
        /// What a name must be.
        reason: String,
    },
    /// What came of it is no experiment.
    #[error("the experiment on all rows does not hold together: {0}")]
    Experiment(String),
}

impl Experiment {
    /// This experiment on all rows, under another name: no row is held out for a test, and the inner splitter splits all
    /// rows, once. A study's best is the assignment with the best mean over the inner folds, and its final is trained on
    /// all rows, as with `per: "outer"`, also where this experiment has a study for each inner fold. Without a search
    /// there is nothing that tells epochs or a threshold but validation rows: then the final is that of the first inner
    /// fold, which keeps them. Trials of another run are not known to the search: they were scored on other rows.
    ///
    /// # Errors
    /// It has no model, or no folds that can be drawn for all rows.
    pub fn finalized(&self, name: &str) -> Result<Self, FinalizeError> {
        let given = self.make();
        if let Some(Tree::Make(objective)) = given.get("objective") {
            return Err(FinalizeError::NoModel { objective: objective.constructor().name });
        }
        match self.folds() {
            None => return Err(FinalizeError::NoFolds),
            Some(Folds::File { .. }) => return Err(FinalizeError::FoldsFromFile),
            Some(Folds::Drawn(nested)) if nested.outer().is_none() => return Err(FinalizeError::AllRows),
            Some(Folds::Drawn(_)) => {}
        }
        let mut make = given.clone();
        let name = check::refit(&Type::Name, Family::Experiment, Tree::Text(name.to_owned()))
            .map_err(|problem| FinalizeError::Name { reason: problem.message })?;
        make.set("name", Some(name));
        if let Some(Tree::Make(nested)) = given.get("cv") {
            make.set("cv", Some(Tree::Make(all_rows(nested, self.search().is_some()))));
        }
        if let Some(Tree::Make(search)) = given.get("search") {
            let mut search = search.clone();
            search.set("per", Some(Tree::Text("outer".to_owned())));
            if search.get("warm_start").is_some() {
                search.set("warm_start", None);
            }
            make.set("search", Some(Tree::Make(search)));
        }
        Self::new(make).map_err(|Blame { problem, .. }| FinalizeError::Experiment(problem.message))
    }
}

/// The inner folds of a nested cross-validation on all rows; without a search the first alone.
fn all_rows(nested: &Make<Leaf>, is_searched: bool) -> Make<Leaf> {
    let take = match nested.get("take") {
        _ if !is_searched => Some(Tree::Int(1)),
        Some(Tree::Map(take)) => take.get("inner").cloned(),
        _ => None,
    };
    let inner = nested.get("inner").cloned().map(|inner| ("inner".to_owned(), inner));
    let fields = inner.into_iter().chain(take.map(|take| ("take".to_owned(), take))).collect();
    let constructor = vocabulary::find("all_rows").expect("it is in the vocabulary");
    Make::new(constructor, fields, Origin::Xrun)
}
