//! The ways of dealing rows into folds. Rows are original positions; folds come out unsorted.

use std::collections::BTreeMap;

use crate::seed::Stream;

/// Shuffles each pile and deals the rows of all piles round-robin, each pile going on where the last one stopped. So
/// the folds' sizes differ by at most one, and so do their counts of every pile.
pub(super) fn round_robin(piles: Vec<Vec<usize>>, n_splits: usize, stream: &mut Stream) -> Vec<Vec<usize>> {
    let mut folds = vec![Vec::new(); n_splits];
    let mut next = 0;
    for mut pile in piles {
        stream.shuffle(&mut pile);
        for row in pile {
            folds[next].push(row);
            next = (next + 1) % n_splits;
        }
    }
    folds
}

/// Deals whole groups, the largest first, each into the fold that is smallest so far (the longest-processing-time rule
/// of Graham 1969). Groups of one size come in random order; of folds of one size the first is taken.
///
/// With at least as many groups as folds every fold gets one.
pub(super) fn largest_group_first(
    mut groups: Vec<Vec<usize>>,
    n_splits: usize,
    stream: &mut Stream,
) -> Vec<Vec<usize>> {
    stream.shuffle(&mut groups);
    groups.sort_by_key(|group| std::cmp::Reverse(group.len()));
    let mut folds: Vec<Vec<usize>> = vec![Vec::new(); n_splits];
    for group in groups {
        if let Some(smallest) = folds.iter_mut().min_by_key(|fold| fold.len()) {
            smallest.extend(group);
        }
    }
    folds
}

/// Takes `n_held_out` rows at random, from each pile its share rounded down or up: the piles whose share was cut most
/// give one row more (the method of largest remainders; of equal remainders the earlier pile).
pub(super) fn proportional(mut piles: Vec<Vec<usize>>, n_held_out: usize, stream: &mut Stream) -> Vec<usize> {
    let n_rows: usize = piles.iter().map(Vec::len).sum();
    // Whole numbers, so that equal shares are equal.
    let quotas: Vec<u128> = piles.iter().map(|pile| pile.len() as u128 * n_held_out as u128).collect();
    let total = (n_rows as u128).max(1);
    let mut counts: Vec<usize> = quotas.iter().map(|quota| (quota / total) as usize).collect();
    let mut by_remainder: Vec<usize> = (0..piles.len()).collect();
    by_remainder.sort_by_key(|&pile| std::cmp::Reverse(quotas[pile] % total));
    let n_missing = n_held_out - counts.iter().sum::<usize>();
    for &pile in &by_remainder[..n_missing] {
        counts[pile] += 1;
    }
    let mut held_out = Vec::with_capacity(n_held_out);
    for (pile, count) in piles.iter_mut().zip(counts) {
        stream.shuffle(pile);
        held_out.extend_from_slice(&pile[..count]);
    }
    held_out
}

/// The rows of each label, labels ascending, rows in their order.
pub(super) fn piles(subset: &[usize], labels: &[usize]) -> BTreeMap<usize, Vec<usize>> {
    let mut piles: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for &row in subset {
        piles.entry(labels[row]).or_default().push(row);
    }
    piles
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;

    fn sizes(folds: &[Vec<usize>]) -> Vec<usize> {
        folds.iter().map(Vec::len).collect()
    }

    #[test]
    fn round_robin_goes_on_where_the_last_pile_stopped() {
        let folds = round_robin(vec![vec![0, 1, 2, 3], vec![4, 5, 6, 7]], 3, &mut Seed::root(1).stream());
        assert_eq!(sizes(&folds), [3, 3, 2]);
        let of_second: Vec<usize> = folds.iter().map(|fold| fold.iter().filter(|&&row| row >= 4).count()).collect();
        assert_eq!(of_second, [1, 2, 1]);
    }

    #[test]
    fn the_largest_group_is_dealt_first() {
        // 5 | 4 | then 3 to the fold of 4 (7), 2 to the fold of 5 (7), 1 to the first of the two.
        let groups = vec![vec![0], vec![1, 2], vec![3, 4, 5], vec![6, 7, 8, 9], vec![10, 11, 12, 13, 14]];
        let folds = largest_group_first(groups, 2, &mut Seed::root(1).stream());
        assert_eq!(folds, [vec![10, 11, 12, 13, 14, 1, 2, 0], vec![6, 7, 8, 9, 3, 4, 5]]);
    }

    #[test]
    fn largest_remainders_get_the_rows_that_rounding_left() {
        // A third of 7, 4 and 1 rows is 2.33, 1.33 and 0.33 of 4: the first pile gets the one left over.
        let piles = vec![(0..7).collect(), (7..11).collect(), vec![11]];
        let held_out = proportional(piles, 4, &mut Seed::root(1).stream());
        let count = |range: std::ops::Range<usize>| held_out.iter().filter(|row| range.contains(row)).count();
        assert_eq!((count(0..7), count(7..11), count(11..12)), (3, 1, 0));
    }
}
