//! A sheet of pictures as they are and as a training gets to see them.

use crate::data::Pictures;
use crate::seed::Seed;
use crate::spec::network::{Augment, PhaseSpec};
use crate::train::batch::Augmentation;
use crate::train::fit::{epoch_seed, order};

/// Columns of draws.
const N_EPOCHS: usize = 7;
/// Sides of a picture on the sheet are at least so many pixels.
const LEAST_SIDE: usize = 96;
/// Pixels between pictures, between originals and draws, and around all.
const GAP: usize = 4;
const WIDE_GAP: usize = 16;
/// No picture is filled with it where something is missing, so black corners can be seen.
const BACKGROUND: u8 = 0xEC;

/// Pictures of a training before and after augmentation: a row each of the first ones that it takes, a column each of its first
/// epochs.
#[derive(Clone, Debug, PartialEq)]
pub struct AugmentSheet {
    phase: String,
    augment: Vec<Augment>,
    rows: Vec<usize>,
    epochs: Vec<usize>,
    size: usize,
    channels: usize,
    /// `[row][0]` is the picture, `[row][1 + i]` what the i-th epoch makes of it; none where the epoch leaves it out.
    tiles: Vec<Vec<Option<Vec<u8>>>>,
}

impl AugmentSheet {
    /// The first `n` pictures that the first phase with augmentations trains on, in its first epochs, as they follow from the fit's
    /// seed. Earlier phases are taken to last for all their epochs. None if no phase augments.
    #[must_use]
    pub fn draw(pictures: &Pictures, phases: &[PhaseSpec], train: &[usize], fit: Seed, n: usize) -> Option<Self> {
        let index = phases.iter().position(|phase| !phase.augment.is_empty())?;
        let phase = &phases[index];
        let first_epoch = 1 + phases[..index].iter().map(|earlier| earlier.epochs).sum::<usize>();
        let epochs: Vec<usize> = (first_epoch..).take(N_EPOCHS).collect();
        let mut rows = order(phase, epoch_seed(fit, phase, first_epoch), train);
        rows.truncate(n);
        let mut tiles: Vec<Vec<Option<Vec<u8>>>> =
            rows.iter().map(|&row| vec![Some(pictures.picture(row).to_vec())]).collect();
        for &epoch in &epochs {
            let drawn = of_epoch(pictures, phase, train, epoch_seed(fit, phase, epoch), &rows);
            tiles.iter_mut().zip(drawn).for_each(|(of_row, tile)| of_row.push(tile));
        }
        let (phase, augment) = (phase.name.clone(), phase.augment.clone());
        Some(Self { phase, augment, rows, epochs, size: pictures.size(), channels: pictures.channels(), tiles })
    }

    /// The phase's name.
    #[must_use]
    pub fn phase(&self) -> &str {
        &self.phase
    }

    /// What is done to its pictures, in order.
    #[must_use]
    pub fn augment(&self) -> &[Augment] {
        &self.augment
    }

    /// The rows of the data set, from above.
    #[must_use]
    pub fn rows(&self) -> &[usize] {
        &self.rows
    }

    /// The epochs, from left to right after the originals, counted through all phases.
    #[must_use]
    pub fn epochs(&self) -> &[usize] {
        &self.epochs
    }

    /// The sheet as `(width, height, RGB bytes)`, small pictures magnified.
    #[must_use]
    pub fn image(&self) -> (usize, usize, Vec<u8>) {
        let factor = LEAST_SIDE.div_ceil(self.size);
        let side = self.size * factor;
        let left = |column: usize| WIDE_GAP + column * (side + GAP) + if column > 0 { WIDE_GAP - GAP } else { 0 };
        let top = |row: usize| WIDE_GAP + row * (side + GAP);
        let width = left(self.epochs.len()) + side + WIDE_GAP;
        let height = top(self.rows.len()) - GAP + WIDE_GAP;
        let mut image = vec![BACKGROUND; width * height * 3];
        for (row, of_row) in self.tiles.iter().enumerate() {
            for (column, tile) in of_row.iter().enumerate() {
                let Some(tile) = tile else { continue };
                for (y, x) in (0..side).flat_map(|y| (0..side).map(move |x| (y, x))) {
                    let from = (y / factor * self.size + x / factor) * self.channels;
                    let to = ((top(row) + y) * width + left(column) + x) * 3;
                    for channel in 0..3 {
                        image[to + channel] = tile[from + channel.min(self.channels - 1)];
                    }
                }
            }
        }
        (width, height, image)
    }
}

/// A training batch of pictures `[batch, channels, size, size]` as the network gets to see it, but for its scale: numbers from 0
/// to 255. `epoch` is the epoch's place in the seed tree.
///
/// # Panics
/// If a row is not one of the pictures'.
#[must_use]
pub fn augmented(pictures: &Pictures, batch: &[usize], augment: &[Augment], epoch: Seed) -> Vec<f32> {
    let bytes: [f32; 256] = std::array::from_fn(|byte| byte as f32);
    let scaled = vec![bytes; pictures.channels()];
    Augmentation { steps: augment, seed: epoch }.pictures(pictures, &scaled, batch).0
}

/// What an epoch makes of each of these rows; none of those it leaves out.
fn of_epoch(
    pictures: &Pictures,
    phase: &PhaseSpec,
    train: &[usize],
    epoch: Seed,
    rows: &[usize],
) -> Vec<Option<Vec<u8>>> {
    let is_mixed = phase.augment.iter().any(Augment::is_mix);
    let mut drawn = vec![None; rows.len()];
    for batch in order(phase, epoch, train).chunks(phase.batch_size) {
        // What comes of a row depends on the others of its batch only where it takes a part of one.
        let batch: Vec<usize> = batch.iter().filter(|row| is_mixed || rows.contains(row)).copied().collect();
        if !batch.iter().any(|row| rows.contains(row)) {
            continue;
        }
        let values = augmented(pictures, &batch, &phase.augment, epoch);
        for (values, row) in values.chunks_exact(values.len() / batch.len()).zip(&batch) {
            if let Some(at) = rows.iter().position(|shown| shown == row) {
                drawn[at] = Some(to_bytes(values, pictures.channels()));
            }
        }
    }
    drawn
}

/// Planes `[channels, size, size]` to pixels `[size, size, channels]`.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "numbers from 0 to 255, rounded")]
fn to_bytes(planes: &[f32], channels: usize) -> Vec<u8> {
    let pixels = planes.len() / channels;
    let values = (0..pixels).flat_map(|pixel| (0..channels).map(move |channel| planes[channel * pixels + pixel]));
    values.map(|value| value.round() as u8).collect()
}
