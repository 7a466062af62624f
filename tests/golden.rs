//! Tiny trainings whose bits are recorded: when one changes, the numerics version must be raised, or results of before
//! would be taken for results of now.
//!
//! Bits are the same on one device class only, so the fixture holds digests by class. On another class the test says
//! that it checks nothing; `XRUN_GOLDEN=record cargo test --release --test golden` adds the class to the fixture.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use xrun::data::{self, Dataset};
use xrun::device::{self, DeviceKind, OpenDevice};
use xrun::metric::Metric;
use xrun::numerics;
use xrun::seed::Seed;
use xrun::spec::data::{CsvTableSpec, DataSpec, PetsSource, PetsSpec, PetsTarget, TableTask};
use xrun::spec::network::{
    Activation, Augment, Backbone, EarlyStop, Layer, Loss, LossOptions, ModelSpec, Optimizer, PhaseOptions, PhaseSpec,
};
use xrun::split::TrainValidation;
use xrun::train::{EpochRecord, Flow, Observer, TrainSpec, train};

/// What is recorded.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Fixture {
    /// The version the digests were recorded under.
    numerics_version: String,
    /// Digests by device class, then by training.
    classes: BTreeMap<String, BTreeMap<String, Digests>>,
}

/// BLAKE3 digests of a training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Digests {
    /// What was trained on: a difference here says nothing of the numerics.
    data: String,
    weights: String,
    predictions: String,
    epochs: String,
}

/// What comes of comparing digests with the fixture.
#[derive(Debug, PartialEq)]
enum Verdict {
    /// They are the recorded ones.
    Same,
    /// The class is not in the fixture.
    UnknownClass,
    /// What is wrong, and what to do.
    Broken(String),
}

fn compare(fixture: &Fixture, version: &str, class: &str, found: &BTreeMap<String, Digests>) -> Verdict {
    const RECORD: &str = "XRUN_GOLDEN=record cargo test --release --test golden";
    if fixture.numerics_version != version {
        return Verdict::Broken(format!(
            "the golden digests were recorded under the numerics version `{}`, and this is `{version}`; record them anew \
             with {RECORD}",
            fixture.numerics_version
        ));
    }
    let Some(recorded) = fixture.classes.get(class) else { return Verdict::UnknownClass };
    let mut differences = String::new();
    for (name, found) in found {
        let Some(recorded) = recorded.get(name) else {
            return Verdict::Broken(format!(
                "the training `{name}` is not among the recorded ones; raise the numerics version in src/numerics.rs and \
                 record anew with {RECORD}"
            ));
        };
        if recorded.data != found.data {
            return Verdict::Broken(format!(
                "the training `{name}` has other data than the recorded one: what the test trains on must not change; \
                 restore it, or raise the numerics version in src/numerics.rs and record anew with {RECORD}"
            ));
        }
        for (what, recorded, found) in [
            ("weights", &recorded.weights, &found.weights),
            ("predictions", &recorded.predictions, &found.predictions),
            ("epochs", &recorded.epochs, &found.epochs),
        ] {
            if recorded != found {
                writeln!(differences, "  {name}: {what} are {found}, recorded are {recorded}").unwrap();
            }
        }
    }
    if differences.is_empty() {
        return Verdict::Same;
    }
    Verdict::Broken(format!(
        "tiny trainings on `{class}` have other bits than the recorded ones:\n{differences}if that is meant, raise the \
         numerics version in src/numerics.rs and record anew with {RECORD}; results of before are then trained again"
    ))
}

/// The fixture with the digests of a class. Digests of another version are dropped with all their classes; those of the
/// same version are never replaced by others.
fn recorded(fixture: Fixture, version: &str, class: &str, found: BTreeMap<String, Digests>) -> Result<Fixture, String> {
    let mut fixture = match fixture.numerics_version == version {
        true => fixture,
        false => Fixture { numerics_version: version.to_owned(), classes: BTreeMap::new() },
    };
    match compare(&fixture, version, class, &found) {
        Verdict::Broken(why) => return Err(why),
        Verdict::Same | Verdict::UnknownClass => {}
    }
    fixture.classes.insert(class.to_owned(), found);
    Ok(fixture)
}

struct Quiet;

impl Observer for Quiet {
    fn epoch(&mut self, _: &EpochRecord) -> Flow {
        Flow::Continue
    }
}

fn cpu() -> OpenDevice {
    device::open(DeviceKind::Cpu).unwrap()
}

