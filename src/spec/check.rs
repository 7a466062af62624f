//! Holds a tree against the vocabulary: keys, types, ranges, required fields; fills defaults in.

use std::collections::BTreeMap;

use super::augment;
use super::command;
use super::expression::ExpressionError;
use super::leaf::{Leaf, Origin, SearchKind};
use super::schema::{Constructor, Default, Family, Field, Type};
use super::training;
use super::tree::{Make, Tree};
use super::vocabulary::{find, nearest};
use super::zoo;
use crate::metric::Metric;
use crate::space::DistributionView;
use crate::value::Value;

/// A step into a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A key of a map, or a field.
    Key(String),
    /// A position in a list.
    Index(usize),
}

/// What is wrong with a tree, and where in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// From the constructor's call to the place: a field first.
    pub path: Vec<Step>,
    /// Whether the key itself is to blame rather than its value.
    pub at_key: bool,
    /// What was found and what must hold.
    pub message: String,
    /// What to do, when it is not plain.
    pub hint: Option<String>,
}

impl Problem {
    /// A problem with the value at hand.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self { path: Vec::new(), at_key: false, message: message.into(), hint: None }
    }

    /// With what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Seen from one level further out.
    #[must_use]
    pub fn under(mut self, step: Step) -> Self {
        self.path.insert(0, step);
        self
    }

    /// A problem with a key of the map at hand.
    pub(super) fn key(mut self, key: &str) -> Self {
        self.at_key = true;
        self.under(Step::Key(key.to_owned()))
    }
}

impl From<ExpressionError> for Problem {
    fn from(error: ExpressionError) -> Self {
        Self::new(error.to_string())
    }
}

/// What can stand open, as the check sees it.
pub trait OpenPlace: Sized {
    /// Checks it against a type.
    ///
    /// # Errors
    /// What does not fit.
    fn fits(&self, takes: &Type, family: Family) -> Result<(), Problem>;

    /// Its decided value, if it has one already.
    fn value(&self) -> Option<Tree<std::convert::Infallible>>;
}

impl OpenPlace for std::convert::Infallible {
    fn fits(&self, _: &Type, _: Family) -> Result<(), Problem> {
        match *self {}
    }

    fn value(&self) -> Option<Tree<Self>> {
        match *self {}
    }
}

/// Builds what `constructor` makes of the `given` fields: every one known and fitting, defaults filled in.
///
/// # Errors
/// The first thing that does not fit, in the order of the vocabulary; unknown keys first.
pub fn build<L: OpenPlace + Clone>(
    constructor: &'static Constructor,
    given: BTreeMap<String, Tree<L>>,
    origin: Origin,
) -> Result<Make<L>, Problem> {
    let what = format!("`{}`", constructor.name);
    let fields = fields(constructor.fields, &what, constructor.family, given)?;
    let make = Make::new(constructor, fields, origin);
    across(&make)?;
    Ok(make)
}

/// Checks one value against a field of a constructor, as after an override.
///
/// # Errors
/// What does not fit.
pub fn refit<L: OpenPlace + Clone>(takes: &Type, family: Family, tree: Tree<L>) -> Result<Tree<L>, Problem> {
    fit(takes, family, tree)
}

fn is_embedded<L: OpenPlace>(path: Option<&Tree<L>>) -> bool {
    let is_the_word = |text: &str| text == "embedded";
    match path {
        Some(Tree::Text(path)) => is_the_word(path),
        Some(Tree::Leaf(leaf)) => matches!(leaf.value(), Some(Tree::Text(path)) if is_the_word(&path)),
        _ => false,
    }
}

