//! Augmentation as a training has it: by row, ahead of the step, with shares of classes.

#![expect(clippy::unwrap_used, reason = "tests")]

use crate::data::{Dataset, Features, Pictures};
use crate::seed::Seed;
use crate::spec::network::{Augment, Patch, PhaseSpec};
use crate::train::tests::{Quiet, convnet, cpu, phase, pictures, rows};
use crate::train::{AugmentSheet, TrainError, TrainSpec, Trained, augmented, train};

const PATCH: Patch = Patch { scale: [0.2, 0.8], ratio: [0.5, 2.0] };

fn of_one_row() -> Vec<Augment> {
    vec![
        Augment::Flip { p: 0.5 },
        Augment::Crop { padding: 2 },
        Augment::ResizedCrop(PATCH),
        Augment::Rotation { degrees: 20.0 },
        Augment::ColorJitter { brightness: 0.4, contrast: 0.4, saturation: 0.4, hue: 0.1 },
        Augment::AutoAugment,
        Augment::TrivialAugment,
        Augment::RandAugment { n: 2, magnitude: 9 },
        Augment::Erasing { p: 0.5, patch: PATCH },
    ]
}

fn fit(data: &Dataset, augment: Vec<Augment>) -> Result<Trained, TrainError> {
    let phases = [PhaseSpec { augment, batch_size: 8, ..phase("full", 2) }];
    let spec = TrainSpec { model: &convnet(), phases: &phases, seed: Seed::root(4), features: None };
    train(&spec, data, &rows(40), &cpu(), None, &mut Quiet)
}

fn of(data: &Dataset) -> &Pictures {
    let Features::Pictures(pictures) = data.features() else { panic!("pets are pictures") };
    pictures
}

#[test]
fn a_row_is_augmented_the_same_in_every_batch_and_otherwise_in_another_epoch() {
    let folder = tempfile::tempdir().unwrap();
    let data = pictures(folder.path());
    let pictures = of(&data);
    for step in of_one_row() {
        let of_batch = |batch: &[usize], seed| augmented(pictures, batch, &[step], Seed::root(seed));
        let together = of_batch(&[3, 9, 4, 17, 30], 1);
        let len = together.len() / 5;
        for (at, row) in [3, 9, 4, 17, 30].into_iter().enumerate() {
            assert_eq!(together[at * len..][..len], of_batch(&[row], 1), "{step} of row {row}");
        }
        let all: Vec<usize> = (0..40).collect();
        assert_ne!(of_batch(&all, 1), of_batch(&all, 2), "{step}");
    }
}

#[test]
fn what_a_row_takes_of_another_depends_on_its_batch_and_the_seed() {
    let folder = tempfile::tempdir().unwrap();
    let data = pictures(folder.path());
    let pictures = of(&data);
    for step in [Augment::Mixup { alpha: 1.0 }, Augment::Cutmix { alpha: 1.0 }] {
        let of_batch = |batch: &[usize], seed| augmented(pictures, batch, &[step], Seed::root(seed));
        let batch = [3, 9, 4, 17, 30, 11, 12];
        assert_eq!(of_batch(&batch, 1), of_batch(&batch, 1));
        assert_ne!(of_batch(&batch, 1), of_batch(&batch, 2));
        assert_eq!(of_batch(&[3], 1), augmented(pictures, &[3], &[], Seed::root(1)), "a row alone takes of itself");
    }
}

#[test]
fn batches_made_ahead_train_the_same_bits_as_batches_made_in_turn() {
    let folder = tempfile::tempdir().unwrap();
    let data = pictures(folder.path());
    let mut augment = of_one_row();
    augment.push(Augment::Cutmix { alpha: 0.5 });
    let weights = |augment: &[Augment]| fit(&data, augment.to_vec()).unwrap().predictor().weights().unwrap();
    let ahead = weights(&augment);
    // Within a pool nothing is made ahead.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    assert_eq!(pool.install(|| weights(&augment)), ahead);
    augment.pop();
    assert_ne!(weights(&augment), ahead);
}

#[test]
fn mixed_classes_reach_the_loss() {
    let folder = tempfile::tempdir().unwrap();
    let data = pictures(folder.path());
    let loss = |augment: Vec<Augment>| fit(&data, augment).unwrap().epochs()[1].train_loss;
    let (plain, mixed) = (loss(vec![]), loss(vec![Augment::Mixup { alpha: 1000.0 }]));
    // With shares of a half, no row can be told from the others: the loss stays near ln 2.
    assert!((mixed - std::f64::consts::LN_2).abs() < 0.15, "{mixed}");
    assert_ne!(plain, mixed);
}

