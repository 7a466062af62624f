//! The networks that a search space holds, as far as they differ in structure: which assignments of a model's parameters
//! are looked at before anything is trained.

use std::collections::{BTreeMap, BTreeSet};

use super::leaf::{Leaf, SearchKind};
use super::naming::Names;
use super::tree::Tree;
use crate::seed::Seed;
use crate::space::{Distribution, DistributionView, Parameter, SearchSpace};
use crate::value::{Assignment, Value};

/// Assignments that are looked at, at most.
const MOST: usize = 256;
/// Values of a range of whole numbers that are all looked at, at most; of a longer one both ends are.
const MOST_OF_RANGE: i64 = 8;

/// The parameters of a part of an experiment, in the order of the search space.
#[derive(Clone, Debug)]
pub struct Variants {
    parameters: Vec<Parameter>,
}

impl Variants {
    /// The parameters that stand in `tree`.
    pub(super) fn new(tree: &Tree<Leaf>, names: &Names, space: &SearchSpace) -> Self {
        let mut ids = BTreeSet::new();
        collect(tree, &mut ids);
        let inside: BTreeSet<&str> =
            names.leaves().iter().filter(|named| ids.contains(&named.leaf.id())).map(|named| &*named.name).collect();
        let parameters = space.parameters().iter().filter(|parameter| inside.contains(parameter.name())).cloned();
        Self { parameters: parameters.collect() }
    }

    /// Every parameter at its first value: the first option of a choice, the low end of a range, the middle of a normal
    /// distribution.
    #[must_use]
    pub fn first(&self) -> Assignment {
        self.assign(|parameter| values(parameter.distribution()).swap_remove(0))
    }

    /// Every combination of the values that can change what a network looks like, if they are few enough, [`first`]
    /// first; else a sample of them, always the same, which has every value of every parameter as far as they go.
    ///
    /// [`first`]: Self::first
    #[must_use]
    pub fn combinations(&self) -> Vec<Assignment> {
        let mut found = Vec::new();
        self.every(0, &mut Assignment::new(), &mut found);
        if found.len() <= MOST { found } else { self.sample() }
    }

    /// Walks all combinations from parameter `index` on; ends with one more than are looked at.
    fn every(&self, index: usize, so_far: &mut Assignment, found: &mut Vec<Assignment>) {
        if found.len() > MOST {
            return;
        }
        let Some(parameter) = self.parameters.get(index) else {
            found.push(so_far.clone());
            return;
        };
        if !parameter.is_active(so_far) {
            return self.every(index + 1, so_far, found);
        }
        for value in values(parameter.distribution()) {
            so_far.insert(parameter.name().to_owned(), value);
            self.every(index + 1, so_far, found);
        }
        so_far.remove(parameter.name());
    }

    fn sample(&self) -> Vec<Assignment> {
        let mut found = vec![self.first()];
        let mut add = |assignment: Assignment| {
            if found.len() < MOST && !found.contains(&assignment) {
                found.push(assignment);
            }
        };
        for parameter in &self.parameters {
            for value in values(parameter.distribution()) {
                add(self.with(parameter, value));
            }
        }
        let mut stream = Seed::root(0).child("variants").stream();
        for _ in 0..MOST {
            add(self.assign(|parameter| {
                let mut values = values(parameter.distribution());
                let at = stream.below(values.len());
                values.swap_remove(at)
            }));
        }
        found
    }

    /// The first values but for one parameter, and for the choices it depends on.
    fn with(&self, parameter: &Parameter, value: Value) -> Assignment {
        let mut fixed = BTreeMap::from([(parameter.name(), value)]);
        let mut condition = parameter.condition();
        while let Some(outer) = condition {
            fixed.insert(outer.parameter(), outer.options()[0].clone());
            let decider = self.parameters.iter().find(|parameter| parameter.name() == outer.parameter());
            condition = decider.and_then(|decider| decider.condition());
        }
        self.assign(|parameter| {
            let first = || values(parameter.distribution()).swap_remove(0);
            fixed.get(parameter.name()).cloned().unwrap_or_else(first)
        })
    }

    /// The parameters of `assignment` that are to blame for what `fails`: another value of one of them alone would do.
    #[must_use]
    pub fn to_blame(&self, assignment: &Assignment, fails: impl Fn(&Assignment) -> bool) -> Assignment {
        let would_do = |parameter: &&Parameter| {
            assignment.contains_key(parameter.name())
                && values(parameter.distribution()).into_iter().any(|other| {
                    let changed = self.assign(|each| {
                        let first = || values(each.distribution()).swap_remove(0);
                        let kept = || assignment.get(each.name()).cloned().unwrap_or_else(first);
                        if each.name() == parameter.name() { other.clone() } else { kept() }
                    });
                    changed != *assignment && !fails(&changed)
                })
        };
        let blamed = self.parameters.iter().filter(would_do);
        blamed.map(|parameter| (parameter.name().to_owned(), assignment[parameter.name()].clone())).collect()
    }

    /// The assignment of all parameters that are active when each takes what `pick` says.
    fn assign(&self, mut pick: impl FnMut(&Parameter) -> Value) -> Assignment {
        let mut assignment = Assignment::new();
        for parameter in &self.parameters {
            if parameter.is_active(&assignment) {
                assignment.insert(parameter.name().to_owned(), pick(parameter));
            }
        }
        assignment
    }
}

