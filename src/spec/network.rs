//! A network and its training, every value decided: what [`crate::train`] takes.

use super::zoo::PublishedSpec;

pub use super::augment::{Augment, Patch};

/// A classifier or a regressor: a backbone that turns a row into features, and a head on top of it. The output layer
/// is not listed: it follows from the data (one logit per class, else one output).
#[derive(Clone, Debug, PartialEq)]
pub struct ModelSpec {
    /// Turns a row into a vector of features.
    pub backbone: Backbone,
    /// Layers between the features and the output layer, in order; they take and give vectors.
    pub head: Vec<Layer>,
    /// What training minimises.
    pub loss: Loss,
    /// What the loss makes of targets and classes.
    pub loss_options: LossOptions,
}

/// The part that turns a row into features.
#[derive(Clone, Debug, PartialEq)]
pub enum Backbone {
    /// Blocks of convolution (stride 1, same padding, no bias), batch norm, ReLU and 2 x 2 max pooling; block `i` has
    /// `width * 2^i` channels; the last block ends in global average pooling. Pictures only.
    Convnet {
        /// Channels of the first block.
        width: usize,
        /// Number of blocks.
        blocks: usize,
        /// Kernel size, odd.
        kernel: usize,
    },
    /// Linear layers, each followed by the activation and dropout. Pictures are flattened.
    Mlp {
        /// Units of each layer.
        hidden: Vec<usize>,
        /// After each layer.
        activation: Activation,
        /// Probability of dropping a unit after each activation.
        dropout: f64,
    },
    /// Layers in order, which end in a vector of features.
    Sequential(Vec<Layer>),
    /// A published network without its classifier. Pictures only.
    Published(PublishedSpec),
}

/// A layer, or layers put together. Semantics and defaults are PyTorch's.
#[derive(Clone, Debug, PartialEq)]
pub enum Layer {
    /// Fully connected. Vectors only.
    Linear {
        /// Number of outputs.
        units: usize,
        /// Whether a bias is added.
        bias: bool,
    },
    /// A convolution. Pictures only.
    Conv2d {
        /// Number of channels it gives.
        channels: usize,
        /// What it slides over the picture.
        window: Window,
        /// Input and output channels are split into this many groups that do not see each other.
        groups: usize,
        /// Whether a bias is added.
        bias: bool,
    },
    /// A convolution of each channel on its own. Pictures only.
    DepthwiseConv2d {
        /// Channels it gives for each it takes.
        multiplier: usize,
        /// What it slides over the picture.
        window: Window,
        /// Whether a bias is added.
        bias: bool,
    },
    /// An activation.
    Activation(Activation),
    /// Batch norm over the channels, or over the features of a vector (Ioffe and Szegedy 2015).
    BatchNorm {
        /// Added to the variance.
        eps: f64,
        /// Weight of a batch in the running statistics.
        momentum: f64,
    },
    /// Layer norm over the features of a vector (Ba et al. 2016).
    LayerNorm {
        /// Added to the variance.
        eps: f64,
    },
    /// Group norm over groups of channels (Wu and He 2018). Pictures only.
    GroupNorm {
        /// Number of groups.
        groups: usize,
        /// Added to the variance.
        eps: f64,
    },
    /// Drops each number with probability `rate` while training.
    Dropout {
        /// Probability in `0..=1`.
        rate: f64,
    },
    /// The largest number, or the mean, of what a window covers. Pictures only.
    Pool {
        /// Largest or mean; padding counts as zeros in a mean.
        pooling: Pooling,
        /// What slides over the picture; its dilation is 1.
        window: Window,
    },
    /// The largest number, or the mean, of each channel: a picture becomes a vector.
    GlobalPool(Pooling),
    /// A picture as a vector: channel by channel, row by row.
    Flatten,
    /// Layers in order.
    Sequential(Vec<Layer>),
    /// Layers in order, the same ones several times, each time with weights of their own.
    Repeat {
        /// How many times; none is nothing.
        times: usize,
        /// The layers.
        layers: Vec<Layer>,
    },
    /// What the body gives is added to what came in (He et al. 2016).
    Residual {
        /// Layers of the body.
        body: Vec<Layer>,
        /// Applied to what came in before the sum; none leaves it as it is.
        shortcut: Vec<Layer>,
    },
    /// Branches that all take what came in.
    Parallel {
        /// Layers of each branch; none gives what came in.
        branches: Vec<Vec<Layer>>,
        /// What is done with what they give.
        join: Join,
    },
    /// A layer whose weights go by `name` rather than by the layer's position; an empty name adds nothing to theirs.
    Named {
        /// The name, which may have dots.
        name: String,
        /// The layer.
        layer: Box<Layer>,
    },
}

