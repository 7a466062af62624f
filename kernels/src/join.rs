//! Channels of two pictures as those of one.

use rayon::prelude::*;

use crate::scratch::zeros;

/// The rows of `left` and `right` one behind the other, for `batch` rows: `[batch, channels of left, then of right, ..]`.
///
/// # Panics
/// If the rows do not divide the numbers.
#[must_use]
pub fn joined(left: &[f32], right: &[f32], batch: usize) -> Vec<f32> {
    let [of_left, of_right] = [left, right].map(|side| row_length(side, batch));
    let mut out = zeros(left.len() + right.len());
    out.par_chunks_mut((of_left + of_right).max(1)).enumerate().for_each(|(row, out)| {
        let (to_left, to_right) = out.split_at_mut(of_left);
        to_left.copy_from_slice(&left[row * of_left..][..of_left]);
        to_right.copy_from_slice(&right[row * of_right..][..of_right]);
    });
    out
}

/// The two parts that [`joined`] made rows of, the left one with `of_left` numbers in each row.
///
/// # Panics
/// If the rows do not divide the numbers, or are shorter.
#[must_use]
pub fn split_again(numbers: &[f32], batch: usize, of_left: usize) -> [Vec<f32>; 2] {
    let of_row = row_length(numbers, batch);
    assert!(of_left <= of_row, "a part is no longer than the whole");
    [0..of_left, of_left..of_row].map(|part| {
        let mut out = zeros(batch * part.len());
        let rows = out.par_chunks_mut(part.len().max(1)).zip(numbers.par_chunks(of_row.max(1)));
        rows.for_each(|(to, from)| to.copy_from_slice(&from[part.clone()]));
        out
    })
}

fn row_length(numbers: &[f32], batch: usize) -> usize {
    assert!(numbers.len().is_multiple_of(batch.max(1)), "every row has as many numbers");
    numbers.len() / batch.max(1)
}