#[test]
fn each_broken_rule_of_an_augmentation_has_its_message() {
    let folder = tempfile::tempdir().unwrap();
    let data = pictures(folder.path());
    let message = |augment: Vec<Augment>| fit(&data, augment).unwrap_err().to_string();
    let jitter = |hue| Augment::ColorJitter { brightness: 0.0, contrast: 0.0, saturation: 0.0, hue };
    let erasing = |scale| Augment::Erasing { p: 0.5, patch: Patch { scale, ratio: [0.5, 2.0] } };
    for (augment, expected) in [
        (
            vec![Augment::Mixup { alpha: 1.0 }, Augment::Flip { p: 0.5 }],
            "phase `full` has augmentations after mixup; put mixup at the end",
        ),
        (vec![erasing([0.5, 0.25])], "phase `full`: scale of erasing goes from 0.5 to 0.25; swap the ends"),
        (vec![erasing([0.5, 1.5])], "scale of erasing of phase `full` is 1.5, but must lie in 0 to 1"),
        (vec![erasing([0.0, 1.0])], "scale of erasing of phase `full` is 0, but must be finite and above 0"),
        (
            vec![Augment::Rotation { degrees: 181.0 }],
            "degrees of rotation of phase `full` is 181, but must lie in 0 to 180",
        ),
        (vec![jitter(0.6)], "hue of color_jitter of phase `full` is 0.6, but must lie in 0 to 0.5"),
        (
            vec![Augment::RandAugment { n: 1, magnitude: 31 }],
            "magnitude of rand_augment of phase `full` is 31, but must be at most 30",
        ),
        (vec![Augment::Cutmix { alpha: 0.0 }], "alpha of cutmix of phase `full` is 0, but must lie in 0.001 to 1000"),
    ] {
        assert_eq!(message(augment), expected);
    }
}

#[test]
fn a_sheet_shows_what_a_training_sees() {
    let folder = tempfile::tempdir().unwrap();
    let data = pictures(folder.path());
    let pictures = of(&data);
    let warmup = phase("warmup", 3);
    let full = PhaseSpec { augment: vec![Augment::Flip { p: 1.0 }], batch_size: 8, ..phase("full", 2) };
    let fit = Seed::root(4);
    let train: Vec<usize> = (0..30).collect();
    let sheet = AugmentSheet::draw(pictures, &[warmup.clone(), full], &train, fit, 3).unwrap();
    assert_eq!((sheet.phase(), sheet.epochs()), ("full", &[4, 5, 6, 7, 8, 9, 10][..]));
    assert_eq!(sheet.rows().len(), 3);
    let (width, height, image) = sheet.image();
    // Pictures of 12 pixels are magnified 8 times.
    assert_eq!((width, height), (16 + 8 * 96 + 16 + 6 * 4 + 16, 16 + 3 * 96 + 2 * 4 + 16));
    let pixel = |x: usize, y: usize| &image[(y * width + x) * 3..][..3];
    let picture = pictures.picture(sheet.rows()[0]);
    assert_eq!(pixel(16 + 8, 16), &picture[3..6], "the second pixel of the original");
    assert_eq!(pixel(16 + 96 + 16 + 8, 16), &picture[10 * 3..11 * 3], "the last but one, for it is mirrored");
    assert_eq!(pixel(0, 0), [0xEC; 3]);
    assert_eq!(AugmentSheet::draw(pictures, &[warmup], &train, fit, 3), None);
}

#[test]
fn a_sheet_leaves_out_rows_that_an_epoch_leaves_out() {
    let folder = tempfile::tempdir().unwrap();
    let data = pictures(folder.path());
    let drops =
        PhaseSpec { augment: vec![Augment::Mixup { alpha: 1.0 }], batch_size: 8, drop_last: true, ..phase("full", 2) };
    let train: Vec<usize> = (0..15).collect();
    let sheet = AugmentSheet::draw(of(&data), &[drops], &train, Seed::root(4), 64).unwrap();
    let (width, _, image) = sheet.image();
    assert_eq!(sheet.rows().len(), 8);
    // Seven of fifteen rows are left out of each epoch.
    let corner = |row: usize, column: usize| {
        let (x, y) = (16 + column * 100 + 12, 16 + row * 100);
        &image[(y * width + x) * 3..][..3]
    };
    let missing = (0..8).filter(|&row| corner(row, 2) == [0xEC; 3]).count();
    assert!((1..8).contains(&missing), "{missing}");
}
