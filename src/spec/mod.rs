//! The experiment as a tree: what a script builds, what an assignment resolves, what a config file prints.
//!
//! A script's values become a [`Tree`] whose open places are [`Leaf`]s. [`vocabulary`] says which constructors exist
//! and what their fields take, [`check`] holds a tree against it, [`naming`] gives every leaf its one dotted name
//! and derives the search space, [`resolve`] closes the leaves, [`mod@print`] writes a tree as a script that evaluates to
//! itself, and [`parse`] turns closed trees into the typed structs the other modules take;
//! [`FitConfig::canonical`] is what a fit's key is made of, and [`flat`] lists a tree's values under their names. A closed tree is a `Tree<Infallible>`: it has no room for a leaf.

mod agreement;
mod augment;
mod canonical;
pub mod check;
pub mod command;
pub mod constraint;
pub mod data;
pub mod domain;
mod enqueue;
pub mod experiment;
pub mod expression;
pub mod external;
mod finalize;
pub mod fit;
pub mod flat;
mod goal;
mod layers;
pub mod leaf;
mod model_part;
pub mod naming;
pub mod network;
pub mod overrides;
pub mod parse;
pub mod print;
mod prune;
pub mod resolve;
pub mod schema;
mod search;
mod training;
pub mod tree;
mod variant;
mod variants;
pub mod vocabulary;
pub mod zoo;

pub use experiment::Experiment;
pub use finalize::FinalizeError;
pub use fit::{FitConfig, Learner, Role};
pub use leaf::{Leaf, Origin, Param, SearchLeaf};
pub use model_part::ModelPart;
pub use tree::{Make, Tree};
pub use variants::Variants;
