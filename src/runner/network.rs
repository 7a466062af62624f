//! The networks of a script, held against the shape of its data before anything is trained, and before any picture is
//! decoded.

use super::RunError;
use crate::data::{self, Outline, RowOutline};
use crate::model::{self, DesignLine, InputShape, ModelError};
use crate::script::{Evaluated, Outcome};
use crate::spec::ModelPart;
use crate::spec::check::{Problem, Step};
use crate::spec::data::DataSpec;
use crate::spec::naming::Blame;
use crate::spec::print;
use crate::train;
use crate::value::Assignment;

/// A network, layer by layer.
#[derive(Clone, Debug, PartialEq)]
pub struct NetworkOutline {
    /// The shape of a row, and what is to be told of it.
    pub data: Outline,
    /// The values that were taken for the parameters of the model.
    pub values: Assignment,
    /// A line a layer, in order; the output layer last.
    pub lines: Vec<DesignLine>,
}

/// Builds the design of every network that the script can train, or of a fixed sample if they are many.
///
/// Values that make no model at all, because a derived value leaves its range, are left to the trials that find them.
///
/// # Errors
/// The outline of the data cannot be read, or a network that does not fit it: blamed on the layer.
pub fn check_network(evaluated: &Evaluated) -> Result<(), RunError> {
    let Some((model, spec)) = parts(&evaluated.outcome) else { return Ok(()) };
    let data = data::outline(spec)?;
    for assignment in model.variants().combinations() {
        if let Err(Flaw::Network(error)) = design(&model, &assignment, data) {
            return Err(draw(evaluated, &blame(&model, &assignment, data, &error)));
        }
    }
    Ok(())
}

/// The network of a fit, or of an experiment with the first value of each parameter; none if a formula stands in its place.
///
/// # Errors
/// The outline of the data cannot be read, or the network does not fit it.
pub fn outline_network(evaluated: &Evaluated) -> Result<Option<NetworkOutline>, RunError> {
    let Some((model, spec)) = parts(&evaluated.outcome) else { return Ok(None) };
    let data = data::outline(spec)?;
    let values = model.variants().first();
    match design(&model, &values, data) {
        Ok(lines) => Ok(Some(NetworkOutline { data, values, lines })),
        Err(Flaw::Network(error)) => Err(draw(evaluated, &blame(&model, &values, data, &error))),
        Err(Flaw::Values(problem)) => Err(draw(evaluated, &model.blame(&values, &[], problem))),
    }
}

fn parts(outcome: &Outcome) -> Option<(ModelPart, &DataSpec)> {
    match outcome {
        Outcome::Experiment(experiment) => Some((ModelPart::of_experiment(experiment)?, experiment.data()?)),
        Outcome::Fit(fit) => Some((ModelPart::of_fit(fit)?, fit.data()?)),
    }
}

/// Why values give no network.
enum Flaw {
    /// They make no model.
    Values(Problem),
    /// The model does not fit the data.
    Network(ModelError),
}

fn design(model: &ModelPart, values: &Assignment, data: Outline) -> Result<Vec<DesignLine>, Flaw> {
    let spec = model.resolve(values, data.task).map_err(Flaw::Values)?;
    let shape = match data.row {
        RowOutline::Picture { channels, size } => InputShape::Picture { channels, size },
        RowOutline::Vector { width } => InputShape::Vector { width },
    };
    model::lines(&spec, shape, train::n_outputs(spec.loss, data.task)).map_err(Flaw::Network)
}

/// Puts an error where its layer stands in the script, and says with which values it happens.
fn blame(model: &ModelPart, assignment: &Assignment, data: Outline, error: &ModelError) -> Blame {
    let backbone = [Step::Key("backbone".to_owned())];
    let (place, message) = match error {
        ModelError::Layer { place, .. } => (place.as_slice(), format!("model.{error}")),
        ModelError::NoFeatures | ModelError::TooWide => (&[][..], error.to_string()),
        _ => (&backbone[..], error.to_string()),
    };
    let values = model.variants().to_blame(assignment, |other| design(model, other, data).is_err());
    let with: Vec<String> = values.iter().map(|(name, value)| format!("{name} = {}", print::value(value))).collect();
    let problem = match with.len() {
        0 => Problem::new(message),
        _ => Problem::new(format!("{message} (with {})", with.join(", "))),
    };
    model.blame(assignment, place, problem)
}

fn draw(evaluated: &Evaluated, blame: &Blame) -> RunError {
    RunError::Network(Box::new(evaluated.diagnose(blame)))
}
