//! A part of the rows, the classes in proportion.

use super::error::DataError;
use crate::split;

/// The rows that are used of those with these `targets` `[row]`, ascending: all without a cap, else at most so many.
///
/// # Errors
/// A class has no row among them.
pub(super) fn rows(
    targets: &[usize],
    classes: &[String],
    cap: Option<usize>,
    seed: u64,
) -> Result<Vec<usize>, DataError> {
    let Some(n) = cap else { return Ok((0..targets.len()).collect()) };
    let rows = split::stratified_sample(targets, n, seed);
    let mut n_of = vec![[0_usize; 2]; classes.len()];
    targets.iter().for_each(|&class| n_of[class][0] += 1);
    rows.iter().for_each(|&row| n_of[targets[row]][1] += 1);
    match n_of.iter().position(|&[all, used]| all > 0 && used == 0) {
        Some(class) => Err(DataError::ClassLost { n, class: classes[class].clone(), n_of_class: n_of[class][0] }),
        None => Ok(rows),
    }
}

/// The same where rows have no class: any `cap` of `n_rows` at random.
pub(super) fn any_rows(n_rows: usize, cap: Option<usize>, seed: u64) -> Vec<usize> {
    match cap {
        Some(cap) => split::stratified_sample(&vec![0; n_rows], cap, seed),
        None => (0..n_rows).collect(),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_cap_that_loses_a_class_is_refused() {
        let classes = ["often".to_owned(), "seldom".to_owned()];
        let targets: Vec<usize> = (0..100).map(|row| usize::from(row == 50)).collect();
        assert_eq!(rows(&targets, &classes, None, 0).unwrap().len(), 100);
        assert_eq!(
            rows(&targets, &classes, Some(10), 0).unwrap_err().to_string(),
            "10 rows with the classes in proportion have none of `seldom`, which has 1 row in the data; use more rows"
        );
    }
}
