//! How fast convolutions of known networks are: `cargo bench -p xrun-kernels`, after `--` a part of a name. Prints milliseconds and
//! billions of multiply-adds a second of each direction.

use std::hint::black_box;
use std::time::Instant;

use xrun_kernels::{
    Axis, ConvGeometry, Pictures, convolution, convolution_input_gradient, convolution_weight_gradient,
};

/// Name, batch, inputs, size, outputs, kernel, stride, groups.
const LAYERS: [(&str, [usize; 7]); 16] = [
    ("cnn first", [64, 1, 28, 32, 3, 1, 1]),
    ("cnn second", [64, 32, 14, 64, 3, 1, 1]),
    ("branches last", [64, 512, 7, 512, 3, 1, 1]),
    ("resnet stem 224", [8, 3, 224, 64, 7, 2, 1]),
    ("resnet 56", [8, 64, 56, 64, 3, 1, 1]),
    ("resnet 28 halving", [8, 128, 56, 256, 3, 2, 1]),
    ("resnet 14", [8, 256, 14, 256, 3, 1, 1]),
    ("resnet 16", [16, 64, 16, 64, 3, 1, 1]),
    ("resnet 2", [16, 512, 2, 512, 3, 1, 1]),
    ("densenet 16 narrow", [16, 128, 16, 32, 3, 1, 1]),
    ("densenet 4 point", [16, 640, 4, 128, 1, 1, 1]),
    ("efficientnet 16 point", [16, 24, 16, 144, 1, 1, 1]),
    ("efficientnet 16 each", [16, 144, 16, 144, 3, 1, 144]),
    ("efficientnet 16 halving", [16, 96, 32, 96, 3, 2, 96]),
    ("efficientnet 8 each", [16, 240, 8, 240, 5, 1, 240]),
    ("efficientnet 4 each", [16, 672, 4, 672, 5, 1, 672]),
];

fn main() {
    let part = std::env::args().skip(1).find(|word| !word.starts_with('-')).unwrap_or_default();
    println!("{:<24} {:>16} {:>16} {:>16}", "ms, G multiply-adds/s", "forward", "to the input", "to the weights");
    for (name, [batch, channels, size, outputs, kernel, stride, groups]) in LAYERS {
        if !name.contains(&part) {
            continue;
        }
        let axis = Axis { kernel, stride, padding: (kernel / 2, kernel / 2), dilation: 1 };
        let input = Pictures { batch, channels, height: size, width: size };
        let geometry = ConvGeometry::new(input, outputs, axis, axis, groups).expect("a known layer");
        let numbers = |n: usize| (0..n).map(|at| (at % 17) as f32 - 8.0).collect::<Vec<f32>>();
        let (pictures, weights) = (numbers(input.len()), numbers(geometry.n_weights()));
        let gradient = numbers(geometry.output().len());
        let operations = (geometry.output().len() * channels / groups * kernel * kernel) as f64;
        let forward = time(|| convolution(&geometry, &pictures, &weights, None));
        let to_input = time(|| convolution_input_gradient(&geometry, &weights, &gradient));
        let to_weights = time(|| convolution_weight_gradient(&geometry, &pictures, &gradient));
        let show = |seconds: f64| format!("{:>8.3} {:>7.1}", seconds * 1e3, operations / seconds / 1e9);
        println!("{name:<24} {} {} {}", show(forward), show(to_input), show(to_weights));
    }
}

/// The least seconds of some runs; those that processors worked, where the system says them.
fn time<T>(run: impl Fn() -> T) -> f64 {
    let mut least = f64::INFINITY;
    let began = Instant::now();
    for round in 0.. {
        let (start, worked) = (Instant::now(), worked());
        black_box(run());
        let seconds =
            worked.map_or_else(|| start.elapsed().as_secs_f64(), |before| self::worked().unwrap_or(before) - before);
        least = least.min(seconds);
        if round >= 2 && began.elapsed().as_secs_f64() > 0.4 {
            break;
        }
    }
    least
}

/// Seconds that processors worked for all threads of this process.
fn worked() -> Option<f64> {
    let of_task = |task: std::io::Result<std::fs::DirEntry>| -> Option<f64> {
        let text = std::fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
        Some(text.split_whitespace().next()?.parse::<f64>().ok()? / 1e9)
    };
    std::fs::read_dir("/proc/self/task").ok()?.map(of_task).sum()
}
