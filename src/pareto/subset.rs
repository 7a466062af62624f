//! Which few points of a set cover most.

use super::hypervolume::exclusive;

/// Positions of `n` points that together cover much, ascending: again and again the point that adds most to those chosen,
/// the first of several. What they cover is at least 1 - 1/e of what the best `n` would (Guerreiro et al. 2016, Evol. Comput. 24,
/// "Greedy hypervolume subset selection in low dimensions").
///
/// The reference lies behind the worst of each objective by a tenth of its size. Without one that can be computed with,
/// the first `n` are taken.
#[must_use]
pub fn most_covering(losses: &[Vec<f64>], n: usize) -> Vec<usize> {
    let Some(points) = scaled(losses) else { return (0..n.min(losses.len())).collect() };
    let Some(first) = points.first() else { return Vec::new() };
    let reference = vec![1.0; first.len()];
    // What a point adds never grows, so what it added to fewer bounds it: only the largest bound is computed anew.
    let mut bounds: Vec<f64> = points.iter().map(|point| exclusive(point, &[], &reference)).collect();
    let mut known_at = vec![0; points.len()];
    let mut is_chosen = vec![false; points.len()];
    let mut chosen: Vec<Vec<f64>> = Vec::new();
    while chosen.len() < n.min(points.len()) {
        let open = (0..points.len()).filter(|&point| !is_chosen[point]);
        let top =
            open.reduce(|a, b| if bounds[b] > bounds[a] { b } else { a }).expect("there are more than are chosen");
        if known_at[top] == chosen.len() {
            is_chosen[top] = true;
            chosen.push(points[top].clone());
        } else {
            bounds[top] = exclusive(&points[top], &chosen, &reference);
            known_at[top] = chosen.len();
        }
    }
    (0..points.len()).filter(|&point| is_chosen[point]).collect()
}

/// The points on scales on which 0 is the best of each objective and 1 the reference: contributions keep their order.
fn scaled(losses: &[Vec<f64>]) -> Option<Vec<Vec<f64>>> {
    let n_objectives = losses.first().map_or(0, Vec::len);
    let scales: Option<Vec<(f64, f64)>> = (0..n_objectives)
        .map(|objective| {
            let of_all = || losses.iter().map(|point| point[objective]);
            let (best, worst) = (of_all().fold(f64::INFINITY, f64::min), of_all().fold(f64::NEG_INFINITY, f64::max));
            let reference = if worst == 0.0 { 1e-12 } else { (1.1 * worst).max(0.9 * worst) };
            let width = reference - best;
            (width > 0.0 && width.is_finite()).then_some((best, width))
        })
        .collect();
    let scales = scales?;
    let point = |point: &Vec<f64>| point.iter().zip(&scales).map(|(x, (best, width))| (x - best) / width).collect();
    Some(losses.iter().map(point).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pareto::hypervolume;
    use crate::seed::Seed;

    /// The same by computing every contribution from two hypervolumes.
    fn by_differences(losses: &[Vec<f64>], n: usize) -> Vec<usize> {
        let n_objectives = losses[0].len();
        let worst = |objective: usize| losses.iter().map(|point| point[objective]).fold(f64::NEG_INFINITY, f64::max);
        let reference: Vec<f64> = (0..n_objectives).map(|objective| 1.1 * worst(objective)).collect();
        let mut chosen: Vec<usize> = Vec::new();
        while chosen.len() < n {
            let of = |points: &[usize]| {
                hypervolume(&points.iter().map(|&point| losses[point].clone()).collect::<Vec<_>>(), &reference)
            };
            let gain = |point: usize| of(&[&chosen[..], &[point]].concat()) - of(&chosen);
            let open = (0..losses.len()).filter(|point| !chosen.contains(point));
            chosen.extend(open.reduce(|a, b| if gain(b) > gain(a) { b } else { a }));
        }
        chosen.sort_unstable();
        chosen
    }

    #[test]
    fn the_point_that_adds_most_comes_next() {
        // With the reference at (4.4, 4.4): (1, 1) covers 11.56; then (0, 4) adds 0.4, (4, 0) as much, (0.5, 3) 0.7.
        let points = [vec![0.0, 4.0], vec![0.5, 3.0], vec![1.0, 1.0], vec![4.0, 0.0]];
        assert_eq!(most_covering(&points, 1), [2]);
        assert_eq!(most_covering(&points, 2), [1, 2]);
        // (0, 4) adds 0.5 x 0.4 to these, (4, 0) still 0.4.
        assert_eq!(most_covering(&points, 3), [1, 2, 3]);
        assert_eq!(most_covering(&points, 9), [0, 1, 2, 3]);
        assert_eq!(most_covering(&[], 3), [0; 0]);
    }

    #[test]
    fn bounds_do_not_change_what_is_chosen() {
        let mut stream = Seed::root(8).stream();
        for n_objectives in 2..=4 {
            // On a sphere, where nothing dominates anything.
            let mut point = || {
                let x: Vec<f64> = (0..n_objectives).map(|_| stream.unit() + 1e-3).collect();
                let length = x.iter().map(|x| x * x).sum::<f64>().sqrt();
                x.into_iter().map(|x| 1.0 - x / length + 0.5).collect::<Vec<f64>>()
            };
            let losses: Vec<Vec<f64>> = (0..30).map(|_| point()).collect();
            for n in [1, 4, 11] {
                assert_eq!(most_covering(&losses, n), by_differences(&losses, n), "{n} of 30, {n_objectives}");
            }
        }
    }

    #[test]
    fn equal_points_come_last_and_without_a_reference_the_first_are_taken() {
        let twice = [vec![1.0, 1.0], vec![1.0, 1.0], vec![0.0, 2.0]];
        assert_eq!(most_covering(&twice, 2), [0, 2]);
        assert_eq!(most_covering(&[vec![f64::MAX, 0.0], vec![0.0, 1.0], vec![-1.0, 2.0]], 2), [0, 1]);
    }
}
