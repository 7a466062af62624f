//! Which branch of a conditional space to look into: the option of a choice that other parameters depend on.
//!
//! A branch whose parameters are hard to set is bad at random and may be the best once they are set, so the densities,
//! which know single trials only, leave it too early. Here a branch stays open while it can be expected to become the
//! best one if it goes on improving as it did, after Li et al. 2020 (arXiv 1911.00190, "rising bandits"). Ours differs in
//! the horizon, twice the branch's last half instead of a known budget, and in that no branch is ever closed for good.

use crate::seed::Stream;

/// Trials that the branches have together before any is closed.
const TRIALS_OF_ALL: usize = 40;
/// A branch has at least and at most this many of them.
const TRIALS_OF_ONE: (usize, usize) = (2, 10);
/// Part of the trials that go to any branch, open or not.
const ANYWHERE: f64 = 0.1;
/// How much a branch is expected to gain, in gains of its last half.
const REACH: f64 = 2.0;

/// The position of the branch of the next trial. `losses[branch]` has those of its trials in their order, infinite where
/// a trial is pending, was pruned or misses the constraints; there is at least one branch.
pub(super) fn pick(losses: &[Vec<f64>], stream: &mut Stream) -> usize {
    let least = (TRIALS_OF_ALL / losses.len()).clamp(TRIALS_OF_ONE.0, TRIALS_OF_ONE.1);
    let fewest = (0..losses.len()).min_by_key(|&branch| losses[branch].len()).unwrap_or_default();
    if losses[fewest].len() < least {
        return fewest;
    }
    if stream.chance(ANYWHERE) {
        return stream.below(losses.len());
    }
    let open = open(losses);
    open[stream.below(open.len())]
}

/// The branches that may become the best: the best itself, and each whose best loss, lowered by twice what its later half
/// gained on its earlier one, is below the best.
fn open(losses: &[Vec<f64>]) -> Vec<usize> {
    let best = |losses: &[f64]| losses.iter().copied().fold(f64::INFINITY, f64::min);
    let overall = losses.iter().map(|branch| best(branch)).fold(f64::INFINITY, f64::min);
    let is_open = |branch: &Vec<f64>| {
        let (before, now) = (best(&branch[..branch.len() / 2]), best(branch));
        now <= overall || now - REACH * (before - now) < overall
    };
    (0..losses.len()).filter(|&branch| is_open(&losses[branch])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;

    #[test]
    fn a_branch_is_open_while_its_gains_would_reach_the_best() {
        // best 1.0; the second gained 1.0 to 2.5 and is expected at 0.5, the third 0.5 and is expected at 1.5
        let losses = [vec![3.0, 1.0, 2.0, 1.0], vec![3.5, 4.0, 2.5, 9.0], vec![3.0, 4.0, 2.5, 9.0]];
        assert_eq!(open(&losses), [0, 1]);
        // nothing gained in the later half, or nothing known
        assert_eq!(open(&[vec![2.0, 1.0], vec![1.5, 1.5], vec![f64::INFINITY; 4]]), [0]);
        assert_eq!(open(&[vec![f64::INFINITY; 4], vec![f64::INFINITY; 2]]), [0, 1]);
    }

    #[test]
    fn every_branch_is_tried_first_and_none_is_left_for_ever() {
        let mut stream = Seed::root(1).stream();
        assert_eq!(pick(&[vec![0.0; 20], vec![5.0; 9], vec![5.0; 11]], &mut stream), 1);
        assert_eq!(pick(&vec![vec![1.0]; 30], &mut stream), 0);
        let losses = [vec![0.0; 20], vec![5.0; 20]];
        let second = (0..4000).filter(|_| pick(&losses, &mut stream) == 1).count();
        assert!((160..240).contains(&second), "half of a tenth of 4000, not {second}");
    }
}
