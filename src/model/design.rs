//! The plan of a network: what its layers take and give, and what weights they need. Pure; no weight is made here.

use super::error::{LayerProblem, ModelError};
use super::shape::Shape;
use crate::spec::check::Step as Place;
use crate::spec::network::{Activation, Join, Layer, Padding, Pooling, Window};

/// A stack of layers for rows of one shape.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Design {
    /// What happens, in order.
    pub(super) steps: Vec<Step>,
    /// The layers with weights or a state, by the number that a [`Step::Weighted`] names.
    pub(super) weighted: Vec<Weighted>,
    /// What comes out.
    pub(super) output: Shape,
    /// A line for every layer, in the order in which they are applied.
    pub(super) lines: Vec<DesignLine>,
}

/// Something that happens to a batch.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step {
    /// The layer of this number in [`Design::weighted`].
    Weighted(usize),
    Activation(Activation),
    Pool {
        pooling: Pooling,
        kernel: usize,
        stride: usize,
        padding: Sides,
    },
    GlobalPool(Pooling),
    Flatten,
    Residual {
        body: Vec<Step>,
        shortcut: Vec<Step>,
    },
    Parallel {
        branches: Vec<Vec<Step>>,
        join: Join,
    },
}

/// A layer with weights or a state of its own, and what its tensors are called below.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Weighted {
    /// Dotted; the names of its tensors begin with it.
    pub(super) name: String,
    pub(super) kind: Kind,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    Linear {
        inputs: usize,
        outputs: usize,
        bias: bool,
    },
    Conv2d {
        inputs: usize,
        outputs: usize,
        kernel: usize,
        stride: usize,
        padding: Sides,
        dilation: usize,
        groups: usize,
        bias: bool,
    },
    BatchNorm {
        features: usize,
        eps: f64,
        momentum: f64,
    },
    LayerNorm {
        features: usize,
        eps: f64,
    },
    GroupNorm {
        channels: usize,
        groups: usize,
        eps: f64,
    },
    Dropout {
        rate: f64,
    },
}

/// Pixels added on each side of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sides {
    pub(super) top: usize,
    pub(super) left: usize,
    pub(super) bottom: usize,
    pub(super) right: usize,
}

/// A layer as `xrun show --model` prints it.
#[derive(Clone, Debug, PartialEq)]
pub struct DesignLine {
    /// The dotted name of the layer.
    pub name: String,
    /// The layer in the script's words.
    pub layer: &'static str,
    /// What it gives for one row.
    pub output: Shape,
    /// Weights that training can change; running statistics are not counted.
    pub parameters: u64,
    /// Multiplications with an addition, for one row.
    pub multiply_adds: u64,
}

/// More weights than this fit nowhere: 2^36 numbers are 256 GiB.
const MOST_PARAMETERS: u64 = 1 << 36;

impl Design {
    /// The design of `layers` on rows of `input`. Names begin with `name`; `place` is where the layers stand in the model.
    ///
    /// # Errors
    /// A layer cannot take what comes in, or has an impossible size.
    pub(super) fn new(layers: &[Layer], input: Shape, name: &str, place: &[Place]) -> Result<Self, ModelError> {
        let mut designer = Designer {
            weighted: Vec::new(),
            lines: Vec::new(),
            place: place.to_vec(),
            name: name.to_owned(),
            parameters: 0,
        };
        let (steps, output) = designer.sequence(layers, input)?;
        Ok(Self { steps, weighted: designer.weighted, output, lines: designer.lines })
    }
}

struct Designer {
    weighted: Vec<Weighted>,
    lines: Vec<DesignLine>,
    /// Where the layer at hand stands in the model.
    place: Vec<Place>,
    /// The name of the layer at hand.
    name: String,
    parameters: u64,
}

impl Designer {
    fn error(&self, problem: LayerProblem) -> ModelError {
        ModelError::Layer { place: self.place.clone(), problem }
    }

    fn error_at(&self, field: &'static str, problem: LayerProblem) -> ModelError {
        let mut place = self.place.clone();
        place.push(Place::Key(field.to_owned()));
        ModelError::Layer { place, problem }
    }

