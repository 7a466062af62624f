//! How the vocabulary describes a constructor: its fields, what each takes, and what it is when left out.

/// A constructor of the script language.
#[derive(Debug)]
pub struct Constructor {
    /// As it is called in a script.
    pub name: &'static str,
    /// What it builds.
    pub family: Family,
    /// How many of the first fields may be given as plain arguments, in order.
    pub positional: usize,
    /// All fields, in the order in which they are printed.
    pub fields: &'static [Field],
    /// Whether a list element of this kind goes by its `name` in paths.
    pub named: bool,
    /// One line for the user.
    pub help: &'static str,
}

/// What a constructor builds, and so where its result may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// What a script ends with.
    Experiment,
    /// One training, fully resolved.
    Fit,
    /// A data set.
    Data,
    /// A model.
    Model,
    /// The part of a model that turns a row into features.
    Backbone,
    /// A layer.
    Layer,
    /// Layers in order: a layer, and a backbone too.
    Sequential,
    /// A phase of training.
    Phase,
    /// An update rule.
    Optimizer,
    /// What becomes of the learning rate.
    Schedule,
    /// An augmentation.
    Augment,
    /// A way to split rows into folds.
    Splitter,
    /// Outer and inner folds.
    Cv,
    /// One position in outer and inner folds.
    Split,
    /// A search.
    Search,
    /// A metric and the way in which it is better.
    Goal,
    /// A limit of a metric.
    Constraint,
    /// A rule by which trials are given up.
    Pruner,
    /// A rule for the decision threshold.
    Threshold,
    /// An objective in place of model and train: a formula, or what a program of the user's says.
    Objective,
}

impl Family {
    /// What it is called in messages.
    #[must_use]
    pub fn noun(self) -> &'static str {
        match self {
            Self::Experiment => "an experiment",
            Self::Fit => "a fit",
            Self::Data => "a data set",
            Self::Model => "a model",
            Self::Backbone => "a backbone",
            Self::Layer => "a layer",
            Self::Sequential => "layers in order",
            Self::Phase => "a phase",
            Self::Optimizer => "an optimizer",
            Self::Schedule => "a schedule",
            Self::Augment => "an augmentation",
            Self::Splitter => "a splitter",
            Self::Cv => "a cross-validation",
            Self::Split => "a split",
            Self::Search => "a search",
            Self::Goal => "a metric with its direction",
            Self::Constraint => "a limit of a metric",
            Self::Pruner => "a pruner",
            Self::Threshold => "a threshold rule",
            Self::Objective => "an objective",
        }
    }

    /// Whether search-space objects may stand inside: only where training can differ between trials.
    #[must_use]
    pub fn is_searchable(self) -> bool {
        matches!(
            self,
            Self::Model
                | Self::Backbone
                | Self::Layer
                | Self::Sequential
                | Self::Phase
                | Self::Optimizer
                | Self::Schedule
                | Self::Augment
                | Self::Objective
        )
    }

    /// Whether what a constructor of the family `built` builds may stand where this one is wanted.
    #[must_use]
    pub fn takes(self, built: Self) -> bool {
        self == built || (built == Self::Sequential && matches!(self, Self::Backbone | Self::Layer))
    }
}

/// A field of a constructor or of a record.
#[derive(Debug)]
pub struct Field {
    /// Its key.
    pub name: &'static str,
    /// What it takes.
    pub takes: Type,
    /// What it is when left out.
    pub default: Default,
    /// One line for the user.
    pub help: &'static str,
}

/// What a field takes.
#[derive(Debug)]
pub enum Type {
    /// A truth value.
    Bool,
    /// A whole number in `low..=high`.
    Int {
        /// Smallest.
        low: i64,
        /// Largest.
        high: i64,
    },
    /// A whole number in `low..=high`, or one word in its place.
    IntOr {
        /// Smallest.
        low: i64,
        /// Largest.
        high: i64,
        /// The word.
        word: &'static str,
    },
    /// A list, or one word in its place.
    ListOr {
        /// What the list is of.
        item: &'static Type,
        /// The word.
        word: &'static str,
    },
    /// A number in `low..=high`; a whole number will do.
    Float {
        /// Smallest.
        low: f64,
        /// Largest.
        high: f64,
    },
    /// A text.
    Text,
    /// A text that may be a file name: letters, digits, `.`, `_`, `-`. Never searched.
    Name,
    /// A path; relative ones count from the project root. Never searched.
    Path,
    /// One of these texts.
    OneOf(&'static [&'static str]),
    /// The name of a metric.
    Metric,
    /// A duration as text, such as `10m`. Never searched.
    Duration,
    /// A number, a text, true or false.
    Scalar,
    /// A list.
    List(&'static Type),
    /// A list of exactly this many.
    Tuple(usize, &'static Type),
    /// A map of parameters' names and plain values.
    Assignment,
    /// A map with keys of the user's own; an object that stands in it goes by its key.
    Map(&'static Type),
    /// A map with these keys.
    Record(&'static [Field]),
    /// What a constructor of the family builds.
    Family(Family),
}

/// What a field is when left out.
#[derive(Debug)]
pub enum Default {
    /// It must be given.
    Required,
    /// Nothing stands there.
    Absent,
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number.
    Float(f64),
    /// A text.
    Text(&'static str),
    /// A list of numbers.
    Floats(&'static [f64]),
    /// An empty list.
    EmptyList,
    /// What the constructor of this name builds from its own defaults.
    Make(&'static str),
}
