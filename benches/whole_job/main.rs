//! The whole job, from the command to the final table: `cargo bench --bench whole_job -- python=/path/to/python`, where that
//! Python has `torch`, `optuna`, `mlflow` and `scikit-learn`. `benches/README.md` has what was measured.
//!
//! `digits.rhai` and `torch_optuna_mlflow.py` do the same: a nested search with as many folds, trials, epochs and rows, the same network
//! and search space, and a record of every training. They take turns, each beginning with nothing recorded. Words after `--`: `turns=3`,
//! `trials=8`, `epochs=4`, `threads=2`, `workers=2` (of xrun, which share the threads), `python=python3`, `alone` to leave PyTorch out,
//! `show` to see what they print.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use xrun::data::{self, Features};
use xrun::spec::data::{Benchmark, BenchmarkSource, BenchmarkSpec, DataSpec, OfficialPart};

/// Digits of the job.
const N: usize = 1200;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let setting = |name: &str, default: &str| {
        let found = words.iter().find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
        found.unwrap_or(default).to_owned()
    };
    let turns: usize = setting("turns", "3").parse().expect("a number of turns");
    let [trials, epochs, threads, workers] = [("trials", "8"), ("epochs", "4"), ("threads", "2"), ("workers", "2")]
        .map(|(name, default)| setting(name, default));
    let (python, alone) = (setting("python", "python3"), words.iter().any(|word| word == "alone"));
    let show = words.iter().any(|word| word == "show");
    let digits = tempfile::tempdir().expect("a temporary folder");
    write_digits(digits.path());
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/whole_job");
    let mut ratios = Vec::new();
    println!("{:>10} {:>10} {:>7}", "xrun, s", "torch, s", "ratio");
    for _ in 0..turns {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut ours = Command::new(env!("CARGO_BIN_EXE_xrun"));
        ours.arg(scripts.join("digits.rhai")).arg(format!("data={}", digits.path().display()));
        ours.args([format!("n_trials={trials}"), format!("epochs={epochs}")]);
        ours.args(["--device", "cpu", "--quiet", "--threads", &threads, "--workers", &workers]);
        ours.arg("--results").arg(folder.path().join("results"));
        let ours = seconds(&mut ours, folder.path(), show);
        if alone {
            println!("{ours:>10.1}");
            continue;
        }
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut theirs = Command::new(&python);
        theirs.arg(scripts.join("torch_optuna_mlflow.py")).arg(digits.path()).args([&trials, &epochs, &threads]);
        let theirs = seconds(&mut theirs, folder.path(), show);
        println!("{ours:>10.1} {theirs:>10.1} {:>7.2}", ours / theirs);
        ratios.push(ours / theirs);
    }
    ratios.sort_by(f64::total_cmp);
    if let Some(middle) = ratios.get(ratios.len() / 2) {
        println!("{:>10} {:>10} {middle:>7.2}", "median", "");
    }
}

/// Seconds of a command in a folder.
fn seconds(command: &mut Command, folder: &Path, show: bool) -> f64 {
    command.current_dir(folder).stdin(Stdio::null());
    if !show {
        command.stdout(Stdio::null()).stderr(Stdio::null());
    }
    let began = Instant::now();
    let status = command.status().expect("the program can be started");
    assert!(status.success(), "{command:?}: {status}; `show` shows what it says");
    began.elapsed().as_secs_f64()
}

/// Digits as xrun draws them, in the files of MNIST.
fn write_digits(folder: &Path) {
    let spec = BenchmarkSpec {
        name: Benchmark::Mnist,
        source: BenchmarkSource::Embedded,
        part: OfficialPart::Train,
        n: Some(N),
        n_test: None,
        seed: 3,
    };
    let data = data::open(&DataSpec::Benchmark(spec), folder).expect("drawn digits");
    let Features::Pictures(drawn) = data.features() else { unreachable!("digits are pictures") };
    let count = u32::try_from(N).expect("a small data set").to_be_bytes();
    let mut pictures = [&[0, 0, 8, 3][..], &count, &[0, 0, 0, 28, 0, 0, 0, 28]].concat();
    (0..N).for_each(|row| pictures.extend_from_slice(drawn.picture(row)));
    let mut labels = [&[0, 0, 8, 1][..], &count].concat();
    labels.extend(data.targets().iter().map(|&class| u8::try_from(class).expect("a digit")));
    fs::write(folder.join("train-images-idx3-ubyte"), pictures).expect("the folder can be written");
    fs::write(folder.join("train-labels-idx1-ubyte"), labels).expect("the folder can be written");
}