    /// Runs `inside` with a longer name and place.
    fn within<T>(
        &mut self,
        name: &str,
        place: impl IntoIterator<Item = Place>,
        inside: impl FnOnce(&mut Self) -> Result<T, ModelError>,
    ) -> Result<T, ModelError> {
        let (name_len, place_len) = (self.name.len(), self.place.len());
        if !name.is_empty() {
            if !self.name.is_empty() {
                self.name.push('.');
            }
            self.name.push_str(name);
        }
        self.place.extend(place);
        let result = inside(self)?;
        self.name.truncate(name_len);
        self.place.truncate(place_len);
        Ok(result)
    }

    fn sequence(&mut self, layers: &[Layer], input: Shape) -> Result<(Vec<Step>, Shape), ModelError> {
        let mut steps = Vec::with_capacity(layers.len());
        let mut shape = input;
        for (index, layer) in layers.iter().enumerate() {
            shape = match layer {
                Layer::Named { name, layer } => {
                    self.within(name, [Place::Index(index)], |designer| designer.layer(layer, shape, &mut steps))?
                }
                layer => {
                    let name = index.to_string();
                    self.within(&name, [Place::Index(index)], |designer| designer.layer(layer, shape, &mut steps))?
                }
            };
        }
        Ok((steps, shape))
    }

    fn layer(&mut self, layer: &Layer, input: Shape, steps: &mut Vec<Step>) -> Result<Shape, ModelError> {
        match layer {
            Layer::Linear { units, bias } => {
                let inputs = self.vector("linear", input)?;
                self.at_least_one("units", *units)?;
                let output = Shape::Vector { features: *units };
                self.weighted(Kind::Linear { inputs, outputs: *units, bias: *bias }, "linear", output, steps)
            }
            Layer::Conv2d { channels, window, groups, bias } => {
                self.convolution("conv2d", input, *channels, *window, *groups, *bias, steps)
            }
            Layer::DepthwiseConv2d { multiplier, window, bias } => {
                self.at_least_one("multiplier", *multiplier)?;
                let inputs = self.picture("depthwise_conv2d", input)?.0;
                let outputs = inputs.checked_mul(*multiplier).ok_or(ModelError::TooWide)?;
                self.convolution("depthwise_conv2d", input, outputs, *window, inputs, *bias, steps)
            }
            Layer::Activation(activation) => {
                if let Activation::LeakyRelu { slope } = activation {
                    self.finite("slope", *slope)?;
                }
                steps.push(Step::Activation(*activation));
                Ok(self.line(activation_name(*activation), input, 0, 0))
            }
            Layer::BatchNorm { eps, momentum } => {
                self.positive("eps", *eps)?;
                self.unit("momentum", *momentum)?;
                let kind = Kind::BatchNorm { features: input.channels(), eps: *eps, momentum: *momentum };
                self.weighted(kind, "batch_norm", input, steps)
            }
            Layer::LayerNorm { eps } => {
                self.positive("eps", *eps)?;
                let Shape::Vector { features } = input else {
                    return Err(self.error(LayerProblem::LayerNormOnPicture { shape: input }));
                };
                self.weighted(Kind::LayerNorm { features, eps: *eps }, "layer_norm", input, steps)
            }
            Layer::GroupNorm { groups, eps } => {
                self.positive("eps", *eps)?;
                let channels = self.picture("group_norm", input)?.0;
                self.divides(*groups, channels, "input")?;
                self.weighted(Kind::GroupNorm { channels, groups: *groups, eps: *eps }, "group_norm", input, steps)
            }
            Layer::Dropout { rate } => {
                self.unit("rate", *rate)?;
                self.weighted(Kind::Dropout { rate: *rate }, "dropout", input, steps)
            }
            Layer::Pool { pooling, window } => self.pool(*pooling, *window, input, steps),
            Layer::GlobalPool(pooling) => {
                let name = if *pooling == Pooling::Max { "global_max_pool" } else { "global_avg_pool" };
                let features = self.picture(name, input)?.0;
                steps.push(Step::GlobalPool(*pooling));
                Ok(self.line(name, Shape::Vector { features }, 0, 0))
            }
            Layer::Flatten => {
                let features = match input {
                    Shape::Picture { channels, height, width } => channels * height * width,
                    Shape::Vector { features } => features,
                };
                steps.push(Step::Flatten);
                Ok(self.line("flatten", Shape::Vector { features }, 0, 0))
            }
            Layer::Sequential(layers) => self.inside("", "layers", layers, input, steps),
            Layer::Repeat { times, layers } => {
                let mut shape = input;
                for time in 0..*times {
                    shape = self.inside(&time.to_string(), "layers", layers, shape, steps)?;
                }
                Ok(shape)
            }
            Layer::Residual { body, shortcut } => self.residual(body, shortcut, input, steps),
            Layer::Parallel { branches, join } => self.parallel(branches, *join, input, steps),
            Layer::Named { name, layer } => self.within(name, [], |designer| designer.layer(layer, input, steps)),
        }
    }

