#![expect(clippy::unwrap_used, reason = "tests")]

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};

use super::{Input, InputShape, Network, Shape, lines};
use crate::seed::Seed;
use crate::spec::network::{
    Activation, Backbone, Join, Layer, Loss, LossOptions, ModelSpec, Padding, Pooling, Precision, Window,
};

const PICTURE: InputShape = InputShape::Picture { channels: 4, size: 7 };
const VECTOR: InputShape = InputShape::Vector { width: 6 };
const NORM: Layer = Layer::BatchNorm { eps: 1e-5, momentum: 0.1 };

fn window(kernel: usize, stride: usize, padding: Padding) -> Window {
    Window { kernel, stride, padding, dilation: 1 }
}

fn conv(channels: usize, window: Window, groups: usize) -> Layer {
    Layer::Conv2d { channels, window, groups, bias: false }
}

fn average() -> Layer {
    Layer::GlobalPool(Pooling::Average)
}

fn relu() -> Layer {
    Layer::Activation(Activation::Relu)
}

fn model(layers: Vec<Layer>) -> ModelSpec {
    ModelSpec {
        backbone: Backbone::Sequential(layers),
        head: vec![],
        loss: Loss::CrossEntropy,
        loss_options: LossOptions::default(),
    }
}

fn message(layers: Vec<Layer>, shape: InputShape) -> String {
    lines(&model(layers), shape, 2).unwrap_err().to_string()
}

fn tensor<const D: usize>(values: &[f32], shape: [usize; D]) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values.to_vec(), shape), &Device::flex())
}

/// What the features of a picture or of a vector are, first weights and all.
fn features(layers: Vec<Layer>, shape: InputShape, rows: &[f32]) -> Vec<f32> {
    let net = Network::new(&model(layers), shape, 2, Seed::root(1), &Device::flex()).unwrap();
    let n = rows.len() / shape.len();
    let input = match shape {
        InputShape::Picture { channels, size } => Input::Pictures(tensor(rows, [n, channels, size, size])),
        InputShape::Vector { width } => Input::Vectors(tensor(rows, [n, width])),
    };
    net.features(input).try_into_vec_as::<f32>().unwrap()
}

fn ramp(n: usize) -> Vec<f32> {
    (0..n).map(|i| (i % 13) as f32 / 4.0 - 1.5).collect()
}

#[test]
fn lines_give_shapes_parameters_and_multiply_adds() {
    let layers = vec![
        conv(8, window(3, 2, Padding::Same), 2),
        NORM,
        relu(),
        Layer::Repeat {
            times: 2,
            layers: vec![Layer::Residual {
                body: vec![Layer::DepthwiseConv2d {
                    multiplier: 1,
                    window: window(3, 1, Padding::Pixels(1)),
                    bias: true,
                }],
                shortcut: vec![],
            }],
        },
        Layer::Pool { pooling: Pooling::Max, window: window(2, 2, Padding::Pixels(0)) },
        Layer::Flatten,
    ];
    let lines = lines(&model(layers), PICTURE, 3).unwrap();
    let found: Vec<_> = lines
        .iter()
        .map(|line| (line.name.as_str(), line.layer, line.output.to_string(), line.parameters, line.multiply_adds))
        .collect();
    let four = || "a picture of 8 x 4 x 4".to_owned();
    assert_eq!(
        found,
        [
            ("backbone.0", "conv2d", four(), 8 * 2 * 9, 8 * 2 * 9 * 16),
            ("backbone.1", "batch_norm", four(), 16, 0),
            ("backbone.2", "relu", four(), 0, 0),
            ("backbone.3.0.0.0", "depthwise_conv2d", four(), 72 + 8, 72 * 16),
            ("backbone.3.0.0", "residual", four(), 0, 0),
            ("backbone.3.1.0.0", "depthwise_conv2d", four(), 72 + 8, 72 * 16),
            ("backbone.3.1.0", "residual", four(), 0, 0),
            ("backbone.4", "max_pool", "a picture of 8 x 2 x 2".to_owned(), 0, 0),
            ("backbone.5", "flatten", "a vector of 32".to_owned(), 0, 0),
            ("output", "linear", "a vector of 3".to_owned(), 32 * 3 + 3, 96),
        ]
    );
}

