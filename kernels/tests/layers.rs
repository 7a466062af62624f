//! The other layers against their definitions in double precision, and their gradients against finite differences.

#![expect(clippy::unwrap_used, reason = "tests")]

mod support;

use proptest::prelude::*;
use support::{close, numbers};
use xrun_kernels::{
    Activation, AdamStep, Affine, Axis, Channels, Linear, Pictures, PoolGeometry, RmsPropStep, SgdStep,
    add_and_activate, batch_norm, batch_norm_gradients, batch_norm_with, bias_gradient, joined, split_again,
};

/// What a tool computes on pools of 1, 2, 3 and 7 threads.
fn on_threads<T: Send + PartialEq + std::fmt::Debug>(compute: impl Fn() -> T + Sync) {
    let of = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(&compute);
    let one = of(1);
    for threads in [2, 3, 7] {
        assert_eq!(of(threads), one);
    }
}

fn bend(activation: Activation, x: f64) -> f64 {
    match activation {
        Activation::None => x,
        Activation::Relu => x.max(0.0),
        Activation::Relu6 => x.clamp(0.0, 6.0),
    }
}

const ACTIVATIONS: [Activation; 3] = [Activation::None, Activation::Relu, Activation::Relu6];

/// Batch norm with its activation as the definition says it.
fn normalized(shape: Channels, x: &[f64], gamma: &[f32], beta: &[f32], eps: f64, activation: Activation) -> Vec<f64> {
    let Channels { batch, channels, plane } = shape;
    let n = (batch * plane) as f64;
    let of = |channel: usize| (0..batch * plane).map(move |at| (at / plane * channels + channel) * plane + at % plane);
    let mut out = vec![0.0; x.len()];
    for channel in 0..channels {
        let mean = of(channel).map(|at| x[at]).sum::<f64>() / n;
        let variance = of(channel).map(|at| (x[at] - mean).powi(2)).sum::<f64>() / n;
        for at in of(channel) {
            let normal = (x[at] - mean) / (variance + eps).sqrt();
            out[at] = bend(activation, normal * f64::from(gamma[channel]) + f64::from(beta[channel]));
        }
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn linear_layers_are_what_the_definition_says(
        (batch, inputs, outputs) in (1..70_usize, 1..90_usize, 1..70_usize),
        seed in any::<u32>(),
    ) {
        let layer = Linear { batch, inputs, outputs };
        let seed = u64::from(seed);
        let (x, w) = (numbers(batch * inputs, seed), numbers(inputs * outputs, seed + 1));
        let (bias, g) = (numbers(outputs, seed + 2), numbers(batch * outputs, seed + 3));
        let zeros = |n: usize| (vec![0.0_f64; n], vec![0.0_f64; n]);
        let (mut y, mut dx, mut dw, mut db) = (zeros(g.len()), zeros(x.len()), zeros(w.len()), zeros(outputs));
        let add = |to: &mut (Vec<f64>, Vec<f64>), at: usize, a: f32, b: f32| {
            to.0[at] += f64::from(a) * f64::from(b);
            to.1[at] += (f64::from(a) * f64::from(b)).abs();
        };
        for row in 0..batch {
            for o in 0..outputs {
                let at = row * outputs + o;
                add(&mut y, at, bias[o], 1.0);
                add(&mut db, o, g[at], 1.0);
                for i in 0..inputs {
                    add(&mut y, at, x[row * inputs + i], w[i * outputs + o]);
                    add(&mut dx, row * inputs + i, g[at], w[i * outputs + o]);
                    add(&mut dw, i * outputs + o, g[at], x[row * inputs + i]);
                }
            }
        }
        close(&layer.forward(&x, &w, Some(&bias)), &y.0, &y.1);
        close(&layer.input_gradient(&w, &g), &dx.0, &dx.1);
        close(&layer.weight_gradient(&x, &g), &dw.0, &dw.1);
        close(&bias_gradient(&g, outputs, 1), &db.0, &db.1);
        // A row alone has the bits it has among others.
        let alone = Linear { batch: 1, ..layer };
        let together = layer.forward(&x, &w, Some(&bias));
        prop_assert_eq!(alone.forward(&x[..inputs], &w, Some(&bias)), &together[..outputs]);
    }

    #[test]
    fn batch_norm_is_what_the_definition_says_and_its_gradients_are_its_slopes(
        (batch, channels, plane) in (2..6_usize, 1..5_usize, prop_oneof![1..40_usize, 64..81_usize]),
        activation in prop::sample::select(ACTIVATIONS.to_vec()),
        seed in any::<u32>(),
    ) {
        let shape = Channels { batch, channels, plane };
        let seed = u64::from(seed);
        let x: Vec<f32> = numbers(batch * channels * plane, seed).iter().map(|x| 4.0 * x + 1.0).collect();
        let gamma: Vec<f32> = numbers(channels, seed + 1).iter().map(|x| 6.0 * x).collect();
        let beta: Vec<f32> = numbers(channels, seed + 2).iter().map(|x| 4.0 * x + 2.0).collect();
        let g = numbers(x.len(), seed + 3);
        let affine = Affine { gamma: &gamma, beta: &beta, eps: 1e-3 };
        let given = batch_norm(shape, &x, affine, activation);
        let wide: Vec<f64> = x.iter().map(|&x| f64::from(x)).collect();
        let expected = normalized(shape, &wide, &gamma, &beta, 1e-3, activation);
        close(&given.output, &expected, &vec![20.0; x.len()]);
        let again = batch_norm_with(shape, &x, affine, [&given.mean, &given.variance], activation);
        prop_assert_eq!(&again, &given.output);

        // A bend within the reach of a difference has no slope to compare with.
        let before = normalized(shape, &wide, &gamma, &beta, 1e-3, Activation::None);
        prop_assume!(before.iter().all(|y| y.abs() > 1e-3 && (y - 6.0).abs() > 1e-3));
        let found = batch_norm_gradients(shape, &x, affine, [&given.mean, &given.variance], activation, &g);
        let loss = |x: &[f64], gamma: &[f32], beta: &[f32]| -> f64 {
            normalized(shape, x, gamma, beta, 1e-3, activation).iter().zip(&g).map(|(y, &g)| y * f64::from(g)).sum()
        };
        for at in 0..x.len() {
            let moved = |by: f64| {
                let mut x = wide.clone();
                x[at] += by;
                loss(&x, &gamma, &beta)
            };
            let slope = (moved(1e-5) - moved(-1e-5)) / 2e-5;
            prop_assert!((slope - f64::from(found.input[at])).abs() < 1e-3 * slope.abs().max(1.0), "{} instead of {}", found.input[at], slope);
        }
        for channel in 0..channels {
            let moved = |by: f32, is_gamma: bool| {
                let (mut gamma, mut beta) = (gamma.clone(), beta.clone());
                if is_gamma { gamma[channel] += by } else { beta[channel] += by }
                loss(&wide, &gamma, &beta)
            };
            for (is_gamma, found) in [(true, found.gamma[channel]), (false, found.beta[channel])] {
                let slope = (moved(1.0 / 16384.0, is_gamma) - moved(-1.0 / 16384.0, is_gamma)) * 8192.0;
                prop_assert!((slope - f64::from(found)).abs() < 2e-3 * f64::from(found).abs().max(1.0), "{} instead of {}", found, slope);
            }
        }
    }

    #[test]
    fn max_pooling_takes_the_largest_and_gives_it_the_gradient(
        (batch, channels, height, width) in (1..3_usize, 1..4_usize, 1..12_usize, 1..70_usize),
        (kernel, stride, padding, dilation) in (1..4_usize, 1..6_usize, 0..2_usize, 1..3_usize),
        seed in any::<u32>(),
    ) {
        prop_assume!(padding <= kernel / 2 && (padding == 0 || dilation == 1));
        let axis = Axis { kernel, stride, padding: (padding, padding), dilation };
        let input = Pictures { batch, channels, height, width };
        prop_assume!(axis.places(height).is_ok() && axis.places(width).is_ok());
        let geometry = PoolGeometry::new(input, axis, axis).unwrap();
        // Few values, so that many are equal: the first of them is chosen.
        let x: Vec<f32> = numbers(input.len(), u64::from(seed)).into_iter().map(|x| (3.0 * x).round()).collect();
        let g = numbers(geometry.output().len(), u64::from(seed) + 1);
        let found = geometry.largest(&x);
        let (mut expected, mut chosen, mut gradient) = (Vec::new(), Vec::new(), vec![0.0_f32; x.len()]);
        for plane in 0..batch * channels {
            for y in 0..geometry.output().height {
                for column in 0..geometry.output().width {
                    let pixels = (0..kernel * kernel).filter_map(|k| {
                        let down = (y * stride + k / kernel * dilation).checked_sub(padding).filter(|&y| y < height)?;
                        let right = (column * stride + k % kernel * dilation).checked_sub(padding).filter(|&x| x < width)?;
                        Some((plane * height + down) * width + right)
                    });
                    let best = pixels.reduce(|best, at| if x[at] > x[best] { at } else { best }).unwrap();
                    gradient[best] += g[expected.len()];
                    expected.push(x[best]);
                    chosen.push(u32::try_from(best - plane * height * width).unwrap());
                }
            }
        }
        prop_assert_eq!(&found.output, &expected);
        prop_assert_eq!(&found.chosen, &chosen);
        prop_assert_eq!(geometry.largest_gradient(&found.chosen, &g), gradient);
    }
}

#[test]
fn threads_do_not_matter() {
    let shape = Channels { batch: 7, channels: 37, plane: 121 };
    let n = 7 * 37 * 121;
    let (x, g, affine) = (numbers(n, 1), numbers(n, 2), numbers(37, 3));
    let affine = Affine { gamma: &affine, beta: &affine, eps: 1e-5 };
    on_threads(|| {
        let given = batch_norm(shape, &x, affine, Activation::Relu);
        let back = batch_norm_gradients(shape, &x, affine, [&given.mean, &given.variance], Activation::Relu, &g);
        (given.output, given.variance, back.input, back.gamma, back.beta)
    });
    let layer = Linear { batch: 33, inputs: 700, outputs: 190 };
    let (x, w, g) = (numbers(33 * 700, 4), numbers(700 * 190, 5), numbers(33 * 190, 6));
    on_threads(|| (layer.forward(&x, &w, None), layer.input_gradient(&w, &g), layer.weight_gradient(&x, &g)));
}

#[test]
fn activations_bend_and_let_gradients_through() {
    let numbers = [-2.0, -0.0, 0.0, 0.5, 6.0, 7.0];
    for (activation, expected, passed) in [
        (Activation::None, numbers, [1.0; 6]),
        (Activation::Relu, [0.0, -0.0, 0.0, 0.5, 6.0, 7.0], [0.0, 0.0, 0.0, 1.0, 1.0, 1.0]),
        (Activation::Relu6, [0.0, -0.0, 0.0, 0.5, 6.0, 6.0], [0.0, 0.0, 0.0, 1.0, 0.0, 0.0]),
    ] {
        let mut bent = numbers;
        activation.activate(&mut bent);
        assert_eq!(bent, expected);
        let mut gradient = [1.0; 6];
        activation.turn_back(&bent, &mut gradient);
        assert_eq!(gradient, passed);
        let mut sum = [1.0, 1.0, 1.0, 1.0, 1.0, 1.0];
        add_and_activate(&mut sum, &numbers, activation);
        assert_eq!(sum.map(f64::from), numbers.map(|x| bend(activation, f64::from(x) + 1.0)));
    }
}

#[test]
fn what_is_no_number_stays_none() {
    let mut bent = [f32::NAN];
    Activation::Relu6.activate(&mut bent);
    assert!(bent[0].is_nan());
    let axis = Axis { kernel: 2, stride: 2, padding: (0, 0), dilation: 1 };
    for width in [2, 40] {
        let geometry = PoolGeometry::new(Pictures { batch: 1, channels: 1, height: 2, width }, axis, axis).unwrap();
        let mut pixels = numbers(2 * width, 1);
        pixels[1] = f32::NAN;
        let output = geometry.largest(&pixels).output;
        assert!(output[0].is_nan() && output[1..].iter().all(|largest| largest.is_finite()));
    }
}

#[test]
fn a_step_of_adam_follows_its_formula() {
    let step = AdamStep { betas: [0.9, 0.99], keep: 0.999, penalty: 0.01, rate: 0.1, root_scale: 2.0, eps: 1e-8 };
    let n = (1 << 14) + 3;
    let (start, gradient) = (numbers(n, 1), numbers(n, 2));
    let square: Vec<f32> = numbers(n, 4).iter().map(|x| x * x).collect();
    let (mut w, mut m, mut v) = (start.clone(), numbers(n, 3), square.clone());
    let mean = m.clone();
    step.take(&mut w, &gradient, [&mut m, &mut v]);
    for at in (0..n).step_by(37).chain([n - 1]) {
        let g = f64::from(gradient[at]) + 0.01 * f64::from(start[at]);
        let expected_m = 0.9 * f64::from(mean[at]) + 0.1 * g;
        let expected_v = 0.99 * f64::from(square[at]) + 0.01 * g * g;
        let expected_w = f64::from(start[at]) * 0.999 - 0.1 * expected_m / (expected_v.sqrt() * 2.0 + 1e-8);
        for (found, expected) in [(w[at], expected_w), (m[at], expected_m), (v[at], expected_v)] {
            near(found, expected);
        }
    }
}

#[test]
fn a_step_of_sgd_follows_its_formula() {
    let n = (1 << 14) + 3;
    let (start, gradient, before) = (numbers(n, 1), numbers(n, 2), numbers(n, 3));
    for (with_velocity, nesterov) in [(false, false), (true, false), (true, true)] {
        let step = SgdStep { rate: 0.1, penalty: 0.01, momentum: 0.9, share: 0.75, nesterov };
        let (mut w, mut v) = (start.clone(), before.clone());
        step.take(&mut w, &gradient, with_velocity.then_some(v.as_mut_slice()));
        for at in (0..n).step_by(37).chain([n - 1]) {
            let g = f64::from(gradient[at]) + 0.01 * f64::from(start[at]);
            let velocity = 0.9 * f64::from(before[at]) + 0.75 * g;
            let direction = match (with_velocity, nesterov) {
                (false, _) => g,
                (true, false) => velocity,
                (true, true) => g + 0.9 * velocity,
            };
            near(w[at], f64::from(start[at]) - 0.1 * direction);
            near(v[at], if with_velocity { velocity } else { f64::from(before[at]) });
        }
    }
}

#[test]
fn a_step_of_rmsprop_follows_its_formula() {
    let n = (1 << 14) + 3;
    let (start, gradient) = (numbers(n, 1), numbers(n, 2));
    let (mean, velocity) = (numbers(n, 3), numbers(n, 4));
    let square: Vec<f32> = mean.iter().map(|x| x * x + 0.5).collect();
    let step = RmsPropStep { rate: 0.1, penalty: 0.01, alpha: 0.95, eps: 1e-3, momentum: 0.9 };
    for (centered, moving) in [(false, false), (true, false), (false, true), (true, true)] {
        let [mut w, mut s, mut m, mut v] = [&start, &square, &mean, &velocity].map(Vec::clone);
        let kept = (centered.then_some(m.as_mut_slice()), moving.then_some(v.as_mut_slice()));
        step.take(&mut w, &gradient, &mut s, kept.0, kept.1);
        for at in (0..n).step_by(37).chain([n - 1]) {
            let g = f64::from(gradient[at]) + 0.01 * f64::from(start[at]);
            let expected_s = 0.95 * f64::from(square[at]) + 0.05 * g * g;
            let expected_m = 0.95 * f64::from(mean[at]) + 0.05 * g;
            let power = if centered { expected_s - expected_m * expected_m } else { expected_s };
            let direction = g / (power.sqrt() + 1e-3);
            let expected_v = 0.9 * f64::from(velocity[at]) + direction;
            near(w[at], f64::from(start[at]) - 0.1 * if moving { expected_v } else { direction });
            near(s[at], expected_s);
            near(m[at], if centered { expected_m } else { f64::from(mean[at]) });
            near(v[at], if moving { expected_v } else { f64::from(velocity[at]) });
        }
    }
}

fn near(found: f32, expected: f64) {
    assert!((f64::from(found) - expected).abs() <= 1e-6 * expected.abs().max(0.1), "{found}, not {expected}");
}

#[test]
fn channels_are_joined_row_by_row_and_split_again() {
    let (left, right) = ([1.0, 2.0, 3.0, 4.0], [5.0, 6.0]);
    let whole = joined(&left, &right, 2);
    assert_eq!(whole, [1.0, 2.0, 5.0, 3.0, 4.0, 6.0]);
    assert_eq!(split_again(&whole, 2, 2), [left.to_vec(), right.to_vec()]);
}