    fn inside(
        &mut self,
        name: &str,
        field: &str,
        layers: &[Layer],
        input: Shape,
        steps: &mut Vec<Step>,
    ) -> Result<Shape, ModelError> {
        let (inner, shape) =
            self.within(name, [Place::Key(field.to_owned())], |designer| designer.sequence(layers, input))?;
        steps.extend(inner);
        Ok(shape)
    }

    fn residual(
        &mut self,
        body: &[Layer],
        shortcut: &[Layer],
        input: Shape,
        steps: &mut Vec<Step>,
    ) -> Result<Shape, ModelError> {
        let (body, left) =
            self.within("", [Place::Key("body".to_owned())], |designer| designer.sequence(body, input))?;
        let (shortcut, right) =
            self.within(label(shortcut, "shortcut"), [Place::Key("shortcut".to_owned())], |designer| {
                designer.sequence(shortcut, input)
            })?;
        if left != right {
            let hint = "keep the shape in the body, or bring what came in to its shape with `shortcut`";
            return Err(self.error(LayerProblem::Sum { left, right, hint }));
        }
        steps.push(Step::Residual { body, shortcut });
        Ok(self.line("residual", left, 0, 0))
    }

    fn parallel(
        &mut self,
        branches: &[Vec<Layer>],
        join: Join,
        input: Shape,
        steps: &mut Vec<Step>,
    ) -> Result<Shape, ModelError> {
        let mut designed = Vec::with_capacity(branches.len());
        let mut output: Option<Shape> = None;
        for (index, branch) in branches.iter().enumerate() {
            let place = [Place::Key("branches".to_owned()), Place::Index(index)];
            let (branch, shape) =
                self.within(label(branch, &index.to_string()), place, |designer| designer.sequence(branch, input))?;
            designed.push(branch);
            output = Some(match output {
                None => shape,
                Some(so_far) => self.joined(join, so_far, shape)?,
            });
        }
        let Some(output) = output else { return Err(self.error(LayerProblem::NoBranch)) };
        steps.push(Step::Parallel { branches: designed, join });
        Ok(self.line("parallel", output, 0, 0))
    }

