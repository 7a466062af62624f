//! How rows become numbers: fitted on training rows, and kept beside the weights.

use serde::{Deserialize, Serialize};

use super::TrainError;
use crate::data::{Dataset, Encoder, Features, Pictures};
use crate::model::{InputShape, ModelError};
use crate::spec::zoo::ColourScale;

/// What is done to a row before a network sees it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Preprocessing {
    /// Pictures are scaled by channel.
    Pictures(PictureScaling),
    /// Columns of a table are encoded.
    Table {
        /// How.
        encoder: Encoder,
    },
}

/// The scaling of pictures: of a byte `b` of a channel, `(b / 255 - mean) / std`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PictureScaling {
    /// Height and width, in pixels.
    pub size: usize,
    /// Mean of each channel (red, green and blue, or grey) over the training rows, of 0 to 1; or the one that goes with
    /// published weights.
    pub mean: Vec<f64>,
    /// Standard deviation of each channel over the training rows (of the population), 1 for a constant channel; or the one
    /// that goes with published weights. As many as there are means.
    pub std: Vec<f64>,
}

impl Preprocessing {
    /// Fits the preprocessing to the training rows. Where the colours' scale is fixed, nothing of the rows enters it.
    ///
    /// # Errors
    /// The rows have no features.
    pub(super) fn fit(data: &Dataset, train: &[usize], fixed: Option<ColourScale>) -> Result<Self, TrainError> {
        match data.features() {
            Features::Pictures(pictures) => Ok(Self::Pictures(match fixed {
                Some(ColourScale { mean, std }) => {
                    PictureScaling { size: pictures.size(), mean: mean.to_vec(), std: std.to_vec() }
                }
                None => PictureScaling::fit(pictures, train),
            })),
            Features::Table(table) => Ok(Self::Table { encoder: Encoder::fit(table, train) }),
            Features::None => Err(ModelError::NoFeatures.into()),
        }
    }

    /// The shape of a row after it.
    #[must_use]
    pub fn shape(&self) -> InputShape {
        match self {
            Self::Pictures(scaling) => InputShape::Picture { channels: scaling.channels(), size: scaling.size },
            Self::Table { encoder } => InputShape::Vector { width: encoder.width() },
        }
    }
}

impl PictureScaling {
    /// Mean and deviation of the pictures' bytes, exact until the last division.
    fn fit(pictures: &Pictures, rows: &[usize]) -> Self {
        let channels = pictures.channels();
        let (mut sum, mut squares) = (vec![0_u64; channels], vec![0_u64; channels]);
        for &row in rows {
            for pixel in pictures.picture(row).chunks_exact(channels) {
                for (channel, &byte) in pixel.iter().enumerate() {
                    let byte = u64::from(byte);
                    sum[channel] += byte;
                    squares[channel] += byte * byte;
                }
            }
        }
        let n = (rows.len() * pictures.size() * pictures.size()) as u128;
        #[expect(clippy::cast_precision_loss, reason = "sums of bytes over a data set stay below 2^53")]
        let moments = |channel: usize| {
            let (s, q) = (u128::from(sum[channel]), u128::from(squares[channel]));
            let variance = (n * q - s * s) as f64 / (n * n) as f64;
            (s as f64 / n as f64 / 255.0, variance.sqrt() / 255.0)
        };
        let (mean, std): (Vec<f64>, Vec<f64>) = (0..channels).map(moments).unzip();
        let std = std.into_iter().map(|std| if std > 0.0 { std } else { 1.0 }).collect();
        Self { size: pictures.size(), mean, std }
    }

    /// Number of channels: 3, or 1 for grey pictures.
    #[must_use]
    pub fn channels(&self) -> usize {
        self.mean.len().min(self.std.len())
    }

    /// What each byte of each channel becomes, `[channel][byte]`.
    pub(super) fn table(&self) -> Vec<[f32; 256]> {
        #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "bytes, to single precision")]
        let of_channel =
            |(mean, std): (&f64, &f64)| std::array::from_fn(|byte| ((byte as f64 / 255.0 - mean) / std) as f32);
        self.mean.iter().zip(&self.std).map(of_channel).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_scaled_by_channel() {
        let scaling = PictureScaling { size: 1, mean: vec![0.0, 0.5, 1.0], std: vec![1.0, 0.25, 2.0] };
        let table = scaling.table();
        assert_eq!((table[0][0], table[0][255]), (0.0, 1.0));
        assert_eq!((table[1][0], table[1][255]), (-2.0, 2.0));
        assert_eq!((table[2][0], table[2][255]), (-0.5, 0.0));
        assert_eq!(table[0][51], 0.2);
    }

    #[test]
    fn the_scaling_survives_json() {
        let scaling = PictureScaling { size: 7, mean: vec![0.1, 0.2, 0.3], std: vec![0.4, 0.5, 0.6] };
        let json = serde_json::to_value(Preprocessing::Pictures(scaling.clone())).expect("plain data");
        assert_eq!(json["kind"], "pictures");
        assert_eq!(json["size"], 7);
        match serde_json::from_value(json).expect("as written") {
            Preprocessing::Pictures(read) => assert_eq!(read, scaling),
            Preprocessing::Table { .. } => panic!("pictures were written"),
        }
    }
}
