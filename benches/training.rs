//! How long a training step takes beside PyTorch's: `cargo bench --bench training -- python=/path/to/python`, where that
//! Python has `torch`. `benches/README.md` has what was measured.
//!
//! Each network is trained by two processes, this program and `torch_step.py`, on two threads each, with the same batch size and
//! AdamW. They take turns, a few steps each, so that both see the same machine; the ratio is the median over the turns. This
//! side goes through `xrun::train`, batches and all; PyTorch is given one batch that lies in memory. Words after `--`:
//! names of networks, `turns=9`, `threads=2`, `python=python3`, `alone` to leave PyTorch out, `processor` for the time that processors worked,
//! which says more where others use the machine too (with `threads=1`: a thread that waits may count as one that works).

use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::LazyLock;
use std::time::Instant;

use xrun::data::{self, Dataset};
use xrun::device::{DeviceKind, open};
use xrun::seed::Seed;
use xrun::spec::data::{
    Benchmark, BenchmarkSource, BenchmarkSpec, DataSpec, OfficialPart, PetsSource, PetsSpec, PetsTarget,
};
use xrun::spec::network::{
    Activation, Backbone, Join, Layer, Loss, LossOptions, ModelSpec, Optimizer, Padding, PhaseOptions, PhaseSpec,
    Pooling, Window,
};
use xrun::spec::zoo::{Published, PublishedSpec};
use xrun::split::TrainValidation;
use xrun::train::{EpochRecord, Flow, Observer, TrainError, TrainSpec, train};

/// As in the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A network to train.
struct Case {
    name: &'static str,
    /// Its name in `torch_step.py`.
    network: &'static str,
    size: usize,
    batch: usize,
    /// Steps in a turn.
    steps: usize,
}

const CASES: [Case; 7] = [
    Case { name: "mlp", network: "mlp", size: 28, batch: 64, steps: 200 },
    Case { name: "cnn", network: "cnn", size: 28, batch: 64, steps: 20 },
    Case { name: "branches", network: "branches", size: 28, batch: 64, steps: 2 },
    Case { name: "resnet18_64", network: "resnet18", size: 64, batch: 16, steps: 4 },
    Case { name: "resnet18_224", network: "resnet18", size: 224, batch: 8, steps: 2 },
    Case { name: "efficientnet_lite0_64", network: "efficientnet_lite0", size: 64, batch: 16, steps: 4 },
    Case { name: "densenet121_64", network: "densenet121", size: 64, batch: 16, steps: 2 },
];

impl Case {
    /// Digits are grey and of ten classes, pets in colour and of two.
    fn channels_and_classes(&self) -> (usize, usize) {
        if self.size == 28 { (1, 10) } else { (3, 2) }
    }

    fn model(&self) -> ModelSpec {
        let published = |network| Backbone::Published(PublishedSpec { network, weights: None });
        let (backbone, head) = match self.network {
            "mlp" => (Backbone::Mlp { hidden: vec![256], activation: Activation::Relu, dropout: 0.0 }, vec![]),
            "cnn" => (Backbone::Sequential(cnn()), vec![linear(128), relu()]),
            "branches" => (Backbone::Sequential(branches()), vec![linear(1000), relu(), linear(500), relu()]),
            "resnet18" => (published(Published::ResNet18), vec![]),
            "efficientnet_lite0" => (published(Published::EfficientNetLite0), vec![]),
            "densenet121" => (published(Published::DenseNet121), vec![]),
            other => unreachable!("{other} is no network"),
        };
        ModelSpec { backbone, head, loss: Loss::CrossEntropy, loss_options: LossOptions::default() }
    }
}

fn relu() -> Layer {
    Layer::Activation(Activation::Relu)
}

fn linear(units: usize) -> Layer {
    Layer::Linear { units, bias: true }
}

fn convolution(channels: usize, groups: usize) -> Layer {
    let window = Window { kernel: 3, stride: 1, padding: Padding::Pixels(1), dilation: 1 };
    Layer::Conv2d { channels, window, groups, bias: true }
}

fn halve() -> Layer {
    let window = Window { kernel: 2, stride: 2, padding: Padding::Pixels(0), dilation: 1 };
    Layer::Pool { pooling: Pooling::Max, window }
}

fn cnn() -> Vec<Layer> {
    vec![convolution(32, 1), relu(), halve(), convolution(64, 1), relu(), halve(), Layer::Flatten]
}

