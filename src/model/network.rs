//! The network: a backbone that gives features, a head on them, and the output layer.

use burn::module::{Module, ModuleVisitor, Param};
use burn::nn::Linear;
use burn::tensor::{Device, Tensor};

use super::blocks::{ConvBlock, FeatureLayer};
use super::init::Init;
use super::shape::{self, InputShape, ModelError};
use crate::seed::Seed;
use crate::spec::network::{Backbone, Layer, ModelSpec};

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
    backbone: BackboneNet,
    head: Vec<FeatureLayer>,
    output: Linear,
}

#[derive(Module, Debug)]
enum BackboneNet {
    Convnet(Convnet),
    Mlp(Mlp),
}

#[derive(Module, Debug)]
struct Convnet {
    blocks: Vec<ConvBlock>,
}

#[derive(Module, Debug)]
struct Mlp {
    layers: Vec<FeatureLayer>,
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
        shape::check(model, shape)?;
        let init = Init::new(seed, device);
        let (backbone, mut features) = backbone(&model.backbone, shape, &init);
        let mut head = Vec::with_capacity(model.head.len());
        for (index, layer) in model.head.iter().enumerate() {
            let (layer, outputs) = FeatureLayer::new(&init, &format!("head.{index}"), layer, features);
            head.push(layer);
            features = outputs;
        }
        Ok(Self { backbone, head, output: init.linear("output", features, n_outputs) })
    }

    /// Logits `[batch, n_outputs]`.
    #[must_use]
    pub fn forward(&self, input: Input) -> Tensor<2> {
        let features = self.features(input);
        self.output.forward(self.head.iter().fold(features, |features, layer| layer.forward(features)))
    }

    /// What the backbone gives, `[batch, features]`.
    #[must_use]
    pub fn features(&self, input: Input) -> Tensor<2> {
        match (&self.backbone, input) {
            (_, Input::Features(features)) => features,
            (BackboneNet::Convnet(net), Input::Pictures(pictures)) => net.forward(pictures),
            (BackboneNet::Mlp(net), Input::Pictures(pictures)) => net.forward(pictures.flatten(1, 3)),
            (BackboneNet::Mlp(net), Input::Vectors(vectors)) => net.forward(vectors),
            (BackboneNet::Convnet(_), Input::Vectors(_)) => unreachable!("a convnet is only built for pictures"),
        }
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
}

#[cfg(test)]
impl Network {
    /// The output layer's weight `[features, n_outputs]`.
    pub(super) fn output_weight(&self) -> Tensor<2> {
        self.output.weight.val()
    }
}

fn backbone(backbone: &Backbone, shape: InputShape, init: &Init<'_>) -> (BackboneNet, usize) {
    match (backbone, shape) {
        (Backbone::Convnet { width, blocks, kernel }, InputShape::Picture { channels, .. }) => {
            let mut inputs = channels;
            let blocks = (0..*blocks)
                .map(|index| {
                    let outputs = width << index;
                    let path = format!("backbone.blocks.{index}");
                    let block = ConvBlock::new(init, &path, inputs, outputs, *kernel);
                    inputs = outputs;
                    block
                })
                .collect();
            (BackboneNet::Convnet(Convnet { blocks }), inputs)
        }
        (Backbone::Convnet { .. }, InputShape::Vector { .. }) => unreachable!("the shape was checked"),
        (Backbone::Mlp { hidden, activation, dropout }, shape) => {
            let mut inputs = shape.len();
            let mut layers = Vec::with_capacity(3 * hidden.len());
            for &units in hidden {
                let path = format!("backbone.layers.{}", layers.len());
                let (layer, outputs) = FeatureLayer::new(init, &path, &Layer::Linear { units }, inputs);
                let (dropout, _) = FeatureLayer::new(init, &path, &Layer::Dropout { rate: *dropout }, outputs);
                layers.extend([layer, FeatureLayer::activation(*activation), dropout]);
                inputs = outputs;
            }
            (BackboneNet::Mlp(Mlp { layers }), inputs)
        }
    }
}

impl Convnet {
    fn forward(&self, pictures: Tensor<4>) -> Tensor<2> {
        let (last, before) = self.blocks.split_last().expect("a convnet has at least one block");
        last.forward_last(before.iter().fold(pictures, |pictures, block| block.forward(pictures)))
    }
}

impl Mlp {
    fn forward(&self, vectors: Tensor<2>) -> Tensor<2> {
        self.layers.iter().fold(vectors, |features, layer| layer.forward(features))
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