    fn joined(&self, join: Join, left: Shape, right: Shape) -> Result<Shape, ModelError> {
        match (join, left, right) {
            (Join::Sum, left, right) if left == right => Ok(left),
            (Join::Sum, left, right) => {
                let hint = "give every branch one shape, or join them with \"concat\"";
                Err(self.error(LayerProblem::Sum { left, right, hint }))
            }
            (Join::Concat, Shape::Vector { features: a }, Shape::Vector { features: b }) => {
                Ok(Shape::Vector { features: a + b })
            }
            (
                Join::Concat,
                Shape::Picture { channels: a, height, width },
                Shape::Picture { channels: b, height: other_height, width: other_width },
            ) if (height, width) == (other_height, other_width) => {
                Ok(Shape::Picture { channels: a + b, height, width })
            }
            (Join::Concat, left, right) => Err(self.error(LayerProblem::Concat { left, right })),
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of a convolution")]
    fn convolution(
        &mut self,
        layer: &'static str,
        input: Shape,
        outputs: usize,
        window: Window,
        groups: usize,
        bias: bool,
        steps: &mut Vec<Step>,
    ) -> Result<Shape, ModelError> {
        let inputs = self.picture(layer, input)?.0;
        self.at_least_one("channels", outputs)?;
        self.divides(groups, inputs, "input")?;
        self.divides(groups, outputs, "output")?;
        let (padding, height, width) = self.slide(window, input)?;
        let Window { kernel, stride, dilation, .. } = window;
        let kind = Kind::Conv2d { inputs, outputs, kernel, stride, padding, dilation, groups, bias };
        self.weighted(kind, layer, Shape::Picture { channels: outputs, height, width }, steps)
    }

    fn pool(
        &mut self,
        pooling: Pooling,
        window: Window,
        input: Shape,
        steps: &mut Vec<Step>,
    ) -> Result<Shape, ModelError> {
        let layer = if pooling == Pooling::Max { "max_pool" } else { "avg_pool" };
        let channels = self.picture(layer, input)?.0;
        let (padding, height, width) = self.slide(window, input)?;
        if let Padding::Pixels(pixels) = window.padding
            && pixels > window.kernel / 2
        {
            let problem = LayerProblem::PoolPadding { padding: pixels, kernel: window.kernel };
            return Err(self.error_at("padding", problem));
        }
        steps.push(Step::Pool { pooling, kernel: window.kernel, stride: window.stride, padding });
        Ok(self.line(layer, Shape::Picture { channels, height, width }, 0, 0))
    }

    /// Padding, and height and width of what sliding the window over a picture gives.
    fn slide(&self, window: Window, input: Shape) -> Result<(Sides, usize, usize), ModelError> {
        let Shape::Picture { height, width, .. } = input else { unreachable!("the caller took a picture") };
        let Window { kernel, stride, padding, dilation } = window;
        for (what, value) in [("kernel", kernel), ("stride", stride), ("dilation", dilation)] {
            self.at_least_one(what, value)?;
        }
        let covered =
            dilation.checked_mul(kernel - 1).and_then(|pixels| pixels.checked_add(1)).ok_or(ModelError::TooWide)?;
        let along = |size: usize| match padding {
            Padding::Pixels(pixels) => (pixels, pixels, size.saturating_add(pixels).saturating_add(pixels)),
            Padding::Same => {
                let total = ((size.div_ceil(stride) - 1) * stride + covered).saturating_sub(size);
                (total / 2, total - total / 2, size + total)
            }
        };
        let ((top, bottom, padded_height), (left, right, padded_width)) = (along(height), along(width));
        if covered > padded_height || covered > padded_width {
            let problem = LayerProblem::WindowTooLarge { covered, shape: input, padding: top };
            return Err(self.error_at("kernel", problem));
        }
        let places = |padded: usize| (padded - covered) / stride + 1;
        Ok((Sides { top, left, bottom, right }, places(padded_height), places(padded_width)))
    }

    /// Adds a layer with weights.
    fn weighted(
        &mut self,
        kind: Kind,
        layer: &'static str,
        output: Shape,
        steps: &mut Vec<Step>,
    ) -> Result<Shape, ModelError> {
        let (parameters, multiply_adds) = cost(&kind, output).ok_or(ModelError::TooWide)?;
        self.parameters = self.parameters.saturating_add(parameters);
        if self.parameters > MOST_PARAMETERS {
            return Err(ModelError::TooWide);
        }
        steps.push(Step::Weighted(self.weighted.len()));
        self.weighted.push(Weighted { name: self.name.clone(), kind });
        Ok(self.line(layer, output, parameters, multiply_adds))
    }

    fn line(&mut self, layer: &'static str, output: Shape, parameters: u64, multiply_adds: u64) -> Shape {
        self.lines.push(DesignLine { name: self.name.clone(), layer, output, parameters, multiply_adds });
        output
    }

    fn vector(&self, layer: &'static str, input: Shape) -> Result<usize, ModelError> {
        match input {
            Shape::Vector { features } => Ok(features),
            Shape::Picture { .. } => Err(self.error(LayerProblem::NeedsVector { layer, shape: input })),
        }
    }

    /// Channels, height and width.
    fn picture(&self, layer: &'static str, input: Shape) -> Result<(usize, usize, usize), ModelError> {
        match input {
            Shape::Picture { channels, height, width } => Ok((channels, height, width)),
            Shape::Vector { .. } => Err(self.error(LayerProblem::NeedsPicture { layer, shape: input })),
        }
    }

    fn divides(&self, groups: usize, channels: usize, which: &'static str) -> Result<(), ModelError> {
        self.at_least_one("groups", groups)?;
        if channels.is_multiple_of(groups) {
            Ok(())
        } else {
            Err(self.error_at("groups", LayerProblem::Groups { groups, channels, which }))
        }
    }

    fn at_least_one(&self, what: &'static str, value: usize) -> Result<(), ModelError> {
        if value == 0 { Err(self.error_at(what, LayerProblem::Zero { what })) } else { Ok(()) }
    }

    fn positive(&self, what: &'static str, value: f64) -> Result<(), ModelError> {
        self.holds(value.is_finite() && value > 0.0, what, value, "must be above 0")
    }

    fn finite(&self, what: &'static str, value: f64) -> Result<(), ModelError> {
        self.holds(value.is_finite(), what, value, "must be a number")
    }

    fn unit(&self, what: &'static str, value: f64) -> Result<(), ModelError> {
        self.holds((0.0..=1.0).contains(&value), what, value, "must lie in 0 to 1")
    }

    fn holds(&self, rule_holds: bool, what: &'static str, value: f64, rule: &'static str) -> Result<(), ModelError> {
        if rule_holds { Ok(()) } else { Err(self.error_at(what, LayerProblem::OutOfRange { what, value, rule })) }
    }
}

/// The label of a part whose layers are told apart by it; layers with names of their own need none.
fn label<'a>(layers: &[Layer], label: &'a str) -> &'a str {
    if layers.iter().all(|layer| matches!(layer, Layer::Named { name, .. } if !name.is_empty())) { "" } else { label }
}