/// Rules that join several fields.
///
/// # Errors
/// The rule that is broken.
pub fn across<L: OpenPlace>(make: &Make<L>) -> Result<(), Problem> {
    let name = make.constructor().name;
    let has = |field: &str| make.get(field).is_some();
    match make.constructor().family {
        Family::Search if has("objectives") && (has("maximize") || has("minimize")) => {
            Err(Problem::new(format!("`{name}` takes either `objectives`, or one of `maximize` and `minimize`"))
                .hint("list them all, as in objectives: [maximize(\"roc_auc\"), minimize(\"log_loss\")]")
                .key("objectives"))
        }
        Family::Search if !has("objectives") && has("maximize") == has("minimize") => {
            Err(Problem::new(format!("`{name}` needs one of `maximize` and `minimize`"))
                .hint("name the validation metric, as in maximize: \"roc_auc\""))
        }
        Family::Search if matches!(make.get("maximize").or(make.get("minimize")), Some(Tree::Leaf(_))) => {
            Err(Problem::new("the metric of a search is fixed"))
        }
        Family::Goal | Family::Constraint if matches!(make.get("metric"), Some(Tree::Leaf(_))) => {
            Err(Problem::new("the metric of a search is fixed").under(Step::Key("metric".to_owned())))
        }
        Family::Cv if name == "nested" && (has("file") == has("outer") || has("outer") != has("inner")) => {
            Err(Problem::new("`nested` needs `outer` and `inner` splitters, or a `file` with the folds"))
        }
        Family::Data if matches!(make.get("part"), Some(Tree::Text(part)) if part == "test") && has("n") => {
            Err(Problem::new("`n` is of the training part, but `part` is \"test\"")
                .hint("write n_test for a choice of test rows")
                .key("n"))
        }
        Family::Data if matches!(make.get("part"), Some(Tree::Text(part)) if part == "train") && has("n_test") => {
            Err(Problem::new("`n_test` is of the test part, but `part` is \"train\"")
                .hint("write n for a choice of training rows")
                .key("n_test"))
        }
        Family::Data if matches!(name, "fashion_mnist" | "cifar10") && is_embedded(make.get("path")) => {
            Err(Problem::new(format!("there are no drawn pictures of `{name}`; only the digits of `mnist` are drawn"))
                .hint(format!("name the folder of its files; `xrun data fetch {name}` fetches them"))
                .under(Step::Key("path".to_owned())))
        }
        Family::Split if has("cv") == has("train") || has("cv") != has("outer") => {
            Err(Problem::new("`split` needs `cv` with a position in it, or lists of rows"))
        }
        Family::Backbone if has("digest") && zoo::is_random(make.get("weights")) => {
            Err(Problem::new("a `digest` is of a file of weights, but there is none")
                .hint("name the file in `weights`, or leave `digest` out")
                .under(Step::Key("digest".to_owned())))
        }
        Family::Backbone => match make.get("kernel") {
            Some(Tree::Int(kernel)) if kernel % 2 == 0 => Err(Problem::new(format!("kernel {kernel} is even"))
                .hint("an odd kernel keeps the picture's size")
                .under(Step::Key("kernel".to_owned()))),
            _ => Ok(()),
        },
        Family::Augment => augment::across(make),
        Family::Optimizer => match (make.get("nesterov"), make.get("momentum"), make.get("dampening")) {
            (Some(Tree::Bool(true)), Some(Tree::Float(momentum)), Some(Tree::Float(dampening)))
                if *momentum <= 0.0 || *dampening != 0.0 =>
            {
                Err(Problem::new("nesterov needs a momentum above 0 and no dampening")
                    .under(Step::Key("nesterov".to_owned())))
            }
            _ => Ok(()),
        },
        Family::Experiment if has("objective") && (has("model") || has("train")) => {
            Err(Problem::new("an experiment has either an `objective`, or a `model` with `train`").key("objective"))
        }
        Family::Experiment if !has("objective") => {
            for needed in ["data", "model", "train", "cv"] {
                if !has(needed) {
                    return Err(Problem::new(format!("`experiment` needs `{needed}`"))
                        .hint("or an `objective` given by a formula, which needs no data"));
                }
            }
            phases(make)
        }
        Family::Phase => augment::in_order(make).and_then(|()| training::across(make)),
        Family::Objective if name == "command" => command::across(make),
        Family::Experiment if has("cv") && !has("data") => {
            Err(Problem::new("`cv` needs `data` whose rows it splits").hint("for a formula: data: rows(100)").key("cv"))
        }
        _ => Ok(()),
    }
}

fn phases<L: OpenPlace>(make: &Make<L>) -> Result<(), Problem> {
    let Some(Tree::List(phases)) = make.get("train") else { return Ok(()) };
    if phases.is_empty() {
        return Err(Problem::new("`train` needs at least one phase").under(Step::Key("train".to_owned())));
    }
    let mut seen: Vec<&str> = Vec::new();
    for (index, phase) in phases.iter().enumerate() {
        if let Tree::Make(phase) = phase
            && let Some(name) = phase.element_name()
        {
            if seen.contains(&name) {
                return Err(Problem::new(format!("two phases are called `{name}`"))
                    .hint("give each phase a name of its own: its parameters go by it")
                    .under(Step::Index(index))
                    .under(Step::Key("train".to_owned())));
            }
            seen.push(name);
        }
    }
    Ok(())
}

