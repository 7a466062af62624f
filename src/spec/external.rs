//! `external(#{...})`: an objective whose values are told.

use super::check::{Problem, Step};
use super::leaf::Leaf;
use super::parse;
use super::tree::{Make, Tree};
use crate::value::Value;

/// An objective that somebody else evaluates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct External {
    /// Epochs that are told of a trial at most.
    pub n_epochs: Option<usize>,
}

impl External {
    pub(super) fn of(objective: &Make<Leaf>) -> Result<Self, Problem> {
        let n_epochs = match objective.get("epochs") {
            None => None,
            Some(Tree::Int(n)) => Some(*n),
            Some(Tree::Leaf(Leaf::Param(param))) => match param.value {
                Value::Int(n) => Some(n),
                _ => unreachable!("{}", parse::CHECKED),
            },
            Some(_) => {
                let problem = Problem::new("the number of epochs is the same for all trials").hint("write one number");
                return Err(problem.under(Step::Key("epochs".to_owned())).under(Step::Key("objective".to_owned())));
            }
        };
        Ok(Self { n_epochs: n_epochs.map(|n| usize::try_from(n).expect(parse::CHECKED)) })
    }
}