/// The values of a distribution that are looked at, at least one. A fraction changes no shape, so one is enough.
fn values(distribution: &Distribution) -> Vec<Value> {
    match distribution.kind() {
        DistributionView::Choice { options } | DistributionView::Ordinal { options } => options.clone(),
        DistributionView::Int { low, high, step, .. } => {
            let last = (high - low) / step;
            let steps: Vec<i64> = if last < MOST_OF_RANGE { (0..=last).collect() } else { vec![0, last] };
            steps.into_iter().map(|index| Value::Int(low + index * step)).collect()
        }
        DistributionView::Uniform { low, .. } => vec![Value::Float(*low)],
        DistributionView::Normal { mu, log, .. } => {
            vec![distribution.from_internal(if *log { libm::exp(*mu) } else { *mu })]
        }
    }
}

fn collect(tree: &Tree<Leaf>, ids: &mut BTreeSet<u64>) {
    match tree {
        Tree::Leaf(Leaf::Search(leaf)) => {
            ids.insert(leaf.id());
            if let SearchKind::Choice(options) = leaf.kind() {
                options.iter().for_each(|option| collect(&option.tree, ids));
            }
        }
        Tree::Leaf(Leaf::Derived(expression)) => {
            let mut leaves = Vec::new();
            expression.leaves(&mut leaves);
            ids.extend(leaves.iter().map(|leaf| leaf.id()));
        }
        Tree::List(items) => items.iter().for_each(|item| collect(item, ids)),
        Tree::Map(map) => map.values().for_each(|item| collect(item, ids)),
        Tree::Make(make) => make.fields().iter().for_each(|(_, tree)| collect(tree, ids)),
        Tree::Bool(_) | Tree::Int(_) | Tree::Float(_) | Tree::Text(_) | Tree::Leaf(Leaf::Param(_)) => {}
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::space::Condition;

    fn variants(parameters: Vec<Parameter>) -> Variants {
        SearchSpace::new(parameters.clone()).unwrap();
        Variants { parameters }
    }

    fn choice(name: &str, options: &[&str]) -> Parameter {
        let options = options.iter().map(|&option| Value::Text(option.to_owned())).collect();
        Parameter::new(name, Distribution::choice(options).unwrap())
    }

    fn ints(name: &str, low: i64, high: i64) -> Parameter {
        Parameter::new(name, Distribution::int(low, high).unwrap())
    }

    fn texts(assignments: &[Assignment]) -> Vec<String> {
        let text = |assignment: &Assignment| {
            assignment.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
        };
        assignments.iter().map(text).collect()
    }

    #[test]
    fn combinations_follow_the_conditions_and_begin_with_the_first_values() {
        let inner = ints("n", 1, 2).only_if(Condition::new("block", vec![Value::Text("b".to_owned())]));
        let rate = Parameter::new("rate", Distribution::uniform(0.25, 0.5).unwrap());
        let variants = variants(vec![choice("block", &["a", "b"]), inner, rate]);
        let all = variants.combinations();
        assert_eq!(texts(&all), ["block=a rate=0.25", "block=b n=1 rate=0.25", "block=b n=2 rate=0.25"]);
        assert_eq!(variants.first(), all[0]);
    }

    #[test]
    fn of_a_long_range_both_ends_are_looked_at_and_the_middle_of_a_normal_distribution() {
        let normal = Parameter::new("z", Distribution::normal(0.5, 1.0).unwrap());
        assert_eq!(texts(&variants(vec![ints("n", 1, 64), normal]).combinations()), ["n=1 z=0.5", "n=64 z=0.5"]);
        assert_eq!(variants(vec![ints("n", 1, 8)]).combinations().len(), 8);
        let stepped = Parameter::new("n", Distribution::int(8, 64).unwrap().with_step(8.0).unwrap());
        assert_eq!(variants(vec![stepped]).combinations().len(), 8);
    }

    #[test]
    fn a_space_of_too_many_combinations_is_sampled_in_the_same_way_with_every_value_in_it() {
        let mut parameters: Vec<Parameter> = (0..9).map(|index| choice(&format!("p{index}"), &["a", "b"])).collect();
        parameters.push(ints("n", 1, 3).only_if(Condition::new("p8", vec![Value::Text("b".to_owned())])));
        let sampled = variants(parameters.clone()).combinations();
        assert_eq!(sampled, variants(parameters.clone()).combinations());
        assert!(sampled.len() > 100 && sampled.len() <= MOST, "{}", sampled.len());
        for parameter in &parameters {
            for value in values(parameter.distribution()) {
                let has = |assignment: &Assignment| assignment.get(parameter.name()) == Some(&value);
                assert!(sampled.iter().any(has), "{} = {value}", parameter.name());
            }
        }
        let distinct: BTreeSet<String> = texts(&sampled).into_iter().collect();
        assert_eq!(distinct.len(), sampled.len());
        assert_eq!(variants(parameters[..8].to_vec()).combinations().len(), 256, "all of them, just few enough");
    }

    #[test]
    fn those_parameters_are_to_blame_of_which_another_value_would_do() {
        let variants = variants(vec![choice("block", &["a", "b"]), ints("n", 1, 3), choice("other", &["x", "y"])]);
        let fails = |assignment: &Assignment| {
            assignment["block"] == Value::Text("b".to_owned()) && assignment["n"] != Value::Int(1)
        };
        let failing = variants.combinations().into_iter().find(|assignment| fails(assignment)).unwrap();
        assert_eq!(texts(&[variants.to_blame(&failing, fails)]), ["block=b n=2"]);
        assert_eq!(texts(&[variants.to_blame(&failing, |_| true)]), [""]);
    }
}
