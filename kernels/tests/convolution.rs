//! Convolutions against a loop over everything, on random shapes.

#![expect(clippy::unwrap_used, reason = "tests")]

mod support;

use proptest::prelude::*;
use xrun_kernels::{
    Axis, ConvGeometry, GeometryError, Pictures, convolution, convolution_input_gradient, convolution_weight_gradient,
};

use support::{close, numbers};

/// A convolution as its definition says it, in double precision.
struct Naive {
    input: Pictures,
    outputs: usize,
    axes: [Axis; 2],
    groups: usize,
}

impl Naive {
    /// Calls with the index of an output, an input and a weight that are multiplied.
    fn each(&self, mut call: impl FnMut(usize, usize, usize)) {
        let Self { input, outputs, axes: [rows, columns], groups } = *self;
        let (inputs_of_group, outputs_of_group) = (input.channels / groups, outputs / groups);
        let place = |axis: Axis, size: usize| {
            (size + axis.padding.0 + axis.padding.1 - axis.dilation * (axis.kernel - 1) - 1) / axis.stride + 1
        };
        let (height, width) = (place(rows, input.height), place(columns, input.width));
        for n in 0..input.batch {
            for o in 0..outputs {
                for y in 0..height {
                    for x in 0..width {
                        for i in 0..inputs_of_group {
                            for ky in 0..rows.kernel {
                                for kx in 0..columns.kernel {
                                    let (iy, ix) = (
                                        y * rows.stride + ky * rows.dilation,
                                        x * columns.stride + kx * columns.dilation,
                                    );
                                    let (Some(iy), Some(ix)) =
                                        (iy.checked_sub(rows.padding.0), ix.checked_sub(columns.padding.0))
                                    else {
                                        continue;
                                    };
                                    if iy >= input.height || ix >= input.width {
                                        continue;
                                    }
                                    let channel = o / outputs_of_group * inputs_of_group + i;
                                    call(
                                        ((n * outputs + o) * height + y) * width + x,
                                        ((n * input.channels + channel) * input.height + iy) * input.width + ix,
                                        ((o * inputs_of_group + i) * rows.kernel + ky) * columns.kernel + kx,
                                    );
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn check(naive: &Naive, seed: u64) {
    let geometry = ConvGeometry::new(naive.input, naive.outputs, naive.axes[0], naive.axes[1], naive.groups).unwrap();
    let (x, w) = (numbers(naive.input.len(), seed), numbers(geometry.n_weights(), seed + 1));
    let (bias, g) = (numbers(naive.outputs, seed + 2), numbers(geometry.output().len(), seed + 3));
    let plane = geometry.output().plane();
    let of_output = |at: usize| f64::from(bias[at / plane % naive.outputs]);
    let mut forward: Vec<f64> = (0..g.len()).map(of_output).collect();
    let (mut dx, mut dw) = (vec![0.0; x.len()], vec![0.0; w.len()]);
    let mut sizes: [Vec<f64>; 3] = [forward.iter().map(|b| b.abs()).collect(), dx.clone(), dw.clone()];
    naive.each(|o, i, k| {
        let [gradient, picture, weight] = [g[o], x[i], w[k]].map(f64::from);
        let terms = [picture * weight, gradient * weight, gradient * picture];
        for (sum, term) in [&mut forward[o], &mut dx[i], &mut dw[k]].into_iter().zip(terms) {
            *sum += term;
        }
        for ((size, at), term) in sizes.iter_mut().zip([o, i, k]).zip(terms) {
            size[at] += term.abs();
        }
    });
    close(&convolution(&geometry, &x, &w, Some(&bias)), &forward, &sizes[0]);
    close(&convolution_input_gradient(&geometry, &w, &g), &dx, &sizes[1]);
    close(&convolution_weight_gradient(&geometry, &x, &g), &dw, &sizes[2]);
}

fn axis() -> impl Strategy<Value = Axis> {
    (prop::sample::select(vec![1_usize, 2, 3, 5, 7]), 1..4_usize, 0..4_usize, 0..4_usize, 1..3_usize).prop_map(
        |(kernel, stride, before, after, dilation)| Axis { kernel, stride, padding: (before, after), dilation },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn all_three_directions_are_what_the_definition_says(
        (rows, columns) in (axis(), axis()),
        (batch, height, width) in (prop::sample::select(vec![1_usize, 2, 3, 17]), 1..20_usize, 1..36_usize),
        (groups, inputs, outputs) in (prop::sample::select(vec![1_usize, 1, 1, 2, 3, 8]), 1..8_usize, 1..20_usize),
        depthwise in any::<bool>(),
        seed in any::<u32>(),
    ) {
        let (inputs, outputs) = if depthwise { (1, 1) } else { (inputs, outputs) };
        let input = Pictures { batch, channels: groups * inputs, height, width };
        prop_assume!(rows.places(height).is_ok() && columns.places(width).is_ok());
        check(&Naive { input, outputs: groups * outputs, axes: [rows, columns], groups }, u64::from(seed));
    }
}

#[test]
fn sums_longer_than_a_chain_and_many_panels_are_right() {
    let axis = Axis { kernel: 3, stride: 1, padding: (1, 1), dilation: 1 };
    let input = Pictures { batch: 4, channels: 61, height: 12, width: 13 };
    check(&Naive { input, outputs: 37, axes: [axis, axis], groups: 1 }, 5);
    let halving = Axis { stride: 2, ..axis };
    check(
        &Naive {
            input: Pictures { batch: 2, channels: 130, height: 7, width: 7 },
            outputs: 50,
            axes: [halving, halving],
            groups: 2,
        },
        6,
    );
}

#[test]
fn threads_do_not_matter_and_a_row_does_not_depend_on_its_batch() {
    let axis = Axis { kernel: 3, stride: 1, padding: (1, 1), dilation: 1 };
    for (groups, channels, outputs, size) in
        [(1, 40, 48, 9), (1, 16, 48, 40), (24, 24, 48, 11), (24, 24, 24, 12), (24, 24, 24, 6)]
    {
        let input = Pictures { batch: 19, channels, height: size, width: size };
        let geometry = ConvGeometry::new(input, outputs, axis, axis, groups).unwrap();
        let (x, w) = (numbers(input.len(), 1), numbers(geometry.n_weights(), 2));
        let g = numbers(geometry.output().len(), 3);
        let all = || {
            [
                convolution(&geometry, &x, &w, None),
                convolution_input_gradient(&geometry, &w, &g),
                convolution_weight_gradient(&geometry, &x, &g),
            ]
        };
        let of = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(all);
        let one = of(1);
        for threads in [2, 3, 7] {
            assert_eq!(of(threads), one);
        }
        let alone = Pictures { batch: 1, ..input };
        let single = ConvGeometry::new(alone, outputs, axis, axis, groups).unwrap();
        for (row, together) in one[0].chunks_exact(single.output().len()).enumerate() {
            assert_eq!(convolution(&single, &x[row * alone.len()..][..alone.len()], &w, None), together);
        }
    }
}

#[test]
fn each_broken_rule_of_a_geometry_has_its_message() {
    let axis = Axis { kernel: 3, stride: 1, padding: (0, 0), dilation: 2 };
    let input = Pictures { batch: 1, channels: 4, height: 9, width: 4 };
    let message = |outputs, rows, columns, groups| {
        ConvGeometry::new(input, outputs, rows, columns, groups).unwrap_err().to_string()
    };
    assert_eq!(message(4, axis, axis, 0), "the number of groups is 0, but must be at least 1");
    assert_eq!(message(4, axis, axis, 3), "3 groups do not divide 4 input channels evenly");
    assert_eq!(message(6, axis, axis, 4), "4 groups do not divide 6 output channels evenly");
    assert_eq!(
        message(4, axis, axis, 1),
        "the kernel reaches over 5 pixels, but there are 4 with the padding; use a smaller kernel or more padding"
    );
    for (broken, what) in [
        (Axis { kernel: 0, ..axis }, "the kernel"),
        (Axis { stride: 0, ..axis }, "the stride"),
        (Axis { dilation: 0, ..axis }, "the dilation"),
    ] {
        assert_eq!(message(4, broken, axis, 1), format!("{what} is 0, but must be at least 1"));
        assert_eq!(broken.places(9), Err(GeometryError::Zero { what }));
    }
    assert_eq!(message(0, axis, axis, 1), "the number of channels is 0, but must be at least 1");
    let padded = Axis { padding: (3, 3), ..axis };
    assert_eq!(padded.places(0), Err(GeometryError::Zero { what: "the size of a picture" }));
}
