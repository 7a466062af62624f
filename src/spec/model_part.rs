//! The model of an experiment or a fit by itself: what networks it can become, before any training is composed.

use super::check::{Problem, Step};
use super::experiment::Experiment;
use super::fit::{FitConfig, NetworkSpec};
use super::leaf::{Leaf, Origin, SearchKind};
use super::naming::{Blame, Names};
use super::network::ModelSpec;
use super::parse;
use super::resolve::resolve_part;
use super::tree::Tree;
use super::variants::Variants;
use crate::metric::Task;
use crate::space::SearchSpace;
use crate::value::Assignment;

/// A model with its parameters.
#[derive(Clone, Debug)]
pub struct ModelPart {
    tree: Tree<Leaf>,
    names: Names,
    variants: Variants,
    /// Where the experiment or the fit was built.
    origin: Origin,
}

impl ModelPart {
    /// The model of an experiment; none if it has a formula in its place.
    #[must_use]
    pub fn of_experiment(experiment: &Experiment) -> Option<Self> {
        let tree = experiment.make().get("model")?.clone();
        let names = experiment.names().clone();
        let variants = Variants::new(&tree, &names, experiment.space());
        Some(Self { tree, names, variants, origin: experiment.make().origin().clone() })
    }

    /// The model of a fit; none if it has a formula in its place.
    #[must_use]
    pub fn of_fit(fit: &FitConfig) -> Option<Self> {
        let tree = fit.tree().get("model")?.open();
        let names = Names::default();
        let variants = Variants::new(&tree, &names, &SearchSpace::default());
        Some(Self { tree, names, variants, origin: fit.tree().origin().clone() })
    }

    /// The values its parameters can take.
    #[must_use]
    pub fn variants(&self) -> &Variants {
        &self.variants
    }

    /// The model under an assignment of its parameters, for the task of the data.
    ///
    /// # Errors
    /// A derived value that does not fit its place, or a loss that does not fit the task.
    pub fn resolve(&self, assignment: &Assignment, task: Task) -> Result<ModelSpec, Problem> {
        let Tree::Make(model) = resolve_part(&self.tree, &self.names, assignment)? else {
            unreachable!("a model is built by classifier(...) or regressor(...)")
        };
        let NetworkSpec { backbone, head, loss, loss_options } = parse::network(&model);
        let (loss, loss_options) = (loss.choose(task)?, loss_options.for_task(task)?);
        Ok(ModelSpec { backbone, head, loss, loss_options })
    }

    /// Blames a problem on the innermost constructor's call on the way along `place` from the model, which goes through
    /// the options that the assignment has chosen.
    #[must_use]
    pub fn blame(&self, assignment: &Assignment, place: &[Step], mut problem: Problem) -> Blame {
        let mut origin = &self.origin;
        let mut path = vec![Step::Key("model".to_owned())];
        let mut here = Some(&self.tree);
        let mut steps = place.iter();
        while let Some(tree) = here {
            let tree = self.chosen(tree, assignment);
            if let Tree::Make(make) = tree {
                origin = make.origin();
                path.clear();
            }
            let Some(step) = steps.next() else { break };
            path.push(step.clone());
            here = match (tree, step) {
                (Tree::Make(make), Step::Key(key)) => make.get(key),
                (Tree::List(items), Step::Index(index)) => items.get(*index),
                _ => None,
            };
        }
        problem.path = path;
        Blame { origin: origin.clone(), problem }
    }

    /// What stands in a place once its choices have been made.
    fn chosen<'a>(&'a self, mut tree: &'a Tree<Leaf>, assignment: &Assignment) -> &'a Tree<Leaf> {
        while let Tree::Leaf(Leaf::Search(leaf)) = tree
            && let SearchKind::Choice(options) = leaf.kind()
            && let Some(named) = self.names.get(leaf)
            && let Some(value) = assignment.get(&named.name)
            && let Some(option) = options.iter().find(|option| option.label == *value)
        {
            tree = &option.tree;
        }
        tree
    }
}