fn fields<L: OpenPlace + Clone>(
    known: &'static [Field],
    what: &str,
    family: Family,
    mut given: BTreeMap<String, Tree<L>>,
) -> Result<BTreeMap<String, Tree<L>>, Problem> {
    for key in given.keys() {
        if !known.iter().any(|field| field.name == key) {
            let names: Vec<&str> = known.iter().map(|field| field.name).collect();
            let hint = match nearest(key, names.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None if names.is_empty() => format!("{what} takes no keys"),
                None => format!("{what} takes {}", names.join(", ")),
            };
            return Err(Problem::new(format!("unknown key `{key}` in {what}")).hint(hint).key(key));
        }
    }
    let mut built = BTreeMap::new();
    for field in known {
        let tree = match given.remove(field.name) {
            Some(tree) => Some(
                fit(&field.takes, family, tree).map_err(|problem| problem.under(Step::Key(field.name.to_owned())))?,
            ),
            None => default(field, what)?,
        };
        if let Some(tree) = tree {
            built.insert(field.name.to_owned(), tree);
        }
    }
    Ok(built)
}

fn default<L: OpenPlace + Clone>(field: &'static Field, what: &str) -> Result<Option<Tree<L>>, Problem> {
    Ok(Some(match field.default {
        Default::Required => {
            return Err(
                Problem::new(format!("{what} needs `{}`", field.name)).hint(format!("{}: {}", field.name, field.help))
            );
        }
        Default::Absent => return Ok(None),
        Default::Bool(b) => Tree::Bool(b),
        Default::Int(i) => Tree::Int(i),
        Default::Float(x) => Tree::Float(x),
        Default::Text(t) => Tree::Text(t.to_owned()),
        Default::Floats(xs) => Tree::List(xs.iter().map(|x| Tree::Float(*x)).collect()),
        Default::EmptyList => Tree::List(Vec::new()),
        Default::Make(name) => {
            let constructor = find(name).expect("defaults name constructors of the vocabulary");
            Tree::Make(build(constructor, BTreeMap::new(), Origin::Xrun)?)
        }
    }))
}

fn fit<L: OpenPlace + Clone>(takes: &Type, family: Family, tree: Tree<L>) -> Result<Tree<L>, Problem> {
    let tree = match tree {
        Tree::Leaf(leaf) => {
            if let Some(value) = leaf.value() {
                fit(takes, family, value)?;
            } else {
                leaf.fits(takes, family)?;
            }
            return Ok(Tree::Leaf(leaf));
        }
        tree => tree,
    };
    match (takes, tree) {
        (Type::Bool, tree @ Tree::Bool(_)) | (Type::Text, tree @ Tree::Text(_)) => Ok(tree),
        (Type::Scalar, tree @ (Tree::Bool(_) | Tree::Int(_) | Tree::Float(_) | Tree::Text(_))) => Ok(tree),
        (Type::Duration, Tree::Text(text)) => match humantime::parse_duration(&text) {
            Ok(duration) if !duration.is_zero() => Ok(Tree::Text(text)),
            _ => {
                Err(Problem::new(format!("{text:?} is no duration")).hint("write it as \"90s\", \"10m\" or \"1h 30m\""))
            }
        },
        (Type::Int { low, high }, Tree::Int(i)) if (*low..=*high).contains(&i) => Ok(Tree::Int(i)),
        (Type::IntOr { low, high, .. }, Tree::Int(i)) if (*low..=*high).contains(&i) => Ok(Tree::Int(i)),
        (Type::IntOr { word, .. } | Type::ListOr { word, .. }, Tree::Text(text)) if text == *word => {
            Ok(Tree::Text(text))
        }
        (Type::Float { low, high }, Tree::Float(x)) if (*low..=*high).contains(&x) => Ok(Tree::Float(x)),
        #[expect(clippy::cast_precision_loss, reason = "whole numbers in scripts are far below 2^53")]
        (takes @ Type::Float { .. }, Tree::Int(i)) => fit(takes, family, Tree::Float(i as f64)),
        (Type::Name, Tree::Text(name)) if is_name(&name) => Ok(Tree::Text(name)),
        (Type::Name, Tree::Text(name)) => Err(Problem::new(format!(
            "{name:?} cannot be a name: letters, digits, `_`, `-` and inner `.`, at most 100"
        ))),
        (Type::Path, Tree::Text(path)) if !path.is_empty() => Ok(Tree::Text(path)),
        (Type::OneOf(options), Tree::Text(text)) if options.contains(&text.as_str()) => Ok(Tree::Text(text)),
        (Type::OneOf(options), Tree::Text(text)) => Err(not_one_of(&text, options)),
        (Type::Metric, Tree::Text(text)) => match text.parse::<Metric>() {
            Ok(_) => Ok(Tree::Text(text)),
            Err(_) => {
                let names: Vec<&str> = Metric::ALL.iter().map(|metric| metric.name()).collect();
                Err(not_one_of(&text, &names))
            }
        },
        (Type::List(item) | Type::ListOr { item, .. }, Tree::List(items)) => list(item, family, items),
        (Type::Tuple(n, item), Tree::List(items)) if items.len() == *n => list(item, family, items),
        (Type::Map(item), Tree::Map(given)) => given
            .into_iter()
            .map(|(key, tree)| match fit(item, family, tree) {
                Ok(tree) => Ok((key, tree)),
                Err(problem) => Err(problem.under(Step::Key(key))),
            })
            .collect::<Result<_, _>>()
            .map(Tree::Map),
        (Type::Record(known), Tree::Map(given)) => Ok(Tree::Map(fields(known, "this map", family, given)?)),
        (Type::Assignment, Tree::Map(given)) => assignment(family, given),
        (Type::Family(wanted), Tree::Make(make)) if wanted.takes(make.constructor().family) => Ok(Tree::Make(make)),
        (takes, tree) => Err(mismatch(takes, &tree.describe(), matches!(tree, Tree::Text(_)))),
    }
}

