//! Rows as tensors.

use burn::tensor::{Device, Tensor, TensorData};
use rayon::prelude::*;

use super::augment::canvas::Canvas;
use super::augment::mixing::Mix;
use super::predictor::{evaluate, read};
use super::{Preprocessing, TrainError, augment};
use crate::data::{Encoder, Features, Pictures, Table};
use crate::model::{Input, Network};
use crate::seed::Seed;
use crate::spec::network::Augment;

/// Gives the rows of a data set as batches.
pub(super) enum Rows<'a> {
    /// Pictures, and what each byte of each channel becomes.
    Pictures { pictures: &'a Pictures, scaled: Vec<[f32; 256]> },
    /// A table.
    Table { table: &'a Table, encoder: &'a Encoder },
    /// Features that a frozen backbone gave.
    Features(BackboneFeatures),
}

/// What a frozen backbone gives for some rows of a data set.
pub(super) struct BackboneFeatures {
    width: usize,
    values: Vec<f32>,
    /// Position of each row of the data set in `values`.
    position: Vec<Option<usize>>,
}

/// How the pictures of a training batch are changed: the stream of a row is `seed.child_at("augment", row)`, and that of
/// what it takes of another one `seed.child_at("mix", row)`.
#[derive(Clone, Copy)]
pub(super) struct Augmentation<'a> {
    pub(super) steps: &'a [Augment],
    pub(super) seed: Seed,
}

/// A batch of rows that no device has yet.
pub(super) struct Batch {
    numbers: Numbers,
    /// What each row takes of another one; empty if none does.
    mixes: Vec<Mix>,
}

enum Numbers {
    Pictures(TensorData),
    Vectors(TensorData),
    Features(TensorData),
}

impl Batch {
    /// What a network takes, and what each row took of another one; empty if none did.
    pub(super) fn input(self, device: &Device) -> (Input, Vec<Mix>) {
        let input = match self.numbers {
            Numbers::Pictures(data) => Input::Pictures(Tensor::from_data(data, device)),
            Numbers::Vectors(data) => Input::Vectors(Tensor::from_data(data, device)),
            Numbers::Features(data) => Input::Features(Tensor::from_data(data, device)),
        };
        (input, self.mixes)
    }
}

impl Augmentation<'_> {
    /// Augmented pictures `[batch, channels, size, size]`, each byte replaced by what `scaled` says for its channel.
    pub(super) fn pictures(self, pictures: &Pictures, scaled: &[[f32; 256]], rows: &[usize]) -> (Vec<f32>, Vec<Mix>) {
        let (size, channels) = (pictures.size(), pictures.channels());
        let len = channels * size * size;
        let mut values = vec![0.0_f32; rows.len() * len];
        if self.steps.is_empty() {
            let batch = values.par_chunks_exact_mut(len).zip(rows);
            batch.for_each(|(out, &row)| scale(pictures.picture(row), scaled, out));
            return (values, Vec::new());
        }
        let batch = values.par_chunks_exact_mut(len).zip(rows);
        batch.for_each_init(
            || Canvas::new(size, channels),
            |canvas, (out, &row)| {
                canvas.load(pictures.picture(row));
                augment::apply(self.steps, canvas, &mut self.seed.child_at("augment", row).stream());
                scale(canvas.pixels(), scaled, out);
            },
        );
        let mix = |&row| Mix::draw(self.steps, rows.len(), size, &mut self.seed.child_at("mix", row).stream());
        let mixes: Vec<Mix> = rows.iter().map_while(mix).collect();
        if !mixes.is_empty() {
            let before = values.clone();
            let batch = values.par_chunks_exact_mut(len).zip(&mixes);
            batch.for_each(|(out, mix)| mix.apply(out, &before, size));
        }
        (values, mixes)
    }
}

impl<'a> Rows<'a> {
    /// The rows with these `features` after `preprocessing`.
    ///
    /// # Errors
    /// They are not what the preprocessing was fitted on.
    pub(super) fn new(features: &'a Features, preprocessing: &'a Preprocessing) -> Result<Self, TrainError> {
        let expected = match preprocessing {
            Preprocessing::Pictures(scaling) => pictures_of(scaling.size, scaling.channels()),
            Preprocessing::Table { encoder } => format!("table rows that encode to {} numbers", encoder.width()),
        };
        match (features, preprocessing) {
            (Features::Pictures(pictures), Preprocessing::Pictures(scaling))
                if (pictures.size(), pictures.channels()) == (scaling.size, scaling.channels()) =>
            {
                Ok(Self::Pictures { pictures, scaled: scaling.table() })
            }
            (Features::Pictures(pictures), _) => {
                Err(TrainError::OtherRows { expected, found: pictures_of(pictures.size(), pictures.channels()) })
            }
            (Features::Table(table), Preprocessing::Table { encoder }) => Ok(Self::Table { table, encoder }),
            (Features::Table(_), _) => Err(TrainError::OtherRows { expected, found: "those of a table".to_owned() }),
            (Features::None, _) => Err(TrainError::OtherRows { expected, found: "without features".to_owned() }),
        }
    }

