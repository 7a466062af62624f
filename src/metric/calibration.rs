//! What depends on how far probabilities are from the truth.

use super::ClassPredictions;
use super::predictions::most_probable;

/// Number of bins of the expected calibration error.
const N_BINS: usize = 15;

/// Mean negative logarithm of the probability of the true class.
pub(super) fn log_loss(predictions: &ClassPredictions) -> f64 {
    mean(predictions, |of_row, target| -libm::log(f64::from(of_row[target]).clamp(f64::EPSILON, 1.0 - f64::EPSILON)))
}

/// Mean squared distance of the probabilities from 1 for the true class and 0 for the others: summed over the classes, but
/// of two classes that of class 1 alone (Brier 1950 has the sum).
pub(super) fn brier(predictions: &ClassPredictions) -> f64 {
    mean(predictions, |of_row, target| {
        let squared = |(class, &p): (usize, &f32)| {
            let distance = f64::from(p) - f64::from(u8::from(class == target));
            distance * distance
        };
        match of_row {
            [_, positive] => squared((1, positive)),
            _ => of_row.iter().enumerate().map(squared).sum(),
        }
    })
}

/// The distance of mean confidence from accuracy in each bin of confidence, weighted by its rows (Guo, Pleiss, Sun and
/// Weinberger 2017). Confidence is the probability of the most probable class, of those that tie the lowest.
pub(super) fn expected_error(predictions: &ClassPredictions) -> f64 {
    // How much more confidence than correctness is in each bin.
    let mut excess = [0.0; N_BINS];
    for (of_row, &target) in rows(predictions) {
        let decided = most_probable(of_row);
        let confidence = f64::from(of_row[decided]);
        // Bins are closed above; the lowest confidence there is, 1 / n_classes, is above 0.
        let bin = libm::ceil(confidence * N_BINS as f64) as usize;
        excess[bin.clamp(1, N_BINS) - 1] += confidence - f64::from(u8::from(decided == target));
    }
    excess.iter().map(|excess| excess.abs()).sum::<f64>() / predictions.n_rows() as f64
}

fn rows(predictions: &ClassPredictions) -> impl Iterator<Item = (&[f32], &usize)> {
    predictions.probabilities().chunks_exact(predictions.n_classes()).zip(predictions.targets())
}

/// The mean over the rows, of which there is at least one, of what a row's probabilities and target come to.
fn mean(predictions: &ClassPredictions, of_row: impl Fn(&[f32], usize) -> f64) -> f64 {
    rows(predictions).map(|(probabilities, &target)| of_row(probabilities, target)).sum::<f64>()
        / predictions.n_rows() as f64
}
