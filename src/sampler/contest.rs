//! Which candidate has the largest ratio of the good density to the other.
//!
//! The other side's density is a sum of positive terms, the prior's and those of all the trials that are not good, so each
//! block can only lower a candidate's ratio. What is found so far is therefore an upper bound, and the candidate with the
//! highest one is always the next to be looked at: the first that is complete and still leads has won, and most of the
//! others' blocks are never computed. The result is that of computing all of them.

use super::products::Products;

/// The position of the first of the candidates with the largest ratio, from the good side's density at each and the other
/// side's products.
pub(super) fn winner(good: &[f64], mut other: Products<'_>) -> usize {
    let n_blocks = other.n_blocks();
    let mut sums = other.prior();
    let mut done = vec![0; good.len()];
    let bound = |good: f64, sum: f64| good / sum.max(f64::MIN_POSITIVE);
    let mut bounds: Vec<f64> = good.iter().zip(&sums).map(|(good, sum)| bound(*good, *sum)).collect();
    loop {
        let (mut leader, mut next) = (0, 0.0);
        for (candidate, bound) in bounds.iter().enumerate().skip(1) {
            if *bound > bounds[leader] {
                next = bounds[leader];
                leader = candidate;
            } else if *bound > next {
                next = *bound;
            }
        }
        if done[leader] == n_blocks {
            return leader;
        }
        while done[leader] < n_blocks && bounds[leader] >= next {
            sums[leader] += other.block(leader, done[leader], sums[leader]);
            done[leader] += 1;
            bounds[leader] = bound(good[leader], sums[leader]);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sampler::axis::Axis;
    use crate::sampler::candidates::Candidates;
    use crate::sampler::column::Column;
    use crate::sampler::parzen::Parzen;
    use crate::sampler::recipe::TpeRecipe;
    use crate::space::Distribution;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn the_winner_is_that_of_computing_everything(
            points in proptest::collection::vec((0.0..1.0_f64, 1..40_i64), 1..1_500),
            candidates in proptest::collection::vec((0.0..1.0_f64, 1..40_i64, 0.1..10.0_f64), 1..30),
        ) {
            let unit = Distribution::uniform(0.0, 1.0).expect("ordered");
            let int = Distribution::int(1, 40).expect("ordered");
            let axes = [Axis::new(&unit), Axis::new(&int)];
            #[expect(clippy::cast_precision_loss, reason = "small")]
            let number = |int: i64| int as f64;
            let columns = vec![
                Column::new(points.iter().map(|point| point.0).collect()),
                Column::new(points.iter().map(|point| number(point.1)).collect()),
            ];
            let recipe = TpeRecipe::Optuna;
            let parzen = Parzen::new(&axes, &columns, recipe.weights_above(points.len()), &[None; 2], recipe);
            let coordinates = vec![
                candidates.iter().map(|candidate| candidate.0).collect(),
                candidates.iter().map(|candidate| number(candidate.1)).collect(),
            ];
            let coordinates = Candidates::new(&axes, coordinates);
            let good: Vec<f64> = candidates.iter().map(|candidate| candidate.2).collect();
            let mut products = parzen.products(&coordinates);
            let mut sums = products.prior();
            for (candidate, sum) in sums.iter_mut().enumerate() {
                *sum = (0..products.n_blocks()).fold(*sum, |sum, block| sum + products.block(candidate, block, sum));
            }
            let ratio = |candidate: usize| good[candidate] / sums[candidate];
            let mut best = 0;
            for candidate in 1..good.len() {
                if ratio(candidate) > ratio(best) {
                    best = candidate;
                }
            }
            prop_assert_eq!(winner(&good, parzen.products(&coordinates)), best);
        }
    }

    #[test]
    fn the_first_of_equals_wins() {
        let unit = Distribution::uniform(0.0, 1.0).expect("ordered");
        let recipe = TpeRecipe::Optuna;
        let column = Column::new(vec![0.25; 700]);
        let parzen = Parzen::new(&[Axis::new(&unit)], &[column], recipe.weights_above(700), &[None], recipe);
        let candidates = Candidates::new(&[Axis::new(&unit)], vec![vec![0.25, 0.75, 0.5, 0.75, 0.75]]);
        assert_eq!(winner(&[1.0; 5], parzen.products(&candidates)), 1);
    }
}
