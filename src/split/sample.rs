//! Some of the rows, the classes in proportion.

use super::deal::{piles, proportional};
use crate::seed::Seed;

/// At most `n` rows of those whose `classes` `[row]` are given, ascending: of each class its share, rounded down or up (the
/// method of largest remainders). All rows if there are no more than `n`.
#[must_use]
pub fn stratified_sample(classes: &[usize], n: usize, seed: u64) -> Vec<usize> {
    let all: Vec<usize> = (0..classes.len()).collect();
    if n >= all.len() {
        return all;
    }
    let mut stream = Seed::root(seed).child("sample").stream();
    let mut rows = proportional(piles(&all, classes).into_values().collect(), n, &mut stream);
    rows.sort_unstable();
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_keeps_the_classes_in_proportion() {
        // 60, 30 and 10 rows in turns; a fifth of them is 12, 6 and 2.
        let classes: Vec<usize> = (0..100).map(|row| [0, 0, 0, 0, 0, 0, 1, 1, 1, 2][row % 10]).collect();
        let rows = stratified_sample(&classes, 20, 1);
        let of = |class: usize| rows.iter().filter(|&&row| classes[row] == class).count();
        assert_eq!((rows.len(), of(0), of(1), of(2)), (20, 12, 6, 2));
        assert!(rows.is_sorted_by(|a, b| a < b));
        assert_eq!(rows, stratified_sample(&classes, 20, 1));
        assert_ne!(rows, stratified_sample(&classes, 20, 2));
    }

    #[test]
    fn a_cap_above_the_number_of_rows_keeps_them_all() {
        assert_eq!(stratified_sample(&[0, 1, 0], 3, 1), [0, 1, 2]);
        assert_eq!(stratified_sample(&[0, 1, 0], 9, 1), [0, 1, 2]);
    }
}