/// What a convolution or a pooling slides over a picture: a square.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Height and width.
    pub kernel: usize,
    /// Pixels from one place to the next.
    pub stride: usize,
    /// What is added around the picture.
    pub padding: Padding,
    /// Pixels from one pixel of the kernel to the next.
    pub dilation: usize,
}

/// What is added around a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Padding {
    /// This many pixels on every side.
    Pixels(usize),
    /// As many as it takes for an output of `input / stride`, rounded up; an odd one goes below and to the right (TensorFlow's rule).
    Same,
}

/// What stands for many numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pooling {
    /// The largest.
    Max,
    /// The mean.
    Average,
}

/// What is done with what branches give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Join {
    /// Added; all must have one shape.
    Sum,
    /// Channels, or features, one branch's after the other's.
    Concat,
}

/// An activation function.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Activation {
    /// max(x, 0).
    Relu,
    /// min(max(x, 0), 6).
    Relu6,
    /// x where positive, else x times the slope.
    LeakyRelu {
        /// Below zero.
        slope: f64,
    },
    /// x Phi(x), the exact form.
    Gelu,
    /// x sigmoid(x).
    Silu,
    /// 1 / (1 + exp(-x)).
    Sigmoid,
    /// Hyperbolic tangent.
    Tanh,
}

/// What training minimises, averaged over the batch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Loss {
    /// One logit for two classes.
    BinaryCrossEntropy,
    /// One logit per class.
    CrossEntropy,
    /// One output, for a number: how far it is from the standardised target.
    Distance(Distance),
}

/// How far a number is from another; PyTorch's losses of these names.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Distance {
    /// `e^2` of an error `e`.
    Squared,
    /// `|e|`.
    Absolute,
    /// `e^2 / 2` up to `delta`, and `delta (|e| - delta / 2)` beyond (Huber 1964).
    Huber {
        /// Above 0, in standard deviations of the target.
        delta: f64,
    },
}

/// What a loss makes of targets and classes; by default nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LossOptions {
    /// Share of each target that is spread evenly over the classes, in `0..=1`.
    pub label_smoothing: f64,
    /// Weights of the classes; the mean over rows is then divided by the sum of their weights.
    pub class_weights: Option<ClassWeights>,
}

/// Where the weights of classes come from.
#[derive(Clone, Debug, PartialEq)]
pub enum ClassWeights {
    /// Rows / (classes * rows of the class), of the training rows; a class without any has weight 0.
    Balanced,
    /// One a class, above 0.
    Given(Vec<f64>),
}

/// One phase of training: what is trained, how, and for how long.
#[derive(Clone, Debug, PartialEq)]
pub struct PhaseSpec {
    /// Unique among the phases.
    pub name: String,
    /// Whether the backbone is frozen: no gradient, and its batch norms and dropouts stay in evaluation mode.
    pub freeze_backbone: bool,
    /// Number of passes over the training rows, at most.
    pub epochs: usize,
    /// Rows per step.
    pub batch_size: usize,
    /// Whether a last batch with fewer rows is left out of training.
    pub drop_last: bool,
    /// The update rule.
    pub optimizer: Optimizer,
    /// Ends the phase early and restores the best weights, when given.
    pub early_stop: Option<EarlyStop>,
    /// Applied to each training picture in order.
    pub augment: Vec<Augment>,
    /// What is done about a step beside the update rule.
    pub options: PhaseOptions,
}

/// What is done about a step beside the update rule; by default nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct PhaseOptions {
    /// What becomes of the learning rate.
    pub schedule: Option<Schedule>,
    /// What the learning rate is multiplied by in each part.
    pub lr_factors: LrFactors,
    /// Norm that the gradient of all trained weights together is shortened to, above 0.
    pub clip_norm: Option<f64>,
    /// Batches that make one step, at least 1; the last step of an epoch has what is left.
    pub accumulate: usize,
    /// Decay of an average of the weights over the steps, at least 0 and below 1; it is evaluated and kept in their place.
    pub ema: Option<f64>,
    /// Whether the record of an epoch says how weights and gradients are distributed.
    pub histograms: bool,
    /// What the products of a step are computed in.
    pub precision: Precision,
}

/// What the products of a training step, those of linear layers and convolutions, are computed in. Weights, all other
/// layers, the loss and every evaluation are single precision; so is what a frozen backbone gives once for all epochs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precision {
    /// Single precision.
    #[default]
    F32,
    /// 8 bits of a number and the range of single precision (mixed precision, Micikevicius et al. 2018, ICLR, with the
    /// range that makes their scaling of the loss needless).
    Bf16,
}