/// Weights, and multiply-adds for one row; none where they cannot be counted.
fn cost(kind: &Kind, output: Shape) -> Option<(u64, u64)> {
    let product = |factors: &[usize]| {
        factors.iter().try_fold(1_u64, |product, &factor| product.checked_mul(u64::try_from(factor).ok()?))
    };
    match kind {
        Kind::Linear { inputs, outputs, bias } => {
            let weights = product(&[*inputs, *outputs])?;
            let biases = if *bias { product(&[*outputs])? } else { 0 };
            Some((weights.checked_add(biases)?, weights))
        }
        Kind::Conv2d { inputs, outputs, kernel, groups, bias, .. } => {
            let weights = product(&[*outputs, inputs / groups, *kernel, *kernel])?;
            let biases = if *bias { product(&[*outputs])? } else { 0 };
            let Shape::Picture { height, width, .. } = output else { unreachable!("a convolution gives a picture") };
            Some((weights.checked_add(biases)?, weights.checked_mul(product(&[height, width])?)?))
        }
        Kind::BatchNorm { features: n, .. }
        | Kind::LayerNorm { features: n, .. }
        | Kind::GroupNorm { channels: n, .. } => Some((product(&[2, *n])?, 0)),
        Kind::Dropout { .. } => Some((0, 0)),
    }
}

fn activation_name(activation: Activation) -> &'static str {
    match activation {
        Activation::Relu => "relu",
        Activation::Relu6 => "relu6",
        Activation::LeakyRelu { .. } => "leaky_relu",
        Activation::Gelu => "gelu",
        Activation::Silu => "silu",
        Activation::Sigmoid => "sigmoid",
        Activation::Tanh => "tanh",
    }
}