    /// A batch of rows as they are.
    pub(super) fn batch(&self, rows: &[usize], device: &Device) -> Input {
        let nothing = Augmentation { steps: &[], seed: Seed::root(0) };
        self.augmented(rows, nothing).input(device).0
    }

    /// A batch of rows, its pictures augmented; what comes of a row depends neither on its batch nor on its place in it,
    /// unless it takes a part of another one.
    pub(super) fn augmented(&self, rows: &[usize], augmentation: Augmentation<'_>) -> Batch {
        let (numbers, mixes) = match self {
            Self::Pictures { pictures, scaled } => {
                let (size, channels) = (pictures.size(), pictures.channels());
                let (values, mixes) = augmentation.pictures(pictures, scaled, rows);
                (Numbers::Pictures(TensorData::new(values, [rows.len(), channels, size, size])), mixes)
            }
            Self::Table { table, encoder } => {
                let values: Vec<f32> = rows.iter().flat_map(|&row| encoder.encode(table, row)).collect();
                (Numbers::Vectors(TensorData::new(values, [rows.len(), encoder.width()])), Vec::new())
            }
            Self::Features(features) => (Numbers::Features(features.batch(rows)), Vec::new()),
        };
        Batch { numbers, mixes }
    }

    /// Whether it is worth another thread to make a batch ahead of its step.
    pub(super) fn are_costly(&self) -> bool {
        matches!(self, Self::Pictures { .. })
    }

    /// What the backbone of an evaluating network gives for the rows, in place of the rows themselves.
    ///
    /// # Errors
    /// The device fails.
    pub(super) fn through_backbone(
        &self,
        network: &Network,
        rows: &[usize],
        n: usize,
        device: &Device,
    ) -> Result<Rows<'static>, TrainError> {
        let values = evaluate(rows, |batch| read(network.features(self.batch(batch, device))))?;
        Ok(Rows::of_features(values, rows, n))
    }
}

impl Rows<'static> {
    /// What a backbone gave for these of the `n` rows of a data set, row after row.
    pub(super) fn of_features(values: Vec<f32>, rows: &[usize], n: usize) -> Self {
        let mut position = vec![None; n];
        for (index, &row) in rows.iter().enumerate() {
            position[row] = Some(index);
        }
        let width = values.len().checked_div(rows.len()).unwrap_or(0);
        Self::Features(BackboneFeatures { width, values, position })
    }
}

impl BackboneFeatures {
    fn batch(&self, rows: &[usize]) -> TensorData {
        let mut values = Vec::with_capacity(rows.len() * self.width);
        for &row in rows {
            let at = self.position[row].expect("only rows whose features were computed are asked for") * self.width;
            values.extend_from_slice(&self.values[at..at + self.width]);
        }
        TensorData::new(values, [rows.len(), self.width])
    }
}

/// Pictures, for messages.
fn pictures_of(size: usize, channels: usize) -> String {
    let grey = if channels == 1 { "grey " } else { "" };
    format!("{grey}pictures of {size} x {size} pixels")
}

/// Bytes `[size, size, channels]` to numbers `[channels, size, size]`.
fn scale(picture: &[u8], scaled: &[[f32; 256]], out: &mut [f32]) {
    let pixels = picture.len() / scaled.len();
    for (channel, plane) in out.chunks_exact_mut(pixels).enumerate() {
        let table = &scaled[channel];
        for (value, pixel) in plane.iter_mut().zip(picture.chunks_exact(scaled.len())) {
            *value = table[usize::from(pixel[channel])];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planes_follow_one_another() {
        let scaled: [_; 3] = std::array::from_fn(|channel| std::array::from_fn(|byte| (100 * channel + byte) as f32));
        let mut out = [0.0; 6];
        scale(&[1, 2, 3, 4, 5, 6], &scaled, &mut out);
        assert_eq!(out, [1.0, 4.0, 102.0, 105.0, 203.0, 206.0]);
        let mut grey = [0.0; 3];
        scale(&[1, 2, 3], &scaled[1..2], &mut grey);
        assert_eq!(grey, [101.0, 102.0, 103.0]);
    }
}
