//! A network and its training, every value decided: what [`crate::train`] takes.

/// A classifier: a backbone that turns a row into features, and a head on top of it. The output layer
/// is not listed: it follows from the data (one logit for [`Loss::BinaryCrossEntropy`], else one per class).
#[derive(Clone, Debug, PartialEq)]
pub struct ModelSpec {
    /// Turns a row into a vector of features.
    pub backbone: Backbone,
    /// Layers between the features and the output layer, in order.
    pub head: Vec<Layer>,
    /// What training minimises.
    pub loss: Loss,
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
}

/// A layer of a head.
#[derive(Clone, Debug, PartialEq)]
pub enum Layer {
    /// Fully connected, with bias.
    Linear {
        /// Number of outputs.
        units: usize,
    },
    /// An activation.
    Activation(Activation),
    /// Batch norm over the features.
    BatchNorm,
    /// Drops each feature with probability `rate` while training.
    Dropout {
        /// Probability in `0..=1`.
        rate: f64,
    },
}

/// An activation function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// max(x, 0).
    Relu,
    /// x Phi(x), the exact form.
    Gelu,
    /// Hyperbolic tangent.
    Tanh,
}

/// What training minimises; both take logits and average over the batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// One logit for two classes.
    BinaryCrossEntropy,
    /// One logit per class.
    CrossEntropy,
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

/// An augmentation of a training picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Augment {
    /// Mirrors left and right with probability `p`.
    Flip {
        /// Probability in `0..=1`.
        p: f64,
    },
    /// Pads every side with `padding` black pixels and cuts the picture's own size out at a random place.
    Crop {
        /// Pixels on each side.
        padding: usize,
    },
}
