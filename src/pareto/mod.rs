//! Several objectives at once: which points no other is better than, what a set of them covers, and which few of them
//! cover most.
//!
//! A point has one loss an objective, smaller being better; all points have equally many, and none is NaN. A point
//! dominates another if it is nowhere worse and somewhere better, so equal points do not dominate each other.

mod hypervolume;
mod subset;

use std::cmp::Ordering;

pub use hypervolume::hypervolume;
pub use subset::most_covering;

/// Whether `a` is nowhere worse than `b` and somewhere better.
#[must_use]
pub fn dominates(a: &[f64], b: &[f64]) -> bool {
    a.iter().zip(b).all(|(a, b)| a <= b) && a.iter().zip(b).any(|(a, b)| a < b)
}

/// The rank of each point: 0 if nothing dominates it, 1 if only points of rank 0 do, and so on.
///
/// Points are taken in lexicographic order, in which none is dominated by a later one, and each goes to the first rank
/// of which no point dominates it, found by halving (Zhang et al. 2015, IEEE Trans. Evol. Comput. 19, "An efficient
/// approach to nondominated sorting").
#[must_use]
pub fn ranks(losses: &[Vec<f64>]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..losses.len()).collect();
    order.sort_by(|&a, &b| lexicographic(&losses[a], &losses[b]));
    let mut members: Vec<Vec<usize>> = Vec::new();
    let mut ranks = vec![0; losses.len()];
    for point in order {
        // The latest members are the nearest, and the likeliest to dominate.
        let is_dominated =
            |rank: &Vec<usize>| rank.iter().rev().any(|&member| dominates(&losses[member], &losses[point]));
        let rank = members.partition_point(is_dominated);
        if rank == members.len() {
            members.push(Vec::new());
        }
        members[rank].push(point);
        ranks[point] = rank;
    }
    ranks
}

/// The order in which a point comes before all that it dominates.
fn lexicographic(a: &[f64], b: &[f64]) -> Ordering {
    let first = a.iter().zip(b).find_map(|(a, b)| a.partial_cmp(b).filter(|order| order.is_ne()));
    first.unwrap_or(Ordering::Equal)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;

    /// Ranks by taking the points away that nothing dominates, again and again.
    fn by_peeling(losses: &[Vec<f64>]) -> Vec<usize> {
        let mut ranks = vec![usize::MAX; losses.len()];
        for rank in 0.. {
            let left: Vec<usize> = (0..losses.len()).filter(|&point| ranks[point] == usize::MAX).collect();
            if left.is_empty() {
                break;
            }
            for &point in &left {
                if !left.iter().any(|&other| dominates(&losses[other], &losses[point])) {
                    ranks[point] = rank;
                }
            }
        }
        ranks
    }

    #[test]
    fn a_point_dominates_what_is_nowhere_better_and_somewhere_worse() {
        assert!(dominates(&[1.0, 2.0], &[1.0, 3.0]) && dominates(&[0.0, 1.0], &[1.0, 3.0]));
        assert!(!dominates(&[1.0, 2.0], &[1.0, 2.0]) && !dominates(&[0.0, 4.0], &[1.0, 3.0]));
        assert!(!dominates(&[-0.0, 1.0], &[0.0, 1.0]), "zeros are equal");
    }

    #[test]
    fn ranks_are_those_of_peeling() {
        let mut stream = Seed::root(5).stream();
        for n_objectives in 1..=4 {
            for n in [0, 1, 2, 30, 200] {
                // Few different values, so that there are ties and equal points.
                let mut coordinate = |_| [-0.0, 0.0, 1.0, 2.0, 3.0, 4.0][stream.below(6)];
                let losses: Vec<Vec<f64>> = (0..n).map(|_| (0..n_objectives).map(&mut coordinate).collect()).collect();
                assert_eq!(ranks(&losses), by_peeling(&losses), "{n} points, {n_objectives} objectives");
            }
        }
    }
}