/// Trains on two thirds of the rows, validates on the rows after them, and predicts all of them.
fn digests(model: &ModelSpec, phases: &[PhaseSpec], data: &Dataset) -> Digests {
    let (n, last) = (data.n() * 2 / 3, data.n());
    let rows = TrainValidation { train: (0..n).collect(), validation: (n..last).collect() };
    let spec = TrainSpec { model, phases, seed: Seed::root(1729).child("golden"), features: None };
    let trained = train(&spec, data, &rows, &cpu(), None, &mut Quiet).unwrap();
    let mut epochs = blake3::Hasher::new();
    for epoch in trained.epochs() {
        epochs.update(format!("{} {} {:x}", epoch.epoch, epoch.phase, epoch.train_loss.to_bits()).as_bytes());
        for (metric, value) in &epoch.validation {
            epochs.update(format!(" {metric} {:x}", value.to_bits()).as_bytes());
        }
    }
    for phase in trained.phases() {
        epochs.update(format!(" {} {}", phase.name, phase.kept_epoch).as_bytes());
    }
    let predicted = trained.predictor().predict(data, &(0..last).collect::<Vec<_>>()).unwrap();
    let mut predictions = blake3::Hasher::new();
    for probability in predicted.probabilities() {
        predictions.update(&probability.to_le_bytes());
    }
    let hex = |hasher: &blake3::Hasher| hasher.finalize().to_hex().to_string();
    Digests {
        data: data.fingerprint().to_owned(),
        weights: blake3::hash(&trained.predictor().weights().unwrap()).to_hex().to_string(),
        predictions: hex(&predictions),
        epochs: hex(&epochs),
    }
}

/// A table with numbers, missing cells and categories; the class follows from two columns.
fn table(n_classes: usize) -> Dataset {
    let mut stream = Seed::root(4711).child_at("table", n_classes).stream();
    let mut text = "x,y,noise,colour,class\n".to_owned();
    for row in 0..96 {
        let class = row % n_classes;
        #[expect(clippy::cast_precision_loss, reason = "classes are few")]
        let centre = class as f64;
        let (x, y, noise) = (centre + stream.uniform(-1.0, 1.0), stream.uniform(-1.0, 1.0) - centre, stream.unit());
        let noise = if stream.chance(0.2) { String::new() } else { format!("{noise:?}") };
        let colour = ["red", "green", "blue"][stream.below(3)];
        writeln!(text, "{x:?},{y:?},{noise},{colour},c{class}").unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table.csv");
    fs::write(&path, text).unwrap();
    let spec = CsvTableSpec {
        path,
        target: "class".to_owned(),
        drop: Vec::new(),
        categorical: Vec::new(),
        group: None,
        missing: Vec::new(),
        task: TableTask::Classification,
        n: None,
        seed: 0,
    };
    data::open(&DataSpec::CsvTable(spec), folder.path()).unwrap()
}

fn pictures() -> Dataset {
    let cache = tempfile::tempdir().unwrap();
    let source = PetsSource::Embedded { n: 48, seed: 3 };
    data::open(&DataSpec::Pets(PetsSpec { source, target: PetsTarget::Species, size: 16 }), cache.path()).unwrap()
}

fn phase(name: &str, epochs: usize, optimizer: Optimizer) -> PhaseSpec {
    PhaseSpec {
        name: name.to_owned(),
        freeze_backbone: false,
        epochs,
        batch_size: 16,
        drop_last: false,
        optimizer,
        early_stop: None,
        augment: Vec::new(),
        options: PhaseOptions::default(),
    }
}

fn adamw(lr: f64) -> Optimizer {
    Optimizer::AdamW { lr, betas: [0.9, 0.999], eps: 1e-8, weight_decay: 0.01 }
}

/// A network for tables with dropout, batch norm and every activation.
fn mlp(loss: Loss) -> ModelSpec {
    ModelSpec {
        backbone: Backbone::Mlp { hidden: vec![40, 24], activation: Activation::Gelu, dropout: 0.2 },
        head: vec![
            Layer::BatchNorm { eps: 1e-5, momentum: 0.1 },
            Layer::Linear { units: 12, bias: true },
            Layer::Activation(Activation::Tanh),
            Layer::Linear { units: 8, bias: true },
            Layer::Activation(Activation::Relu),
            Layer::Dropout { rate: 0.1 },
        ],
        loss,
        loss_options: LossOptions::default(),
    }
}

/// Two classes, AdamW, early stopping.
fn table_mlp(lr: f64) -> Digests {
    let early_stop = EarlyStop { patience: 2, min_delta: 0.0, monitor: Metric::LogLoss };
    let full = PhaseSpec { early_stop: Some(early_stop), ..phase("full", 5, adamw(lr)) };
    digests(&mlp(Loss::BinaryCrossEntropy), &[full], &table(2))
}

/// A warm-up with the backbone frozen, then all of it on augmented pictures.
fn convnet() -> Digests {
    let model = ModelSpec {
        backbone: Backbone::Convnet { width: 8, blocks: 2, kernel: 3 },
        head: vec![
            Layer::Linear { units: 16, bias: true },
            Layer::Activation(Activation::Relu),
            Layer::Dropout { rate: 0.3 },
        ],
        loss: Loss::BinaryCrossEntropy,
        loss_options: LossOptions::default(),
    };
    let warmup = PhaseSpec { freeze_backbone: true, ..phase("warmup", 1, adamw(1e-2)) };
    let augment = vec![Augment::Flip { p: 0.5 }, Augment::Crop { padding: 2 }];
    let full = PhaseSpec { augment, drop_last: true, ..phase("full", 3, adamw(3e-3)) };
    digests(&model, &[warmup, full], &pictures())
}

/// Three classes, and the update rules beside AdamW, each in a phase of its own.
fn optimizers() -> Digests {
    let phases = [
        phase("sgd", 2, Optimizer::Sgd { lr: 0.05, momentum: 0.9, dampening: 0.0, weight_decay: 1e-4, nesterov: true }),
        phase("adam", 2, Optimizer::Adam { lr: 1e-2, betas: [0.9, 0.99], eps: 1e-8, weight_decay: 1e-4 }),
        phase(
            "rmsprop",
            2,
            Optimizer::RmsProp { lr: 1e-3, alpha: 0.95, eps: 1e-8, weight_decay: 1e-4, momentum: 0.5, centered: true },
        ),
    ];
    digests(&mlp(Loss::CrossEntropy), &phases, &table(3))
}

fn all() -> BTreeMap<String, Digests> {
    [("table_mlp", table_mlp(1e-2)), ("convnet", convnet()), ("optimizers", optimizers())]
        .into_iter()
        .map(|(name, digests)| (name.to_owned(), digests))
        .collect()
}

fn fixture_file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/golden.json")
}