fn branches() -> Vec<Layer> {
    let branch = || vec![convolution(64, 2)];
    vec![
        convolution(32, 1),
        relu(),
        halve(),
        Layer::Parallel { branches: vec![branch(), branch()], join: Join::Sum },
        relu(),
        halve(),
        convolution(512, 1),
        relu(),
        convolution(512, 1),
        relu(),
        Layer::Flatten,
    ]
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    if let [first, name, turns, clock] = words.as_slice()
        && first == "child"
    {
        let case = CASES.iter().find(|case| case.name == name).expect("the parent knows the names");
        let clock = if clock == "processor" { worked } else { wall };
        return child(case, turns.parse().expect("a number of turns"), clock);
    }
    let setting = |name: &str, default: &str| {
        let found = words.iter().find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
        found.unwrap_or(default).to_owned()
    };
    let turns: usize = setting("turns", "9").parse().expect("a number of turns");
    let (threads, python) = (setting("threads", "2"), setting("python", "python3"));
    let alone = words.iter().any(|word| word == "alone");
    let clock = if words.iter().any(|word| word == "processor") { "processor" } else { "wall" };
    let named = |case: &&Case| words.iter().any(|word| word == case.name);
    let chosen: Vec<&Case> = if CASES.iter().any(|case| named(&case)) {
        CASES.iter().filter(named).collect()
    } else {
        CASES.iter().collect()
    };
    println!("{:<22} {:>10} {:>10} {:>7} {:>9} {:>9}", "ms a step, MB", "xrun", "torch", "ratio", "xrun", "torch");
    let mut ratios = Vec::new();
    for case in chosen {
        ratios.extend(compare(case, turns, &threads, clock, (!alone).then_some(python.as_str())));
    }
    if !ratios.is_empty() {
        #[expect(clippy::cast_precision_loss, reason = "there are seven networks")]
        let mean = (ratios.iter().map(|ratio: &f64| ratio.ln()).sum::<f64>() / ratios.len() as f64).exp();
        println!("{:<22} {:>10} {:>10} {mean:>7.2}", "geometric mean", "", "");
    }
}