fn list<L: OpenPlace + Clone>(item: &Type, family: Family, items: Vec<Tree<L>>) -> Result<Tree<L>, Problem> {
    items
        .into_iter()
        .enumerate()
        .map(|(index, tree)| fit(item, family, tree).map_err(|problem| problem.under(Step::Index(index))))
        .collect::<Result<_, _>>()
        .map(Tree::List)
}

fn assignment<L: OpenPlace + Clone>(family: Family, given: BTreeMap<String, Tree<L>>) -> Result<Tree<L>, Problem> {
    for (key, tree) in &given {
        let fits = match tree {
            Tree::Leaf(leaf) if leaf.value().is_none() => leaf.fits(&Type::Assignment, family),
            Tree::Bool(_) | Tree::Int(_) | Tree::Float(_) | Tree::Text(_) | Tree::Leaf(_) => Ok(()),
            Tree::List(_) | Tree::Map(_) | Tree::Make(_) => {
                Err(Problem::new(format!("a number, a text, true or false was expected here, not {}", tree.describe())))
            }
        };
        fits.map_err(|problem| problem.under(Step::Key(key.clone())))?;
    }
    Ok(Tree::Map(given))
}

fn not_one_of(text: &str, options: &[&str]) -> Problem {
    let problem = Problem::new(format!("{text:?} is not one of {}", options.join(", ")));
    match nearest(text, options.iter().copied()) {
        Some(near) => problem.hint(format!("did you mean {near:?}?")),
        None => problem,
    }
}

fn mismatch(takes: &Type, found: &str, is_text: bool) -> Problem {
    let problem = Problem::new(format!("{} was expected here, not {found}", wanted(takes)));
    match takes {
        Type::Family(family) => {
            let names: Vec<&str> = super::vocabulary::constructors()
                .filter(|constructor| family.takes(constructor.family))
                .map(|constructor| constructor.name)
                .collect();
            problem.hint(format!("{} is made by {}", family.noun(), names.join(", ")))
        }
        Type::Int { .. } | Type::Float { .. } | Type::Bool if is_text => problem.hint("leave the quotes out"),
        _ => problem,
    }
}

