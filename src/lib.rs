//! xrun: a config-driven experiment runner with embedded scripting.
//!
//! # The walk of a value
//!
//! ```text
//! script text --script--> Experiment (tree of fixed values and search-space objects)
//!             --spec----> SearchSpace (ordered parameters, each with one name)
//!             --plan----> Plan (outer x inner folds x trials -> fits; printable before anything runs)
//!   per study --study---> Assignment (name -> value)          [sampler: pure in space, history and seed]
//!             --spec----> FitConfig (no search-space object can be left in it)
//!             --train---> Outcome (metrics per epoch, predictions, weights)
//!             --store---> run folder
//! ```
//!
//! A value keeps one dotted name from script to report, each stage turns its input into a stricter type, and arrows go
//! one way: a module uses only those of layers below its own. `ARCHITECTURE.md` has the table of layers.

pub mod cli;
pub mod comparison;
pub mod data;
pub mod device;
pub mod estimate;
pub mod fetch;
pub mod importance;
mod kernel;
pub mod metric;
pub mod model;
pub mod numerics;
pub mod pareto;
pub mod plan;
pub mod program;
pub mod pruner;
pub mod replay;
pub mod report;
pub mod runner;
pub mod sampler;
pub mod script;
pub mod seed;
pub mod settings;
pub mod space;
pub mod spec;
pub mod split;
pub mod statistics;
pub mod stop;
pub mod store;
pub mod study;
pub mod train;
pub mod trial;
pub mod value;
pub mod wording;
