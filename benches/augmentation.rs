//! How much faster pictures are augmented than a training step takes them: `cargo bench --bench augmentation`.
//! `benches/README.md` has what was measured.
//!
//! The step is that of the convolutional network of `pets_step5` on 64 x 64 pixels. Both are measured one after the other, each
//! with all threads; then an epoch is trained with and without augmentation. Nothing is asserted: the times are the
//! machine's.

use std::time::{Duration, Instant};

use xrun::data::{self, Dataset, Features};
use xrun::device::{self, DeviceKind, OpenDevice};
use xrun::seed::Seed;
use xrun::spec::data::{DataSpec, PetsSource, PetsSpec, PetsTarget};
use xrun::spec::network::{
    Augment, Backbone, Layer, Loss, LossOptions, ModelSpec, Optimizer, Patch, PhaseOptions, PhaseSpec,
};
use xrun::split::TrainValidation;
use xrun::train::{EpochRecord, Flow, Observer, TrainSpec, augmented, train};

/// As in the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const BATCH: usize = 32;
const N: usize = 480;
const REPEATS: usize = 5;

fn main() {
    let cache = tempfile::tempdir().expect("a temporary folder");
    let pets = PetsSpec { source: PetsSource::Embedded { n: N, seed: 1 }, target: PetsTarget::Species, size: 64 };
    let data = data::open(&DataSpec::Pets(pets), cache.path()).expect("drawn pictures");
    let device = device::open(DeviceKind::Cpu).expect("a CPU");
    let jitter = Augment::ColorJitter { brightness: 0.4, contrast: 0.4, saturation: 0.4, hue: 0.1 };
    let cut = Augment::ResizedCrop(Patch { scale: [0.08, 1.0], ratio: [0.75, 4.0 / 3.0] });
    let flip = Augment::Flip { p: 0.5 };
    let cases = [
        vec![],
        vec![flip],
        vec![flip, Augment::Crop { padding: 4 }],
        vec![cut, flip],
        vec![Augment::Rotation { degrees: 15.0 }],
        vec![jitter],
        vec![Augment::AutoAugment],
        vec![Augment::TrivialAugment],
        vec![Augment::RandAugment { n: 2, magnitude: 9 }],
        vec![Augment::Mixup { alpha: 1.0 }],
        vec![cut, flip, jitter, Augment::RandAugment { n: 2, magnitude: 9 }, Augment::Cutmix { alpha: 1.0 }],
    ];
    let step = median(|| epoch(&data, &device, &[])) / as_u32(N / BATCH);
    println!("a step of {BATCH} pictures takes {step:.2?}");
    println!("{:<60}{:>12}{:>14}{:>14}", "augmentation", "a batch", "times as fast", "epoch, times");
    for augment in cases {
        let batch = median(|| batches(&data, &augment)) / as_u32(N / BATCH);
        // Interleaved, for the machine may be busy with other work.
        let mut ratios: Vec<f64> = (0..REPEATS)
            .map(|_| {
                let plain = epoch(&data, &device, &[]);
                epoch(&data, &device, &augment).as_secs_f64() / plain.as_secs_f64()
            })
            .collect();
        ratios.sort_by(f64::total_cmp);
        let names: Vec<&str> = augment.iter().map(Augment::name).collect();
        let times = step.as_secs_f64() / batch.as_secs_f64();
        println!("{:<60}{batch:>12.2?}{times:>14.1}{:>14.2}", names.join(", "), ratios[REPEATS / 2]);
    }
}

/// The time of making all batches of an epoch.
fn batches(data: &Dataset, augment: &[Augment]) -> Duration {
    let Features::Pictures(pictures) = data.features() else { unreachable!("pets are pictures") };
    let rows: Vec<usize> = (0..N).collect();
    let started = Instant::now();
    for batch in rows.chunks(BATCH) {
        std::hint::black_box(augmented(pictures, batch, augment, Seed::root(7)));
    }
    started.elapsed()
}

/// The time of training an epoch.
fn epoch(data: &Dataset, device: &OpenDevice, augment: &[Augment]) -> Duration {
    let model = ModelSpec {
        backbone: Backbone::Convnet { width: 16, blocks: 3, kernel: 3 },
        head: vec![Layer::Dropout { rate: 0.2 }],
        loss: Loss::BinaryCrossEntropy,
        loss_options: LossOptions::default(),
    };
    let phase = |name: &str, augment: &[Augment]| PhaseSpec {
        name: name.to_owned(),
        freeze_backbone: false,
        epochs: 1,
        batch_size: BATCH,
        drop_last: false,
        optimizer: Optimizer::AdamW { lr: 1e-3, betas: [0.9, 0.999], eps: 1e-8, weight_decay: 0.01 },
        early_stop: None,
        augment: augment.to_vec(),
        options: PhaseOptions::default(),
    };
    // The first phase warms up.
    let phases = [phase("warm", &[]), phase("timed", augment)];
    let spec = TrainSpec { model: &model, phases: &phases, seed: Seed::root(7), features: None };
    let rows = TrainValidation { train: (0..N).collect(), validation: Vec::new() };
    let mut watch = Watch(Vec::new());
    train(&spec, data, &rows, device, None, &mut watch).expect("it trains");
    watch.0[1] - watch.0[0]
}

/// Notes when epochs end.
struct Watch(Vec<Instant>);

impl Observer for Watch {
    fn epoch(&mut self, _: &EpochRecord) -> Flow {
        self.0.push(Instant::now());
        Flow::Continue
    }
}

fn median(time: impl Fn() -> Duration) -> Duration {
    let mut times: Vec<Duration> = (0..REPEATS).map(|_| time()).collect();
    times.sort_unstable();
    times[REPEATS / 2]
}

fn as_u32(n: usize) -> u32 {
    u32::try_from(n).expect("a small number")
}
