//! Arguments that named no param: each fixes a parameter or replaces what stands at a path, of one experiment or of
//! all variants that have such a place.

use std::path::Path;

use super::Diagnostic;
use super::evaluation::State;
use super::params::Argument;
use super::paths;
use super::variants::listed;
use crate::spec::check::Problem;
use crate::spec::naming::Blame;
use crate::spec::{Leaf, Make, Origin, overrides};

/// Applies them to the one experiment or fit of a script.
pub(super) fn one(make: Make<Leaf>, state: &State) -> Result<Make<Leaf>, Diagnostic> {
    let arguments = in_order(state.params.borrow().unused())?;
    let folder = std::env::current_dir().unwrap_or_default();
    arguments.iter().try_fold(make, |make, argument| {
        apply(&make, argument, &arguments, state, &folder).map_err(|problem| told(problem, argument, state))
    })
}

/// Applies them to variants: one whose key begins with a variant's name to that alone, any other to all that have its
/// place. What is said of one variant comes after what is said of all.
pub(super) fn each(
    mut makes: Vec<(String, Make<Leaf>)>,
    state: &State,
) -> Result<Vec<(String, Make<Leaf>)>, Diagnostic> {
    let own = |argument: Argument| makes.iter().find_map(|(name, _)| argument.of_variant(name)).unwrap_or(argument);
    let arguments = in_order(state.params.borrow().unused().into_iter().map(own).collect())?;
    let folder = std::env::current_dir().unwrap_or_default();
    for argument in &arguments {
        let (mut is_taken, mut refused) = (false, None);
        for (name, make) in &mut makes {
            if argument.variant().is_some_and(|variant| variant != name) {
                continue;
            }
            let others: Vec<Argument> =
                arguments.iter().filter(|other| other.variant().is_none_or(|other| other == name)).cloned().collect();
            match apply(make, argument, &others, state, &folder) {
                Ok(changed) => (is_taken, *make) = (true, changed),
                Err(problem) if names_nothing(&problem) => refused = refused.or(Some(problem)),
                Err(problem) => return Err(told(problem, argument, state)),
            }
        }
        if let Some(mut problem) = refused.filter(|_| !is_taken) {
            problem.message = match argument.variant() {
                Some(variant) => format!("`{}` names nothing in the variant `{variant}`", argument.path()),
                None => {
                    let names = listed(makes.iter().map(|(name, _)| name.as_str()));
                    format!("`{}` names nothing in any of the variants {names}", argument.path())
                }
            };
            return Err(told(problem, argument, state));
        }
    }
    Ok(makes)
}

/// Shorter paths go first, so that fixing a choice comes before what stands in its option.
fn in_order(mut arguments: Vec<Argument>) -> Result<Vec<Argument>, Diagnostic> {
    arguments.sort_by_key(|argument| (argument.path().split('.').count(), argument.variant().is_some()));
    for (index, argument) in arguments.iter().enumerate() {
        let is_same = |earlier: &Argument| (earlier.path(), earlier.variant()) == (argument.path(), argument.variant());
        if arguments[..index].iter().any(is_same) {
            return Err(Diagnostic::new(format!("`{}` is given twice", argument.path())).hint("keep one of them"));
        }
    }
    Ok(arguments)
}

fn apply(
    make: &Make<Leaf>,
    argument: &Argument,
    arguments: &[Argument],
    state: &State,
    folder: &Path,
) -> Result<Make<Leaf>, Problem> {
    let evaluate = |text: &str| {
        let value = state.evaluate_override(text)?;
        let unit_origin = Origin::CommandLine { argument: argument.to_string().into() };
        Ok(paths::from_command_line(value, &unit_origin))
    };
    // An option that an earlier override has fixed may still be named in the path.
    let chosen = arguments.iter().find_map(|fixed| {
        let prefix = format!("{}.{}.", fixed.path(), fixed.text());
        argument.path().strip_prefix(&prefix).map(|rest| format!("{}.{rest}", fixed.path())).or_else(|| {
            (format!("{}.{}", fixed.path(), fixed.text()) == argument.path()).then(|| fixed.path().to_owned())
        })
    });
    let key = chosen.as_deref().unwrap_or(argument.path());
    overrides::apply(make, key, argument.text(), &evaluate).map(|make| paths::absolute(&make, folder))
}

fn names_nothing(problem: &Problem) -> bool {
    problem.message.contains("names nothing")
}

/// Blames the argument; a key that names nothing may have been meant for a param.
fn told(mut problem: Problem, argument: &Argument, state: &State) -> Diagnostic {
    if let Some(near) = state.params.borrow().near(argument.key()).filter(|_| names_nothing(&problem)) {
        problem.hint = Some(format!("did you mean `{near}`?"));
    }
    let problem = if names_nothing(&problem) { problem } else { Problem { path: Vec::new(), ..problem } };
    let origin = Origin::CommandLine { argument: argument.to_string().into() };
    state.sources.diagnose(&Blame { origin, problem })
}
