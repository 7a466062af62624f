//! Layers in scripts: their constructors, and what they build. Defaults are PyTorch's.

use std::convert::Infallible;

use super::network::{Activation, Join, Layer, Padding, Pooling, Window};
use super::parse::{CHECKED, Closed, Read};
use super::schema::{Constructor, Default, Family, Field, Type};
use super::tree::Tree;
use super::vocabulary::{ANY, COUNT, POSITIVE, UNIT, constructor, field};

/// Pixels: a picture has 1024 at most.
const PIXELS: Type = Type::Int { low: 1, high: 1024 };
const LAYER_LIST: Type = Type::List(&Type::Family(Family::Layer));

const KERNEL: Field = field("kernel", PIXELS, Default::Int(3), "height and width of the kernel");
const STRIDE: Field = field("stride", PIXELS, Default::Int(1), "pixels from one place to the next");
const PADDING: Field = field(
    "padding",
    Type::IntOr { low: 0, high: 1024, word: "same" },
    Default::Int(0),
    "pixels added on every side; \"same\": as many as it takes for an output of input / stride, rounded up",
);
const DILATION: Field = field("dilation", PIXELS, Default::Int(1), "pixels from one pixel of the kernel to the next");
const BIAS: Field = field("bias", Type::Bool, Default::Bool(true), "add a bias");
const EPS: Field = field("eps", POSITIVE, Default::Float(1e-5), "added to the variance");

const POOL: &[Field] = &[
    field("kernel", PIXELS, Default::Required, "height and width of the window"),
    field("stride", PIXELS, Default::Absent, "pixels from one place to the next; the kernel if left out"),
    PADDING,
];

/// The constructors of layers.
pub(super) const LAYERS: &[Constructor] = &[
    constructor(
        "linear",
        Family::Layer,
        1,
        &[field("units", COUNT, Default::Required, "number of outputs"), BIAS],
        "a fully connected layer",
    ),
    constructor(
        "conv2d",
        Family::Layer,
        1,
        &[
            field("channels", COUNT, Default::Required, "number of channels it gives"),
            KERNEL,
            STRIDE,
            PADDING,
            DILATION,
            field("groups", COUNT, Default::Int(1), "groups of channels that do not see each other"),
            BIAS,
        ],
        "a convolution",
    ),
    constructor(
        "depthwise_conv2d",
        Family::Layer,
        0,
        &[
            KERNEL,
            field("multiplier", COUNT, Default::Int(1), "channels it gives for each it takes"),
            STRIDE,
            PADDING,
            DILATION,
            BIAS,
        ],
        "a convolution of each channel on its own",
    ),
    constructor("relu", Family::Layer, 0, &[], "max(x, 0)"),
    constructor("relu6", Family::Layer, 0, &[], "min(max(x, 0), 6)"),
    constructor(
        "leaky_relu",
        Family::Layer,
        1,
        &[field("slope", ANY, Default::Float(0.01), "slope below zero")],
        "x where positive, else x times the slope",
    ),
    constructor("gelu", Family::Layer, 0, &[], "x Phi(x)"),
    constructor("silu", Family::Layer, 0, &[], "x sigmoid(x)"),
    constructor("sigmoid", Family::Layer, 0, &[], "1 / (1 + exp(-x))"),
    constructor("tanh", Family::Layer, 0, &[], "hyperbolic tangent"),
    constructor(
        "batch_norm",
        Family::Layer,
        0,
        &[EPS, field("momentum", UNIT, Default::Float(0.1), "weight of a batch in the running statistics")],
        "batch norm over the channels of a picture or the features of a vector",
    ),
    constructor("layer_norm", Family::Layer, 0, &[EPS], "layer norm over the features of a vector"),
    constructor(
        "group_norm",
        Family::Layer,
        1,
        &[field("groups", COUNT, Default::Required, "number of groups of channels"), EPS],
        "group norm of a picture",
    ),
    constructor(
        "dropout",
        Family::Layer,
        1,
        &[field("rate", UNIT, Default::Required, "probability of dropping a feature while training")],
        "dropout",
    ),
    constructor("max_pool", Family::Layer, 1, POOL, "the largest number under a window"),
    constructor("avg_pool", Family::Layer, 1, POOL, "the mean under a window; padding counts as zeros"),
    constructor("global_avg_pool", Family::Layer, 0, &[], "the mean of each channel: a picture becomes a vector"),
    constructor("global_max_pool", Family::Layer, 0, &[], "the largest of each channel: a picture becomes a vector"),
    constructor("flatten", Family::Layer, 0, &[], "a picture as a vector"),
    constructor(
        "sequential",
        Family::Sequential,
        1,
        &[field("layers", LAYER_LIST, Default::Required, "in order")],
        "layers in order; as a backbone they end with a vector",
    ),
    constructor(
        "repeat",
        Family::Layer,
        2,
        &[
            field("times", Type::Int { low: 0, high: 256 }, Default::Required, "how many times; 0 is nothing"),
            field("layers", LAYER_LIST, Default::Required, "in order"),
        ],
        "layers several times, each time with weights of their own",
    ),
    constructor(
        "residual",
        Family::Layer,
        1,
        &[
            field("body", LAYER_LIST, Default::Required, "layers whose result is added to what came in"),
            field("shortcut", LAYER_LIST, Default::EmptyList, "layers that what came in goes through before the sum"),
        ],
        "layers, and a way around them",
    ),
    constructor(
        "parallel",
        Family::Layer,
        2,
        &[
            field(
                "branches",
                Type::List(&LAYER_LIST),
                Default::Required,
                "lists of layers; an empty one changes nothing",
            ),
            field("join", Type::OneOf(&["sum", "concat"]), Default::Required, "what is done with what they give"),
        ],
        "branches that all take what came in",
    ),
];