#[test]
fn what_a_design_says_is_what_the_network_has() {
    let layers = vec![
        Layer::Parallel {
            branches: vec![
                vec![conv(6, window(3, 1, Padding::Pixels(1)), 1), Layer::GroupNorm { groups: 3, eps: 1e-5 }],
                vec![],
            ],
            join: Join::Concat,
        },
        average(),
        Layer::LayerNorm { eps: 1e-5 },
        Layer::Linear { units: 5, bias: false },
    ];
    let lines = lines(&model(layers.clone()), PICTURE, 2).unwrap();
    let net = Network::new(&model(layers), PICTURE, 2, Seed::root(1), &Device::flex()).unwrap();
    let counted: u64 = lines.iter().map(|line| line.parameters).sum();
    assert_eq!(u64::try_from(net.n_parameters()).unwrap(), counted);
    assert_eq!(counted, 6 * 4 * 9 + 12 + 20 + 50 + 12);
    let bytes = net.to_safetensors().unwrap();
    let header_len = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let header: serde_json::Value = serde_json::from_slice(&bytes[8..8 + header_len]).unwrap();
    let names: Vec<&String> = header.as_object().unwrap().keys().filter(|name| *name != "__metadata__").collect();
    assert_eq!(
        names,
        [
            "backbone.0.0.0.weight",
            "backbone.0.0.1.bias",
            "backbone.0.0.1.weight",
            "backbone.2.bias",
            "backbone.2.weight",
            "backbone.3.weight",
            "output.bias",
            "output.weight",
        ]
    );
    assert_eq!(net.with_safetensors(bytes.clone()).unwrap().to_safetensors().unwrap(), bytes);
}

#[test]
fn each_broken_rule_of_a_layer_has_its_place_and_message() {
    let one = Padding::Pixels(0);
    let cases = [
        (
            vec![Layer::Linear { units: 3, bias: true }],
            PICTURE,
            "backbone.layers.0: linear takes a vector, but here it gets a picture of 4 x 7 x 7; put flatten() or global_avg_pool() before it",
        ),
        (
            vec![relu(), conv(3, window(1, 1, one), 1)],
            VECTOR,
            "backbone.layers.1: conv2d takes a picture, but here it gets a vector of 6",
        ),
        (
            vec![Layer::LayerNorm { eps: 1e-5 }],
            PICTURE,
            "backbone.layers.0: layer_norm takes a vector, but here it gets a picture of 4 x 7 x 7; group_norm(1) does the same for a picture",
        ),
        (
            vec![Layer::Sequential(vec![conv(0, window(1, 1, one), 1)])],
            PICTURE,
            "backbone.layers.0.layers.0.channels: channels is 0, but must be at least 1",
        ),
        (vec![conv(8, window(3, 0, one), 1)], PICTURE, "backbone.layers.0.stride: stride is 0, but must be at least 1"),
        (
            vec![conv(8, window(3, 1, one), 3)],
            PICTURE,
            "backbone.layers.0.groups: 3 groups do not divide 4 input channels evenly",
        ),
        (
            vec![conv(6, window(3, 1, one), 4)],
            PICTURE,
            "backbone.layers.0.groups: 4 groups do not divide 6 output channels evenly",
        ),
        (
            vec![conv(6, window(9, 1, one), 1)],
            PICTURE,
            "backbone.layers.0.kernel: a kernel that covers 9 pixels does not fit into a picture of 4 x 7 x 7 with 0 pixels of padding; use larger pictures, a smaller kernel, more padding or less pooling before it",
        ),
        (
            vec![Layer::Pool { pooling: Pooling::Max, window: window(2, 2, Padding::Pixels(2)) }],
            PICTURE,
            "backbone.layers.0.padding: padding 2 is more than half of the kernel 2, so that a window could cover nothing but padding",
        ),
        (
            vec![Layer::Residual { body: vec![relu(), conv(5, window(1, 1, one), 1)], shortcut: vec![] }],
            PICTURE,
            "backbone.layers.0: a picture of 5 x 7 x 7 and a picture of 4 x 7 x 7 cannot be added: keep the shape in the body, or bring what came in to its shape with `shortcut`",
        ),
        (
            vec![Layer::Parallel { branches: vec![vec![], vec![conv(5, window(1, 1, one), 1)]], join: Join::Sum }],
            PICTURE,
            "backbone.layers.0: a picture of 4 x 7 x 7 and a picture of 5 x 7 x 7 cannot be added: give every branch one shape, or join them with \"concat\"",
        ),
        (
            vec![Layer::Parallel { branches: vec![vec![], vec![Layer::Flatten]], join: Join::Concat }],
            PICTURE,
            "backbone.layers.0: a picture of 4 x 7 x 7 and a vector of 196 cannot be put together: they may differ in their channels alone",
        ),
        (
            vec![Layer::Parallel { branches: vec![], join: Join::Sum }],
            PICTURE,
            "backbone.layers.0: there is no branch; give at least one list of layers",
        ),
        (
            vec![Layer::Parallel {
                branches: vec![vec![], vec![relu(), Layer::Linear { units: 1, bias: true }]],
                join: Join::Sum,
            }],
            PICTURE,
            "backbone.layers.0.branches.1.1: linear takes a vector, but here it gets a picture of 4 x 7 x 7; put flatten() or global_avg_pool() before it",
        ),
        (vec![Layer::Dropout { rate: 1.5 }], VECTOR, "backbone.layers.0.rate: rate is 1.5, but must lie in 0 to 1"),
        (
            vec![Layer::BatchNorm { eps: 0.0, momentum: 0.1 }],
            VECTOR,
            "backbone.layers.0.eps: eps is 0, but must be above 0",
        ),
        (
            vec![relu()],
            PICTURE,
            "the backbone ends with a picture of 4 x 7 x 7, but must give a vector; end it with global_avg_pool() or flatten()",
        ),
        (
            vec![Layer::Linear { units: 1 << 40, bias: true }],
            VECTOR,
            "the network has more weights than fit in memory; lower its widths",
        ),
    ];
    for (layers, shape, expected) in cases {
        assert_eq!(message(layers, shape), expected);
    }
    let head = ModelSpec { head: vec![relu(), Layer::Flatten, average()], ..model(vec![]) };
    assert_eq!(
        lines(&head, VECTOR, 2).unwrap_err().to_string(),
        "head.2: global_avg_pool takes a picture, but here it gets a vector of 6"
    );
}

