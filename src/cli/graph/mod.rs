//! `xrun plan --graph`: the steps of a run, what each needs, which are up to date and which will run, and why.

mod build;
mod mermaid;
mod text;

use serde::Serialize;

pub(super) use build::graph;
pub(super) use mermaid::mermaid;
pub(super) use text::text;

/// The steps of a run, each after those that it needs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Graph {
    /// Of the experiment.
    pub(super) name: String,
    /// Fits at most, those that are recorded, and the others.
    pub(super) n_fits: usize,
    pub(super) n_reused: usize,
    pub(super) n_others: usize,
    pub(super) steps: Vec<Step>,
    /// Whether its trials are told from outside.
    #[serde(skip)]
    pub(super) is_external: bool,
    /// Whether studies may need fewer fits.
    #[serde(skip)]
    pub(super) may_be_fewer: bool,
}

/// Something that is read, trained or made.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Step {
    /// By which others name it.
    pub(super) id: String,
    pub(super) stage: Stage,
    pub(super) name: String,
    pub(super) state: State,
    pub(super) what: String,
    /// Why it is in this state; empty where there is nothing to say.
    pub(super) why: String,
    /// The ids of the steps it follows from.
    pub(super) needs: Vec<String>,
}

/// The parts of a run, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Stage {
    Prepare,
    Train,
    Evaluate,
}

impl Stage {
    pub(super) const ALL: [Self; 3] = [Self::Prepare, Self::Train, Self::Evaluate];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Prepare => "prepare",
            Self::Train => "train",
            Self::Evaluate => "evaluate",
        }
    }
}

/// Whether a step has something to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    /// It is read each time, or there is nothing to do.
    Read,
    /// It is what it was in the latest run, or recorded.
    UpToDate,
    /// It is not what it was in the latest run.
    Changed,
    /// A part of it is recorded.
    Partly,
    /// Nothing of it is recorded.
    WillRun,
    /// It follows from steps that have something to do.
    Waits,
}

impl State {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::UpToDate => "up to date",
            Self::Changed => "changed",
            Self::Partly => "partly",
            Self::WillRun => "will run",
            Self::Waits => "waits",
        }
    }
}

impl Graph {
    /// As in `148 fits: 111 up to date, 37 at most will run`.
    pub(super) fn headline(&self) -> String {
        let at_most = if self.may_be_fewer { " at most" } else { "" };
        let fits = format!("{}{at_most}", crate::wording::count(self.n_fits, "fit"));
        match (self.n_reused, self.n_others) {
            (_, 0) => format!("{fits}: all up to date, nothing is trained"),
            _ if self.is_external => format!("{fits}: told from outside"),
            (0, n) => format!("{fits}: none is recorded, {n} at most will run"),
            (reused, n) => format!("{fits}: {reused} up to date, {n} at most will run"),
        }
    }
}