/// The layers of a list.
pub(super) fn layers(list: &[Tree<Infallible>]) -> Vec<Layer> {
    list.iter().map(|item| if let Tree::Make(make) = item { layer(make) } else { panic!("{CHECKED}") }).collect()
}

fn layer(make: &Closed) -> Layer {
    let inner = |name: &str| layers(make.list(name));
    match make.constructor().name {
        "linear" => Layer::Linear { units: make.count("units"), bias: make.bool("bias") },
        "conv2d" => Layer::Conv2d {
            channels: make.count("channels"),
            window: window(make),
            groups: make.count("groups"),
            bias: make.bool("bias"),
        },
        "depthwise_conv2d" => Layer::DepthwiseConv2d {
            multiplier: make.count("multiplier"),
            window: window(make),
            bias: make.bool("bias"),
        },
        "leaky_relu" => Layer::Activation(Activation::LeakyRelu { slope: make.float("slope") }),
        "batch_norm" => Layer::BatchNorm { eps: make.float("eps"), momentum: make.float("momentum") },
        "layer_norm" => Layer::LayerNorm { eps: make.float("eps") },
        "group_norm" => Layer::GroupNorm { groups: make.count("groups"), eps: make.float("eps") },
        "dropout" => Layer::Dropout { rate: make.float("rate") },
        "max_pool" => Layer::Pool { pooling: Pooling::Max, window: window(make) },
        "avg_pool" => Layer::Pool { pooling: Pooling::Average, window: window(make) },
        "global_avg_pool" => Layer::GlobalPool(Pooling::Average),
        "global_max_pool" => Layer::GlobalPool(Pooling::Max),
        "flatten" => Layer::Flatten,
        "sequential" => Layer::Sequential(inner("layers")),
        "repeat" => Layer::Repeat { times: make.count("times"), layers: inner("layers") },
        "residual" => Layer::Residual { body: inner("body"), shortcut: inner("shortcut") },
        "parallel" => Layer::Parallel {
            branches: make
                .list("branches")
                .iter()
                .map(|branch| if let Tree::List(branch) = branch { layers(branch) } else { panic!("{CHECKED}") })
                .collect(),
            join: if make.text("join") == "sum" { Join::Sum } else { Join::Concat },
        },
        name => Layer::Activation(activation(name)),
    }
}

/// The window of a convolution or a pooling; a pooling has no dilation, and moves by its kernel if nothing else is said.
fn window(make: &Closed) -> Window {
    let kernel = make.count("kernel");
    Window {
        kernel,
        stride: make.get("stride").map_or(kernel, |_| make.count("stride")),
        padding: match make.get("padding") {
            Some(Tree::Text(_)) => Padding::Same,
            _ => Padding::Pixels(make.count("padding")),
        },
        dilation: make.get("dilation").map_or(1, |_| make.count("dilation")),
    }
}

/// The activation without a number of its own that goes by `name`.
pub(super) fn activation(name: &str) -> Activation {
    match name {
        "relu" => Activation::Relu,
        "relu6" => Activation::Relu6,
        "gelu" => Activation::Gelu,
        "silu" => Activation::Silu,
        "sigmoid" => Activation::Sigmoid,
        "tanh" => Activation::Tanh,
        other => unreachable!("`{other}` is no activation: {CHECKED}"),
    }
}
