#![expect(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::path::Path;

use super::tests::{cpu, phase, pictures, rows};
use super::{EpochRecord, FeatureStore, Flow, Observer, PhaseSpec, TrainError, TrainSpec, Trained, train};
use crate::model::{InputShape, Network, Pretrained};
use crate::seed::Seed;
use crate::spec::network::{Augment, Backbone, Layer, Loss, LossOptions, ModelSpec};
use crate::spec::zoo::{Published, PublishedSpec, WeightsFile};

/// Hears how many batches were told.
#[derive(Default)]
struct Hearing {
    n_told: usize,
}

impl Observer for Hearing {
    fn batch(&mut self, _done: usize, _total: usize) -> Flow {
        self.n_told += 1;
        Flow::Continue
    }

    fn epoch(&mut self, _record: &EpochRecord) -> Flow {
        Flow::Continue
    }
}

fn model(weights: Option<WeightsFile>) -> ModelSpec {
    ModelSpec {
        backbone: Backbone::Published(PublishedSpec { network: Published::ResNet18, weights }),
        head: vec![Layer::Dropout { rate: 0.2 }],
        loss: Loss::BinaryCrossEntropy,
        loss_options: LossOptions::default(),
    }
}

/// A ResNet-18 that begins with weights from a file, which are drawn here.
fn pretrained(folder: &Path) -> ModelSpec {
    let path = folder.join("resnet18.safetensors");
    let shape = InputShape::Picture { channels: 3, size: 12 };
    let drawn = Network::new(&model(None), shape, 1, Seed::root(7), &cpu().plain()).unwrap();
    fs::write(&path, drawn.to_safetensors().unwrap()).unwrap();
    let read = Pretrained::read(Published::ResNet18, &WeightsFile { path: path.clone(), digest: None }).unwrap();
    model(Some(WeightsFile { path, digest: Some(read.digest().to_owned()) }))
}

fn frozen(name: &str) -> PhaseSpec {
    PhaseSpec { freeze_backbone: true, ..phase(name, 2) }
}

fn fit(model: &ModelSpec, phases: &[PhaseSpec], folder: &Path, features: Option<&FeatureStore>) -> (Trained, usize) {
    let (data, rows) = (pictures(folder), rows(30));
    let mut hearing = Hearing::default();
    let spec = TrainSpec { model, phases, seed: Seed::root(1), features };
    let trained = train(&spec, &data, &rows, &cpu(), None, &mut hearing).unwrap();
    (trained, hearing.n_told)
}

/// What a training came to: its epochs, its weights, and what it says of rows it has not seen.
fn outcome(trained: &Trained, folder: &Path) -> (Vec<EpochRecord>, Vec<u8>, Vec<f32>) {
    let unseen: Vec<usize> = (30..40).collect();
    let predictions = trained.predictor().predict(&pictures(folder), &unseen).unwrap();
    let epochs = trained.epochs().to_vec();
    (epochs, trained.predictor().weights().unwrap(), predictions.probabilities().to_vec())
}

/// Number of pictures whose features are kept.
fn n_kept(folder: &Path) -> usize {
    let Ok(files) = fs::read_dir(folder) else { return 0 };
    let record = 32 + 4 * 512 + 8;
    files.map(|file| (file.unwrap().metadata().unwrap().len() as usize - 8) / record).sum()
}

#[test]
fn keeping_features_changes_no_bit_and_spares_the_backbone() {
    let folder = tempfile::tempdir().unwrap();
    let (model, phases) = (pretrained(folder.path()), [frozen("head")]);
    let (plain, n_told) = fit(&model, &phases, folder.path(), None);
    let expected = outcome(&plain, folder.path());
    assert_eq!(n_told, 4, "two epochs of two batches");

    let kept = folder.path().join("features");
    let store = FeatureStore::new(&kept);
    let (first, n_told) = fit(&model, &phases, folder.path(), Some(&store));
    assert_eq!(n_told, 4 + 2, "features of training and of validation rows in a batch each");
    assert_eq!(n_kept(&kept), 30, "test rows are not looked at before they are predicted");
    assert_eq!(outcome(&first, folder.path()), expected);
    assert_eq!(n_kept(&kept), 40);

    let bytes = fs::read(fs::read_dir(&kept).unwrap().next().unwrap().unwrap().path()).unwrap();
    let (again, n_told) = fit(&model, &phases, folder.path(), Some(&store));
    assert_eq!(n_told, 4, "every feature is known");
    assert_eq!(outcome(&again, folder.path()), expected);
    assert_eq!(fs::read(fs::read_dir(&kept).unwrap().next().unwrap().unwrap().path()).unwrap(), bytes);
}

#[test]
fn a_backbone_that_was_trained_is_not_the_published_one() {
    let folder = tempfile::tempdir().unwrap();
    let model = pretrained(folder.path());
    let kept = folder.path().join("features");
    let store = FeatureStore::new(&kept);
    for (phases, n_expected) in [
        (vec![phase("all", 1)], 0),
        (vec![phase("all", 1), frozen("head")], 0),
        (vec![PhaseSpec { augment: vec![Augment::Flip { p: 0.5 }], ..frozen("head") }], 20),
        (vec![frozen("head"), phase("all", 1)], 30),
    ] {
        let _ = fs::remove_dir_all(&kept);
        let plain = outcome(&fit(&model, &phases, folder.path(), None).0, folder.path());
        let (trained, _) = fit(&model, &phases, folder.path(), Some(&store));
        assert_eq!(outcome(&trained, folder.path()), plain);
        let n_found = n_kept(&kept);
        assert_eq!(n_found, n_expected, "{phases:?}");
    }
}

#[test]
fn features_that_cannot_be_kept_are_told_with_the_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let model = pretrained(folder.path());
    let file = folder.path().join("file");
    fs::write(&file, "in the way").unwrap();
    let store = FeatureStore::new(&file);
    let spec = TrainSpec { model: &model, phases: &[frozen("head")], seed: Seed::root(1), features: Some(&store) };
    let error = train(&spec, &pictures(folder.path()), &rows(30), &cpu(), None, &mut Hearing::default()).unwrap_err();
    assert!(matches!(error, TrainError::Features { .. }));
    let message = error.to_string();
    assert!(message.starts_with("cannot keep the features of the frozen backbone in `"), "{message}");
    assert!(
        message.ends_with("choose a writable folder with the `cache` setting (`--cache DIR` or XRUN_CACHE)"),
        "{message}"
    );
}
