//! The network: a backbone that gives features, a head on them, and the output layer.

use burn::module::{Module, ModuleVisitor, Param};
use burn::nn::Linear;
use burn::tensor::{Device, Tensor};

use super::backbone;
use super::design::{Design, DesignLine};
use super::error::ModelError;
use super::init::Init;
use super::shape::{InputShape, Shape};
use super::stack::{Flow, Stack};
use super::weighted::linear;
use crate::seed::Seed;
use crate::spec::check::Step as Place;
use crate::spec::network::{Backbone, Layer, ModelSpec, Precision};

/// A batch as a network takes it.
#[derive(Clone, Debug)]
pub enum Input {
    /// Pictures `[batch, channels, size, size]`.
    Pictures(Tensor<4>),
    /// Vectors `[batch, width]`.
    Vectors(Tensor<2>),
    /// Features `[batch, features]` that the backbone gave before, for the head alone.
    Features(Tensor<2>),
}

/// A classifier.
#[derive(Module, Debug)]
pub struct Network {
    backbone: Stack,
    head: Stack,
    output: Linear,
    /// Numbers that the backbone gives for a row.
    #[module(skip)]
    n_features: usize,
}

impl Network {
    /// Builds a network for rows of `shape` with `n_outputs` logits, its weights drawn from the streams below `seed`.
    ///
    /// # Errors
    /// The model does not fit the shape; see [`ModelError`].
    pub fn new(
        model: &ModelSpec,
        shape: InputShape,
        n_outputs: usize,
        seed: Seed,
        device: &Device,
    ) -> Result<Self, ModelError> {
        let Parts { backbone, head, features } = Parts::of(model, shape)?;
        Ok(Self {
            n_features: backbone.output.channels(),
            backbone: Stack::new(backbone, seed, device),
            head: Stack::new(head, seed, device),
            output: Init::new(seed, device).linear("output", features, n_outputs, true),
        })
    }

    /// Logits `[batch, n_outputs]`.
    #[must_use]
    pub fn forward(&self, input: Input) -> Tensor<2> {
        self.forward_in(Precision::F32, input)
    }

    /// Logits `[batch, n_outputs]`, single precision whatever products are computed in.
    #[must_use]
    pub fn forward_in(&self, precision: Precision, input: Input) -> Tensor<2> {
        let features = Flow::Vectors(self.features_in(precision, input));
        linear(&self.output, vectors(self.head.forward(precision, features)), precision)
    }

    /// What the backbone gives, `[batch, features]`.
    #[must_use]
    pub fn features(&self, input: Input) -> Tensor<2> {
        self.features_in(Precision::F32, input)
    }

    fn features_in(&self, precision: Precision, input: Input) -> Tensor<2> {
        match input {
            Input::Features(features) => features,
            Input::Pictures(pictures) => vectors(self.backbone.forward(precision, Flow::Pictures(pictures))),
            Input::Vectors(rows) => vectors(self.backbone.forward(precision, Flow::Vectors(rows))),
        }
    }

    /// How many numbers the backbone gives for a row.
    #[must_use]
    pub fn n_features(&self) -> usize {
        self.n_features
    }

    /// The network with its backbone trained or not. A frozen backbone gets no gradient, its batch norms keep their
    /// statistics and use them, and it drops nothing.
    #[must_use]
    pub fn with_backbone_frozen(mut self, frozen: bool) -> Self {
        self.backbone = if frozen { self.backbone.freeze() } else { self.backbone.unfreeze() };
        self
    }

    /// Number of weights that training can change, frozen or not; running statistics of batch norm are not counted.
    #[must_use]
    pub fn n_parameters(&self) -> usize {
        let mut count = ParameterCount { path: Vec::new(), n: 0 };
        self.visit(&mut count);
        count.n
    }

    /// The name of a tensor's layer outside: `module` is where the layer stands in the module, `backbone.layers.7`.
    pub(super) fn layer_names(&self) -> impl Iterator<Item = (String, &str)> {
        [("backbone", &self.backbone), ("head", &self.head)].into_iter().flat_map(|(part, stack)| {
            stack.names().iter().enumerate().map(move |(index, name)| (format!("{part}.layers.{index}"), name.as_str()))
        })
    }
}

#[cfg(test)]
impl Network {
    /// The output layer's weight `[features, n_outputs]`.
    pub(super) fn output_weight(&self) -> Tensor<2> {
        self.output.weight.val()
    }
}

/// The layers of a model on rows of `shape` with `n_outputs` logits, the output layer last.
///
/// # Errors
/// The model does not fit the shape.
pub fn lines(model: &ModelSpec, shape: InputShape, n_outputs: usize) -> Result<Vec<DesignLine>, ModelError> {
    let Parts { backbone, head, features } = Parts::of(model, shape)?;
    let output =
        Layer::Named { name: "output".to_owned(), layer: Box::new(Layer::Linear { units: n_outputs, bias: true }) };
    let output = Design::new(&[output], Shape::Vector { features }, "", &[])?;
    Ok([backbone.lines, head.lines, output.lines].concat())
}

/// The designs of a model.
struct Parts {
    backbone: Design,
    head: Design,
    /// What the output layer takes.
    features: usize,
}

impl Parts {
    fn of(model: &ModelSpec, shape: InputShape) -> Result<Self, ModelError> {
        if shape.is_empty() {
            return Err(ModelError::NoFeatures);
        }
        let layers = backbone::layers(&model.backbone, shape)?;
        let place = Place::Key("backbone".to_owned());
        let backbone = match &model.backbone {
            Backbone::Sequential(_) => {
                Design::new(&layers, shape.into(), "backbone", &[place, Place::Key("layers".to_owned())])?
            }
            // The layers of the others are no part of the script: the whole backbone is to blame.
            Backbone::Convnet { .. } | Backbone::Mlp { .. } | Backbone::Published(_) => {
                Design::new(&layers, shape.into(), "backbone", &[]).map_err(|error| match error {
                    ModelError::Layer { problem, .. } => ModelError::Layer { place: vec![place], problem },
                    other => other,
                })?
            }
        };
        if let Shape::Picture { .. } = backbone.output {
            return Err(ModelError::NoVector { shape: backbone.output });
        }
        let head = Design::new(&model.head, backbone.output, "head", &[Place::Key("head".to_owned())])?;
        let Shape::Vector { features } = head.output else { unreachable!("no layer makes a picture of a vector") };
        Ok(Self { backbone, head, features })
    }
}

fn vectors(flow: Flow) -> Tensor<2> {
    match flow {
        Flow::Vectors(vectors) => vectors,
        Flow::Pictures(_) => unreachable!("a backbone and a head were designed to give vectors"),
    }
}

struct ParameterCount {
    path: Vec<String>,
    n: usize,
}

impl ModuleVisitor for ParameterCount {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if !self.path.last().is_some_and(|name| name.starts_with("running_")) {
            self.n += param.lazy_shape().num_elements();
        }
    }
}