/// Prints the line of a network; gives the ratio of the times.
fn compare(case: &Case, turns: usize, threads: &str, clock: &str, python: Option<&str>) -> Option<f64> {
    let own = std::env::current_exe().expect("the path of this program");
    let mut xrun = Side::new(
        Command::new(own)
            .args(["child", case.name, &(turns + 1).to_string(), clock])
            .env("RAYON_NUM_THREADS", threads)
            // As the program sets it.
            .env("MIMALLOC_PURGE_DECOMMITS", "0"),
    );
    let mut torch = python.map(|python| {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/torch_step.py");
        let (channels, classes) = case.channels_and_classes();
        let numbers = [case.size, channels, classes, case.batch].map(|number| number.to_string());
        Side::new(Command::new(python).arg(script).arg(case.network).args(numbers).args([threads, clock]))
    });
    let (mut ours, mut theirs, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for turn in 0..=turns {
        let own = xrun.turn(case.steps);
        let other = torch.as_mut().map(|torch| torch.turn(case.steps));
        // The first turn warms both up.
        if turn > 0 {
            ours.push(own);
            theirs.extend(other);
            ratios.extend(other.map(|other| own / other));
        }
    }
    let peaks = (xrun.end(), torch.map(Side::end));
    let ratio = median(ratios);
    let show = |value: Option<f64>, scale: f64| value.map_or_else(String::new, |value| format!("{:.1}", value * scale));
    println!(
        "{:<22} {:>10} {:>10} {:>7} {:>9} {:>9}",
        case.name,
        show(median(ours), 1e3),
        show(median(theirs), 1e3),
        ratio.map_or_else(String::new, |ratio| format!("{ratio:.2}")),
        show(Some(peaks.0), 1.0 / 1024.0),
        show(peaks.1, 1.0 / 1024.0),
    );
    ratio
}

/// The middle value, the upper of two; none of none.
fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

/// A process that trains when it is told to.
struct Side {
    child: Child,
    /// None when it was told to end.
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Side {
    fn new(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the side can be started");
        let answers = BufReader::new(child.stdout.take().expect("standard output is piped"));
        Self { orders: child.stdin.take(), child, answers }
    }

    /// Median seconds of these many steps.
    fn turn(&mut self, steps: usize) -> f64 {
        let orders = self.orders.as_mut().expect("it was not told to end");
        writeln!(orders, "{steps}").expect("the side listens");
        median(self.answer()).expect("a turn has a step")
    }

    /// Peak memory in KiB.
    fn end(mut self) -> f64 {
        self.orders = None;
        let peak = self.answer()[0];
        self.child.wait().expect("the side ends");
        peak
    }

    fn answer(&mut self) -> Vec<f64> {
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("the side answers");
        line.split_whitespace().map(|number| number.parse().expect("the side answers with numbers")).collect()
    }
}

/// Trains as it is told on standard input.
fn child(case: &Case, turns: usize, clock: fn() -> f64) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let n = case.batch * 4;
    let data = if case.size == 28 { digits(folder.path(), n) } else { pets(folder.path(), n, case.size) };
    let model = case.model();
    let phase = PhaseSpec {
        name: "fit".to_owned(),
        freeze_backbone: false,
        epochs: (turns * case.steps).div_ceil(4) + 1,
        batch_size: case.batch,
        drop_last: true,
        optimizer: Optimizer::AdamW { lr: 1e-3, betas: [0.9, 0.999], eps: 1e-8, weight_decay: 0.01 },
        early_stop: None,
        augment: vec![],
        options: PhaseOptions::default(),
    };
    let phases = [phase];
    let spec = TrainSpec { model: &model, phases: &phases, seed: Seed::root(1), features: None };
    let rows = TrainValidation { train: (0..n).collect(), validation: vec![] };
    let device = open(DeviceKind::Cpu).expect("the CPU is there");
    let mut turns = Turns { left: 0, clock, began: clock(), seconds: Vec::new() };
    turns.wait();
    // On a thread that computes, as a run trains.
    match rayon::scope(|_| train(&spec, &data, &rows, &device, None, &mut turns)) {
        Err(TrainError::Interrupted) => println!("{}", peak_kib()),
        Err(error) => panic!("the training fails: {error}"),
        Ok(_) => panic!("the training has more steps than turns ask for"),
    }
}

struct Turns {
    left: usize,
    clock: fn() -> f64,
    began: f64,
    seconds: Vec<f64>,
}

impl Turns {
    /// Waits for the next order; whether there is one.
    fn wait(&mut self) -> bool {
        let mut line = String::new();
        io::stdin().read_line(&mut line).expect("standard input is open");
        self.left = line.trim().parse().unwrap_or(0);
        self.began = (self.clock)();
        self.left > 0
    }
}

impl Observer for Turns {
    fn batch(&mut self, _done: usize, _total: usize) -> Flow {
        self.seconds.push((self.clock)() - self.began);
        self.left -= 1;
        if self.left == 0 {
            let line: Vec<String> = self.seconds.drain(..).map(|seconds| seconds.to_string()).collect();
            println!("{}", line.join(" "));
            if !self.wait() {
                return Flow::Stop;
            }
        }
        self.began = (self.clock)();
        Flow::Continue
    }

    fn epoch(&mut self, _record: &EpochRecord) -> Flow {
        self.began = (self.clock)();
        Flow::Continue
    }
}

fn digits(folder: &Path, n: usize) -> Dataset {
    let spec = BenchmarkSpec {
        name: Benchmark::Mnist,
        source: BenchmarkSource::Embedded,
        part: OfficialPart::Train,
        n: Some(n),
        n_test: None,
        seed: 3,
    };
    data::open(&DataSpec::Benchmark(spec), folder).expect("drawn digits")
}

fn pets(folder: &Path, n: usize, size: usize) -> Dataset {
    let source = PetsSource::Embedded { n, seed: 3 };
    data::open(&DataSpec::Pets(PetsSpec { source, target: PetsTarget::Species, size }), folder).expect("drawn pictures")
}

/// Seconds since some moment.
fn wall() -> f64 {
    static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);
    BEGAN.elapsed().as_secs_f64()
}

/// Seconds that processors worked for the threads of this process, as Linux says them.
fn worked() -> f64 {
    let of_task = |task: io::Result<fs::DirEntry>| -> Option<f64> {
        let text = fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
        Some(text.split_whitespace().next()?.parse::<f64>().ok()? / 1e9)
    };
    fs::read_dir("/proc/self/task").expect("Linux lists the threads").filter_map(of_task).sum()
}

/// The peak of this process's memory; 0 where the system does not say.
fn peak_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok()).unwrap_or(0)
}