#[test]
fn the_same_padding_divides_the_size_by_the_stride_and_puts_the_odd_pixel_last() {
    for (size, stride, kernel, expected) in [(7, 2, 3, 4), (8, 2, 3, 4), (8, 3, 5, 3), (5, 1, 4, 5)] {
        let shape = InputShape::Picture { channels: 1, size };
        let layers = vec![conv(1, window(kernel, stride, Padding::Same), 1), Layer::Flatten];
        let line = &lines(&model(layers), shape, 2).unwrap()[0];
        assert_eq!(line.output, Shape::Picture { channels: 1, height: expected, width: expected });
    }
    // Stride 2 on 4 pixels needs one pixel of padding: it goes to the end, so the first window begins at the first pixel.
    let pool = Layer::Pool { pooling: Pooling::Average, window: window(3, 2, Padding::Same) };
    let picture: Vec<f32> = (0..16).map(|i| i as f32).collect();
    let pooled = features(vec![pool, Layer::Flatten], InputShape::Picture { channels: 1, size: 4 }, &picture);
    let expected =
        [45.0 / 9.0, (2 + 3 + 6 + 7 + 10 + 11) as f32 / 9.0, (8 + 9 + 10 + 12 + 13 + 14) as f32 / 9.0, 50.0 / 9.0];
    for (found, expected) in pooled.iter().zip(expected) {
        assert!((found - expected).abs() < 1e-5, "{found} {expected}");
    }
}

#[test]
fn residual_and_parallel_add_and_put_together() {
    let row = ramp(6);
    let double = vec![Layer::Residual { body: vec![], shortcut: vec![] }];
    assert_eq!(features(double, VECTOR, &row), row.iter().map(|x| 2.0 * x).collect::<Vec<_>>());
    let shortcut = vec![Layer::Residual { body: vec![], shortcut: vec![relu()] }];
    assert_eq!(features(shortcut, VECTOR, &row), row.iter().map(|x| x + x.max(0.0)).collect::<Vec<_>>());
    let branches = vec![vec![], vec![relu()], vec![]];
    let concat = vec![Layer::Parallel { branches: branches.clone(), join: Join::Concat }];
    let clipped: Vec<f32> = row.iter().map(|x| x.max(0.0)).collect();
    assert_eq!(features(concat, VECTOR, &row), [row.clone(), clipped.clone(), row.clone()].concat());
    let sum = vec![Layer::Parallel { branches, join: Join::Sum }];
    let expected: Vec<f32> = row.iter().zip(&clipped).map(|(x, clipped)| x + clipped + x).collect();
    assert_eq!(features(sum, VECTOR, &row), expected);
    let picture = ramp(4 * 49);
    let stacked = vec![Layer::Parallel { branches: vec![vec![], vec![relu()]], join: Join::Concat }, Layer::Flatten];
    let clipped: Vec<f32> = picture.iter().map(|x| x.max(0.0)).collect();
    assert_eq!(features(stacked, PICTURE, &picture), [picture, clipped].concat());
}