fn wanted(takes: &Type) -> String {
    match takes {
        Type::Bool => "true or false".to_owned(),
        Type::Int { low, high } if *high >= 1 << 40 => format!("a whole number of at least {low}"),
        Type::Int { low, high } => format!("a whole number in {low}..={high}"),
        Type::IntOr { low, high, word } => format!("{} or {word:?}", wanted(&Type::Int { low: *low, high: *high })),
        Type::Float { low, high } if *low == f64::MIN && *high == f64::MAX => "a number".to_owned(),
        Type::Float { low, high: f64::MAX } if *low == f64::MIN_POSITIVE => "a number above 0".to_owned(),
        Type::Float { low, high: f64::MAX } => format!("a number of at least {low}"),
        Type::Float { low, high } if *low == 0.0 && high.next_up() == 1.0 => "a number from 0 to below 1".to_owned(),
        Type::Float { low, high } => format!("a number in {low}..={high}"),
        Type::Text => "a text".to_owned(),
        Type::Name => "a name".to_owned(),
        Type::Path => "a path".to_owned(),
        Type::OneOf(options) => format!("one of {}", options.join(", ")),
        Type::Metric => "the name of a metric".to_owned(),
        Type::Duration => "a duration such as \"10m\"".to_owned(),
        Type::Scalar => "a number, a text, true or false".to_owned(),
        Type::List(_) => "a list".to_owned(),
        Type::ListOr { word, .. } => format!("a list or {word:?}"),
        Type::Tuple(n, _) => format!("a list of {n}"),
        Type::Map(_) | Type::Record(_) => "a map `#{...}`".to_owned(),
        Type::Assignment => "a map of parameters and their values `#{...}`".to_owned(),
        Type::Family(family) => family.noun().to_owned(),
    }
}

fn is_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    !name.is_empty() && name.len() <= 100 && name.chars().all(plain) && !name.starts_with('.') && !name.ends_with('.')
}

impl OpenPlace for Leaf {
    fn fits(&self, takes: &Type, family: Family) -> Result<(), Problem> {
        if let Self::Param(_) = self {
            return Ok(());
        }
        if !family.is_searchable() || matches!(takes, Type::Name | Type::Path | Type::Metric | Type::Duration) {
            return Err(Problem::new("this cannot be searched: it must be the same for all trials")
                .hint("search-space objects may stand in model, train and objective; write one value here"));
        }
        match self {
            Self::Param(_) => Ok(()),
            Self::Derived(expression) => match (takes, expression.is_int()) {
                (Type::Float { .. } | Type::Scalar, Some(_)) | (Type::Int { .. } | Type::IntOr { .. }, Some(true)) => {
                    Ok(())
                }
                (Type::Int { .. } | Type::IntOr { .. }, Some(false)) => {
                    Err(Problem::new(format!("{} was expected here, not the fraction `{expression}`", wanted(takes))))
                }
                _ => Err(mismatch(takes, "a derived number", false)),
            },
            Self::Search(leaf) => match leaf.kind() {
                SearchKind::Choice(options) => {
                    for option in options {
                        fit(takes, family, option.tree.clone()).map_err(|problem| Problem {
                            path: Vec::new(),
                            message: format!("option `{}`: {}", option.label, problem.message),
                            ..problem
                        })?;
                    }
                    Ok(())
                }
                SearchKind::Distribution(distribution) => match distribution.kind() {
                    DistributionView::Uniform { low, high, .. } => {
                        ends(takes, family, distribution, [Value::Float(*low), Value::Float(*high)])
                    }
                    DistributionView::Int { low, high, .. } => {
                        ends(takes, family, distribution, [Value::Int(*low), Value::Int(*high)])
                    }
                    DistributionView::Choice { options } | DistributionView::Ordinal { options } => {
                        ends(takes, family, distribution, options.iter().cloned())
                    }
                    DistributionView::Normal { .. } => match takes {
                        Type::Float { .. } | Type::Scalar => Ok(()),
                        _ => Err(mismatch(takes, &format!("`{distribution}`"), false)),
                    },
                },
            },
        }
    }

    fn value(&self) -> Option<Tree<std::convert::Infallible>> {
        match self {
            Self::Param(param) => Some(Tree::from(&param.value)),
            Self::Search(_) | Self::Derived(_) => None,
        }
    }
}

fn ends(
    takes: &Type,
    family: Family,
    distribution: &crate::space::Distribution,
    values: impl IntoIterator<Item = Value>,
) -> Result<(), Problem> {
    for value in values {
        fit::<std::convert::Infallible>(takes, family, Tree::from(&value)).map_err(|problem| Problem {
            message: format!("`{distribution}` can give {value}, but {}", problem.message),
            ..problem
        })?;
    }
    Ok(())
}

impl<L> From<&Value> for Tree<L> {
    fn from(value: &Value) -> Self {
        match value {
            Value::Bool(b) => Self::Bool(*b),
            Value::Int(i) => Self::Int(*i),
            Value::Float(x) => Self::Float(*x),
            Value::Text(t) => Self::Text(t.clone()),
        }
    }
}