impl Default for PhaseOptions {
    fn default() -> Self {
        let lr_factors = LrFactors { backbone: 1.0, head: 1.0 };
        let precision = Precision::default();
        Self { schedule: None, lr_factors, clip_norm: None, accumulate: 1, ema: None, histograms: false, precision }
    }
}

/// What the learning rate is multiplied by in each part of a network.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LrFactors {
    /// In the backbone.
    pub backbone: f64,
    /// In the head and the output layer.
    pub head: f64,
}

/// What becomes of the learning rate in a phase, with PyTorch's semantics.
#[derive(Clone, Debug, PartialEq)]
pub enum Schedule {
    /// A linear warm-up and half a cosine (Loshchilov and Hutter 2017, without restarts), step by step.
    Cosine {
        /// Epochs of the warm-up.
        warmup_epochs: usize,
        /// Part of the learning rate that the warm-up begins with.
        start_factor: f64,
        /// Learning rate it ends with.
        min_lr: f64,
        /// Epochs it is spread over, the warm-up with it; the phase's when none.
        epochs: Option<usize>,
    },
    /// Multiplied by the factor every so many epochs.
    Step {
        /// Epochs from one change to the next, at least 1.
        every: usize,
        /// Above 0.
        factor: f64,
    },
    /// Multiplied by the factor after each epoch.
    Exponential {
        /// Above 0.
        factor: f64,
    },
    /// On a line up to the learning rate, step by step.
    LinearWarmup {
        /// Epochs until it is reached.
        epochs: usize,
        /// Part of the learning rate that it begins with.
        start_factor: f64,
    },
    /// Up and down again, each half a cosine (Smith and Topin 2019), step by step.
    OneCycle {
        /// Share of the steps in which it rises.
        pct_start: f64,
        /// It begins with the learning rate divided by this.
        div_factor: f64,
        /// It ends with what it began with divided by this.
        final_div_factor: f64,
        /// Epochs it is spread over; the phase's when none.
        epochs: Option<usize>,
    },
    /// Multiplied by the factor when a metric does not improve any more.
    ReduceOnPlateau {
        /// Epochs without improvement that are let pass.
        patience: usize,
        /// At least 0 and below 1.
        factor: f64,
        /// The validation metric that is watched; the training loss where there are no validation rows.
        monitor: crate::metric::Metric,
        /// It is never reduced below this.
        min_lr: f64,
    },
}

/// Stops a phase after `patience` epochs without an improvement of more than `min_delta`; the weights of
/// the best epoch of the phase are restored.
#[derive(Clone, Debug, PartialEq)]
pub struct EarlyStop {
    /// Epochs without improvement that are waited for, at least 1.
    pub patience: usize,
    /// What counts as improvement beyond, at least 0.
    pub min_delta: f64,
    /// The validation metric that is watched.
    pub monitor: crate::metric::Metric,
}

/// An update rule with PyTorch's semantics and defaults.
#[derive(Clone, Debug, PartialEq)]
pub enum Optimizer {
    /// Stochastic gradient descent.
    Sgd {
        /// Learning rate.
        lr: f64,
        /// Momentum factor; 0 for none.
        momentum: f64,
        /// Dampening of the momentum.
        dampening: f64,
        /// L2 penalty added to the gradient.
        weight_decay: f64,
        /// Nesterov's variant.
        nesterov: bool,
    },
    /// Adam (Kingma and Ba 2015); the penalty is added to the gradient.
    Adam {
        /// Learning rate.
        lr: f64,
        /// Decay of the two moments.
        betas: [f64; 2],
        /// Added to the denominator.
        eps: f64,
        /// L2 penalty added to the gradient.
        weight_decay: f64,
    },
    /// Adam with decoupled weight decay (Loshchilov and Hutter 2019).
    AdamW {
        /// Learning rate.
        lr: f64,
        /// Decay of the two moments.
        betas: [f64; 2],
        /// Added to the denominator.
        eps: f64,
        /// Decoupled decay.
        weight_decay: f64,
    },
    /// RMSprop.
    RmsProp {
        /// Learning rate.
        lr: f64,
        /// Smoothing of the squared gradient.
        alpha: f64,
        /// Added to the denominator.
        eps: f64,
        /// L2 penalty added to the gradient.
        weight_decay: f64,
        /// Momentum factor; 0 for none.
        momentum: f64,
        /// Normalises by the estimated variance.
        centered: bool,
    },
}

impl Optimizer {
    /// The learning rate.
    #[must_use]
    pub fn lr(&self) -> f64 {
        match *self {
            Self::Sgd { lr, .. } | Self::Adam { lr, .. } | Self::AdamW { lr, .. } | Self::RmsProp { lr, .. } => lr,
        }
    }
}