#[test]
fn the_largest_of_what_relu_gives_may_be_taken_first() {
    let device = Device::flex().autodiff();
    let row = ramp(4 * 49);
    // What comes out, and the gradient of what went in where each number weighs something else.
    let through = |first: Vec<Layer>, pool: Window| {
        let mut layers = first;
        layers.extend([Layer::Pool { pooling: Pooling::Max, window: pool }, Layer::Flatten]);
        let net = Network::new(&model(layers), PICTURE, 2, Seed::root(1), &device).unwrap();
        let x = Tensor::<4>::from_data(TensorData::new(row.clone(), [1, 4, 7, 7]), &device).require_grad();
        let given = net.features(Input::Pictures(x.clone()));
        let weights = Tensor::from_data(TensorData::new(ramp(given.dims()[1]), given.dims()), &device);
        let gradient = x.grad(&(given.clone() * weights).sum().backward()).unwrap();
        (given.try_into_vec_as::<f32>().unwrap(), gradient.try_into_vec_as::<f32>().unwrap())
    };
    for pool in [window(2, 2, Padding::Pixels(0)), window(3, 2, Padding::Pixels(1)), window(3, 1, Padding::Pixels(0))] {
        for bend in [Activation::Relu, Activation::Relu6] {
            let bend = || Layer::Activation(bend);
            // Behind a sum of one branch an activation stays where it is.
            let in_place = Layer::Parallel { branches: vec![vec![bend()]], join: Join::Sum };
            let (given, gradient) = through(vec![bend()], pool);
            assert_eq!((given, gradient.clone()), through(vec![in_place], pool));
            assert!(gradient.contains(&0.0) && gradient.iter().any(|number| *number != 0.0));
        }
    }
}

#[test]
fn activations_and_global_pools_give_their_formula() {
    let row = ramp(6);
    type Formula = fn(f64) -> f64;
    let cases: [(Activation, Formula); 5] = [
        (Activation::Relu6, |x| x.clamp(0.0, 6.0)),
        (Activation::LeakyRelu { slope: 0.2 }, |x| if x < 0.0 { 0.2 * x } else { x }),
        (Activation::Silu, |x| x / (1.0 + (-x).exp())),
        (Activation::Sigmoid, |x| 1.0 / (1.0 + (-x).exp())),
        (Activation::Tanh, f64::tanh),
    ];
    for (activation, formula) in cases {
        let scaled: Vec<f32> = row.iter().map(|x| 6.0 * x).collect();
        let found = features(vec![Layer::Activation(activation)], VECTOR, &scaled);
        for (found, x) in found.iter().zip(&scaled) {
            assert!((f64::from(*found) - formula(f64::from(*x))).abs() < 1e-5, "{activation:?} of {x} is {found}");
        }
    }
    let picture = ramp(4 * 49);
    let channels: Vec<&[f32]> = picture.chunks(49).collect();
    let largest = features(vec![Layer::GlobalPool(Pooling::Max)], PICTURE, &picture);
    assert_eq!(largest, channels.iter().map(|c| c.iter().copied().fold(f32::MIN, f32::max)).collect::<Vec<_>>());
    let mean = features(vec![average()], PICTURE, &picture);
    for (found, channel) in mean.iter().zip(&channels) {
        assert!((found - channel.iter().sum::<f32>() / 49.0).abs() < 1e-5);
    }
}

#[test]
fn a_depthwise_convolution_is_a_grouped_one() {
    let wide = window(3, 2, Padding::Pixels(1));
    let picture = ramp(4 * 49);
    let depthwise = vec![Layer::DepthwiseConv2d { multiplier: 2, window: wide, bias: false }, Layer::Flatten];
    let grouped = vec![conv(8, wide, 4), Layer::Flatten];
    assert_eq!(features(depthwise, PICTURE, &picture), features(grouped, PICTURE, &picture));
}

