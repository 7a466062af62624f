//! A race between configurations over inner folds.

use super::PrunerError;
use crate::statistics::upper_tail;
use crate::trial::Direction;

/// The fewest inner folds a race can be held over.
pub const MIN_FOLDS: usize = 4;

/// Stops a configuration after some of its inner folds, when its mean over all of them will not be as good as that of the
/// best so far.
///
/// The idea is that of racing (Maron and Moore 1994, NeurIPS; Birattari et al. 2002, GECCO). What is tested is what
/// decides the search: whether the mean over *these* K folds would be at least as good as the best trial's. With the k
/// differences between both on the folds done, of mean m and standard deviation s, the mean over all K differs from m by
/// an error of variance s^2 (K - k) / (k K), as in drawing k of K without replacement, so m / (s sqrt((K - k) / (k K))) is
/// held against Student's t with k - 1 degrees of freedom (stochastic curtailment with a prediction interval). The trial is
/// stopped when the tail beyond it is below the level, of which each look after a fold has an equal share, so that all
/// looks together keep it.
///
/// Training sets of folds overlap, and scores of folds are correlated. That inflates tests about the error on *other*
/// data, which the variance of Nadeau and Bengio (2003, Machine Learning) corrects; here the common part is the same in the folds
/// done and those to come, and cancels. It cancels as well that the best so far is a lucky one: how lucky its mean is says
/// nothing about the deviations of single folds from it. The level is exact for normal differences and holds in
/// simulations with a running best (`race_tests`). A configuration that is better on other data, but not on these folds, is
/// not spared: without a race the search would not choose it either.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Race {
    level: f64,
    min_folds: usize,
    n_folds: usize,
}

impl Race {
    /// A race over `n_folds` folds, that looks after each of them from the `min_folds`-th to the last but one.
    ///
    /// # Errors
    /// There are fewer than [`MIN_FOLDS`], `min_folds` is below 2 or leaves none to be saved, or `level` is not between 0 and 0.5.
    pub fn new(level: f64, min_folds: usize, n_folds: usize) -> Result<Self, PrunerError> {
        if n_folds < MIN_FOLDS {
            return Err(PrunerError::FewFolds { found: n_folds, least: MIN_FOLDS });
        }
        if !(2..n_folds).contains(&min_folds) {
            return Err(PrunerError::NeverLooks { min: min_folds, n: n_folds, last: n_folds - 1 });
        }
        if !(level > 0.0 && level <= 0.5) {
            return Err(PrunerError::OutOfRange { what: "level", found: level, range: "above 0 and at most 0.5" });
        }
        Ok(Self { level, min_folds, n_folds })
    }

    /// Whether a configuration is stopped after the folds it has been scored on, given the scores of the best so far on
    /// all folds, in the same order.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "folds are few")]
    pub fn stops(&self, best: &[f64], scores: &[f64], direction: Direction) -> bool {
        let k = scores.len();
        if !(self.min_folds..self.n_folds).contains(&k) {
            return false;
        }
        let behind: Vec<f64> =
            best.iter().zip(scores).map(|(&best, &own)| direction.loss(own) - direction.loss(best)).collect();
        let (done, all) = (k as f64, self.n_folds as f64);
        let mean = behind.iter().sum::<f64>() / done;
        let variance = behind.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / (done - 1.0);
        let error = (variance * (all - done) / (done * all)).sqrt();
        let n_looks = (self.n_folds - self.min_folds) as f64;
        // Equal differences on every fold leave no doubt.
        mean > 0.0 && (error == 0.0 || upper_tail(mean / error, k - 1) < self.level / n_looks)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_trial_is_stopped_by_how_far_it_is_behind_on_the_same_folds() {
        // Six folds, looks after 3, 4 and 5: a share of 0.05 / 3 each. Behind by 0.1, 0.2, 0.3: mean 0.2, s = 0.1, error
        // 0.1 sqrt(3 / 18) = 0.0408, t = 4.899 on 2 degrees: tail 0.5 - t / (2 sqrt(2 + t^2)) = 0.0196 > 0.0167.
        let race = Race::new(0.05, 3, 6).unwrap();
        let best = [0.9, 0.8, 0.7, 0.9, 0.8, 0.7];
        assert!(!race.stops(&best, &[0.8, 0.6, 0.4], Direction::Maximize));
        // Behind by 0.12, 0.2, 0.28: s = 0.08, t = 6.124, tail 0.0128.
        assert!(race.stops(&best, &[0.78, 0.6, 0.42], Direction::Maximize));
        assert!(!race.stops(&best, &[0.78, 0.6, 0.42], Direction::Minimize), "there it is ahead");
        assert!(race.stops(&[0.0; 6], &[0.12, 0.2, 0.28], Direction::Minimize));
        // 0.05 / 3 is just exceeded with a level below 0.0128 x 3.
        assert!(!Race::new(0.03, 3, 6).unwrap().stops(&best, &[0.78, 0.6, 0.42], Direction::Maximize));
    }

    #[test]
    fn nothing_is_stopped_before_the_first_look_or_after_the_last_fold() {
        let race = Race::new(0.05, 3, 5).unwrap();
        let (best, bad) = ([1.0; 5], [0.1, 0.101, 0.1, 0.101, 0.1]);
        let stopped: Vec<bool> = (0..=5).map(|k| race.stops(&best, &bad[..k], Direction::Maximize)).collect();
        assert_eq!(stopped, [false, false, false, true, true, false]);
    }

    #[test]
    fn equal_differences_leave_no_doubt_and_equal_scores_are_not_behind() {
        let race = Race::new(0.05, 2, 4).unwrap();
        assert!(race.stops(&[1.0; 4], &[0.5; 2], Direction::Maximize));
        assert!(!race.stops(&[1.0; 4], &[1.0; 2], Direction::Maximize));
    }

    #[test]
    fn a_race_over_too_few_folds_is_refused() {
        let message = |level, min, n| Race::new(level, min, n).unwrap_err().to_string();
        assert_eq!(
            message(0.05, 2, 3),
            "a race needs at least 4 inner folds, but there are 3: so few cannot tell a bad configuration from an unlucky \
             one; take more, or leave `race` out"
        );
        assert_eq!(
            message(0.05, 5, 5),
            "min_folds is 5, but with 5 inner folds it must be in 2..=4; else nothing is ever stopped"
        );
        assert_eq!(message(0.0, 3, 5), "level is 0, but must be above 0 and at most 0.5");
    }
}