#[test]
fn the_bits_of_tiny_trainings_change_only_with_the_numerics_version() {
    let read = fs::read_to_string(fixture_file()).unwrap();
    let fixture: Fixture = serde_json::from_str(&read).unwrap();
    let (cpu, found) = (cpu(), all());
    if std::env::var_os("XRUN_GOLDEN").is_some_and(|value| value == "record") {
        let fixture = recorded(fixture, numerics::VERSION, cpu.class(), found).unwrap_or_else(|why| panic!("{why}"));
        fs::write(fixture_file(), serde_json::to_string_pretty(&fixture).unwrap() + "\n").unwrap();
        return;
    }
    match compare(&fixture, numerics::VERSION, cpu.class(), &found) {
        Verdict::Same => {}
        Verdict::UnknownClass => eprintln!(
            "SKIPPED: no golden digests are recorded for the device class `{}`, so nothing was compared; add it with \
             XRUN_GOLDEN=record cargo test --release --test golden",
            cpu.class()
        ),
        Verdict::Broken(why) => panic!("{why}"),
    }
}

#[test]
fn a_training_repeats_its_digests_on_any_number_of_threads_and_a_small_change_changes_all_of_them() {
    let of_threads =
        |n: usize, lr: f64| rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap().install(|| table_mlp(lr));
    let plain = of_threads(1, 1e-2);
    assert_eq!(plain, of_threads(3, 1e-2));
    let other = table_mlp(1e-2 + 1e-6);
    assert_eq!(plain.data, other.data);
    assert_ne!(plain.weights, other.weights);
    assert_ne!(plain.predictions, other.predictions);
    assert_ne!(plain.epochs, other.epochs);
}

/// Digests that name themselves.
fn named(weights: &str) -> BTreeMap<String, Digests> {
    let digests = Digests {
        data: "data".to_owned(),
        weights: weights.to_owned(),
        predictions: "predictions".to_owned(),
        epochs: "epochs".to_owned(),
    };
    BTreeMap::from([("net".to_owned(), digests)])
}

#[test]
fn a_changed_digest_asks_for_a_new_version_and_a_new_version_for_a_new_record() {
    let fixture = recorded(Fixture::default(), "1 burn-1", "cpu a", named("w1")).unwrap();
    assert_eq!(compare(&fixture, "1 burn-1", "cpu a", &named("w1")), Verdict::Same);
    assert_eq!(compare(&fixture, "1 burn-1", "cpu b", &named("w2")), Verdict::UnknownClass);
    let broken = |version: &str, found: &BTreeMap<String, Digests>| match compare(&fixture, version, "cpu a", found) {
        Verdict::Broken(why) => why,
        other => panic!("{other:?}"),
    };
    let changed = broken("1 burn-1", &named("w2"));
    assert!(changed.contains("  net: weights are w2, recorded are w1\n"), "{changed}");
    assert!(changed.contains("raise the numerics version in src/numerics.rs and record anew"), "{changed}");
    let other = broken("2 burn-1", &named("w1"));
    assert!(other.contains("under the numerics version `1 burn-1`, and this is `2 burn-1`; record"), "{other}");
    let mut data = named("w1");
    data.get_mut("net").unwrap().data = "other".to_owned();
    assert!(broken("1 burn-1", &data).contains("has other data than the recorded one"));
}

#[test]
fn recording_adds_a_class_and_never_replaces_digests_of_the_same_version() {
    let fixture = recorded(Fixture::default(), "1", "cpu a", named("w1")).unwrap();
    let both = recorded(fixture, "1", "cpu b", named("w2")).unwrap();
    assert_eq!(both.classes.keys().collect::<Vec<_>>(), ["cpu a", "cpu b"]);
    let refused = recorded(both.clone(), "1", "cpu a", named("w3")).unwrap_err();
    assert!(refused.contains("raise the numerics version"), "{refused}");
    let raised = recorded(both, "2", "cpu a", named("w3")).unwrap();
    assert_eq!(raised.numerics_version, "2");
    assert_eq!(raised.classes.keys().collect::<Vec<_>>(), ["cpu a"], "digests of another version say nothing");
}