#[test]
fn repeated_layers_have_weights_of_their_own() {
    let repeat = vec![Layer::Repeat { times: 2, layers: vec![Layer::Linear { units: 6, bias: true }] }];
    let net = Network::new(&model(repeat), VECTOR, 2, Seed::root(1), &Device::flex()).unwrap();
    let bytes = net.valid().to_safetensors().unwrap();
    let header_len = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let header: serde_json::Value = serde_json::from_slice(&bytes[8..8 + header_len]).unwrap();
    let data = |name: &str| {
        let offsets = &header[name]["data_offsets"];
        let at = |i: usize| 8 + header_len + usize::try_from(offsets[i].as_u64().unwrap()).unwrap();
        bytes[at(0)..at(1)].to_vec()
    };
    assert_ne!(data("backbone.0.0.0.weight"), data("backbone.0.1.0.weight"));
    assert_eq!(features(vec![Layer::Repeat { times: 0, layers: vec![relu()] }], VECTOR, &ramp(6)), ramp(6));
}

#[test]
fn products_in_bf16_are_those_of_rounded_numbers() {
    let row = ramp(4 * 49);
    let layers = vec![conv(8, window(3, 1, Padding::Same), 1), NORM, relu(), average()];
    let net = Network::new(&model(layers), PICTURE, 2, Seed::root(1), &Device::flex()).unwrap();
    let input = || Input::Pictures(tensor(&row, [1, 4, 7, 7]));
    let values = |logits: Tensor<2>| logits.try_into_vec_as::<f32>().unwrap();
    let [half, full] = [Precision::Bf16, Precision::F32].map(|precision| values(net.forward_in(precision, input())));
    assert_eq!(full, values(net.forward(input())));
    let largest = full.iter().fold(0.0_f32, |largest, x| largest.max(x.abs()));
    for (half, full) in half.iter().zip(&full) {
        // Eight bits, twice rounded: a convolution and the output layer.
        assert!(half != full && (half - full).abs() < largest / 64.0, "{half}, not about {full}");
        assert_eq!(half.to_bits() & 0xffff, 0, "the output layer gives bf16");
    }
}

/// Evaluations rely on it: a row's numbers are the same in every batch.
#[test]
fn on_the_cpu_a_row_does_not_depend_on_the_others_of_its_batch() {
    let same = |kernel, stride| window(kernel, stride, Padding::Same);
    let pointwise = |channels| conv(channels, same(1, 1), 1);
    let nets = [
        (
            InputShape::Picture { channels: 3, size: 32 },
            vec![
                conv(32, same(3, 2), 1),
                NORM,
                relu(),
                Layer::DepthwiseConv2d { multiplier: 1, window: same(5, 1), bias: false },
                NORM,
                pointwise(96),
                conv(64, same(3, 2), 4),
                Layer::GroupNorm { groups: 8, eps: 1e-5 },
                Layer::Pool { pooling: Pooling::Average, window: window(2, 2, Padding::Pixels(0)) },
                pointwise(640),
                average(),
                Layer::Linear { units: 300, bias: true },
                relu(),
            ],
        ),
        (
            InputShape::Picture { channels: 1, size: 11 },
            vec![
                conv(5, window(7, 1, Padding::Pixels(3)), 1),
                Layer::Pool { pooling: Pooling::Max, window: window(3, 2, Padding::Pixels(1)) },
                conv(7, window(3, 1, Padding::Pixels(0)), 1),
                Layer::Flatten,
                Layer::Linear { units: 17, bias: true },
                Layer::LayerNorm { eps: 1e-5 },
                Layer::Linear { units: 3, bias: false },
            ],
        ),
        (
            InputShape::Vector { width: 31 },
            vec![Layer::Linear { units: 1025, bias: true }, Layer::Activation(Activation::Gelu), NORM],
        ),
    ];
    for (shape, layers) in nets {
        let net = Network::new(&model(layers), shape, 2, Seed::root(1), &Device::flex()).unwrap();
        let n = 64;
        let mut stream = Seed::root(5).stream();
        let numbers: Vec<f32> = (0..n * shape.len()).map(|_| stream.uniform(-2.0, 2.0) as f32).collect();
        let run = |rows: std::ops::Range<usize>| -> Vec<f32> {
            let values = &numbers[rows.start * shape.len()..rows.end * shape.len()];
            let input = match shape {
                InputShape::Picture { channels, size } => {
                    Input::Pictures(tensor(values, [rows.len(), channels, size, size]))
                }
                InputShape::Vector { width } => Input::Vectors(tensor(values, [rows.len(), width])),
            };
            net.forward(input).try_into_vec_as::<f32>().unwrap()
        };
        let all = run(0..n);
        for size in [1, 2, 3, 5, 8, 13, 31, 33, 62] {
            for start in (0..n).step_by(size) {
                let rows = start..(start + size).min(n);
                assert_eq!(run(rows.clone()), all[2 * rows.start..2 * rows.end], "{shape:?} {rows:?}");
            }
        }
    }
}
