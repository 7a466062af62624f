//! What a set of points covers.

use super::{lexicographic, ranks};

/// The volume of what lies between the points and `reference`: every place that some point is nowhere worse than. Points
/// that are not better than the reference in every objective cover nothing. Exact but for rounding.
///
/// For two objectives a sweep; for more the exclusive volumes are added up point by point, each the volume of a point's
/// box less what the later points cover of it (While et al. 2012, IEEE Trans. Evol. Comput. 16, "A fast way of calculating
/// exact hypervolumes"). Its time grows exponentially with the objectives; it is meant for a few of them.
#[must_use]
pub fn hypervolume(losses: &[Vec<f64>], reference: &[f64]) -> f64 {
    let is_inside = |point: &&Vec<f64>| point.iter().zip(reference).all(|(x, end)| x < end);
    volume(losses.iter().filter(is_inside).cloned().collect(), reference)
}

/// The part of a point's box that the `others` do not cover.
pub(super) fn exclusive(point: &[f64], others: &[Vec<f64>], reference: &[f64]) -> f64 {
    let cut = |other: &Vec<f64>| other.iter().zip(point).map(|(a, b)| a.max(*b)).collect();
    let inclusive: f64 = point.iter().zip(reference).map(|(x, end)| end - x).product();
    inclusive - volume(others.iter().map(cut).collect(), reference)
}

/// As [`hypervolume`], of points inside the reference.
fn volume(points: Vec<Vec<f64>>, reference: &[f64]) -> f64 {
    let mut front: Vec<Vec<f64>> = match reference.len() {
        // The sweep passes over what is dominated.
        2 => points,
        _ => {
            let ranks = ranks(&points);
            points.into_iter().zip(ranks).filter(|(_, rank)| *rank == 0).map(|(point, _)| point).collect()
        }
    };
    front.sort_by(|a, b| lexicographic(a, b));
    if let &[x_end, y_end] = reference {
        let mut lowest = y_end;
        let mut sum = 0.0;
        for point in &front {
            if point[1] < lowest {
                sum += (x_end - point[0]) * (lowest - point[1]);
                lowest = point[1];
            }
        }
        return sum;
    }
    (0..front.len()).map(|index| exclusive(&front[index], &front[index + 1..], reference)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;

    /// By inclusion and exclusion over all subsets.
    fn by_subsets(losses: &[Vec<f64>], reference: &[f64]) -> f64 {
        let subset = |mask: u32| {
            let members = || losses.iter().enumerate().filter(move |(index, _)| mask & (1 << index) != 0);
            let side = |objective: usize| {
                let worst = members().map(|(_, point)| point[objective]).fold(f64::NEG_INFINITY, f64::max);
                (reference[objective] - worst).max(0.0)
            };
            let common: f64 = (0..reference.len()).map(side).product();
            if mask.count_ones() % 2 == 1 { common } else { -common }
        };
        (1..1_u32 << losses.len()).map(subset).sum()
    }

    #[test]
    fn volumes_of_small_fronts_are_those_of_their_boxes() {
        // Three steps: 4 x 1, 3 x 1 and 1 x 2 below each other.
        let stairs = [vec![0.0, 3.0], vec![1.0, 2.0], vec![3.0, 0.0]];
        assert_eq!(hypervolume(&stairs, &[4.0, 4.0]), 4.0 + 3.0 + 2.0);
        // A dominated point, an equal one and one outside add nothing.
        let more = [&stairs[..], &[vec![1.5, 2.5], vec![1.0, 2.0], vec![-9.0, 4.0]]].concat();
        assert_eq!(hypervolume(&more, &[4.0, 4.0]), 9.0);
        // Two boxes of 2 x 1 x 1 in the cube of side 2 that share the unit cube.
        let boxes = [vec![0.0, 1.0, 1.0], vec![1.0, 0.0, 1.0]];
        assert_eq!(hypervolume(&boxes, &[2.0, 2.0, 2.0]), 3.0);
        assert_eq!(hypervolume(&[vec![3.0], vec![1.0]], &[4.0]), 3.0);
        assert_eq!(hypervolume(&[], &[1.0, 1.0]), 0.0);
    }

    #[test]
    fn volumes_of_random_points_are_those_of_inclusion_and_exclusion() {
        let mut stream = Seed::root(2).stream();
        for n_objectives in 1..=5 {
            for n in [1, 2, 5, 11] {
                let losses: Vec<Vec<f64>> =
                    (0..n).map(|_| (0..n_objectives).map(|_| 1.2 * stream.unit()).collect()).collect();
                let reference = vec![1.0; n_objectives];
                let (found, expected) = (hypervolume(&losses, &reference), by_subsets(&losses, &reference));
                assert!((found - expected).abs() < 1e-12, "{n} points, {n_objectives} objectives: {found}, {expected}");
            }
        }
    }
}
