//! Hyperband over epochs.

use super::{Bounds, Curve, PrunerError, SuccessiveHalving};
use crate::trial::Direction;

/// Hyperband (Li et al. 2018, JMLR): several successive halvings, of which one begins early and stops many trials, and
/// the last stops none, because nobody knows beforehand how soon a bad trial shows.
///
/// Bracket b has its first rung at `min_epochs * reduction_factor^b`. Brackets have trials in the proportion of the
/// paper's, `ceil(B / (B - b) * reduction_factor^(B - 1 - b))` for B brackets; but while the paper fills one bracket after
/// the other, the trials are dealt out evenly here, each to the bracket that is furthest behind its share, so that a short
/// search has some of all. A trial is held against those of its own bracket alone, by the rule of [`SuccessiveHalving`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hyperband {
    brackets: Vec<SuccessiveHalving>,
    sizes: Vec<usize>,
}

impl Hyperband {
    /// Brackets between the fewest and the most epochs a trial is given.
    ///
    /// # Errors
    /// `min_epochs` is 0, `reduction_factor` below 2, or `max_epochs` too small for two brackets.
    pub fn new(min_epochs: usize, max_epochs: usize, reduction_factor: usize) -> Result<Self, PrunerError> {
        let mut brackets = vec![SuccessiveHalving::new(min_epochs, reduction_factor)?];
        let mut first = min_epochs;
        while let Some(next) = first.checked_mul(reduction_factor).filter(|&next| next <= max_epochs) {
            brackets.push(SuccessiveHalving::new(next, reduction_factor)?);
            first = next;
        }
        let n = brackets.len();
        if n == 1 {
            let least = min_epochs.saturating_mul(reduction_factor);
            return Err(PrunerError::OneBracket { max: max_epochs, least });
        }
        // The powers are at most max_epochs / min_epochs.
        let size = |bracket: usize| {
            let s = n - 1 - bracket;
            (n * (0..s).fold(1_usize, |power, _| power * reduction_factor)).div_ceil(s + 1)
        };
        Ok(Self { sizes: (0..n).map(size).collect(), brackets })
    }

    /// The bracket of each trial up to number `last`.
    fn dealt(&self, last: usize) -> Vec<usize> {
        let total: usize = self.sizes.iter().sum();
        let mut dealt = vec![0; self.sizes.len()];
        (0..=last)
            .map(|number| {
                // Its share of all trials so far, less what it has, in units of 1 / total; the earlier bracket of equals.
                let behind = |bracket: usize| {
                    let (has, share) = (dealt[bracket] * total, self.sizes[bracket] * (number + 1));
                    (has as i128 - share as i128, bracket)
                };
                let bracket = (0..dealt.len()).min_by_key(|&bracket| behind(bracket)).expect("there are two brackets");
                dealt[bracket] += 1;
                bracket
            })
            .collect()
    }

    pub(super) fn bounds(
        &self,
        curves: &[Curve<'_>],
        number: usize,
        n_epochs: usize,
        direction: Direction,
    ) -> Option<Bounds> {
        let dealt = self.dealt(number);
        let bracket = dealt[number];
        let own: Vec<Curve<'_>> =
            curves.iter().filter(|curve| dealt.get(curve.trial) == Some(&bracket)).copied().collect();
        self.brackets[bracket].bounds(&own, n_epochs, direction)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn brackets_are_those_of_the_papers_algorithm() {
        // Algorithm 1 for R = 81 and eta = 3: n = 81, 33.75, 15, 7.5 and 5, rounded up; r = 1, 3, 9, 27, 81.
        let hyperband = Hyperband::new(1, 81, 3).unwrap();
        assert_eq!(hyperband.sizes, [81, 34, 15, 8, 5]);
        let firsts = [1, 3, 9, 27, 81].map(|first| SuccessiveHalving::new(first, 3).unwrap());
        assert_eq!(hyperband.brackets, firsts);
    }

    #[test]
    fn trials_are_dealt_out_in_proportion_from_the_beginning() {
        let hyperband = Hyperband::new(1, 4, 2).unwrap();
        assert_eq!(hyperband.sizes, [4, 3, 3]);
        assert_eq!(hyperband.dealt(9), [0, 1, 2, 0, 1, 2, 0, 1, 2, 0]);
        assert_eq!(hyperband.dealt(9)[..4], hyperband.dealt(3), "a trial keeps its bracket");
    }

    #[test]
    fn a_trial_is_held_against_its_own_bracket_alone() {
        let hyperband = Hyperband::new(1, 4, 2).unwrap();
        let values = [Some(0.5), Some(0.6), Some(0.7), Some(0.8)];
        let curve = |trial| Curve { trial, is_complete: true, values: &values };
        // Trial 3 is in bracket 0, as trial 0; trial 4 in bracket 1, as trial 1; trial 5 in bracket 2, that stops nobody.
        let bounds = |curves: &[Curve<'_>], number| hyperband.bounds(curves, number, 4, Direction::Maximize);
        assert_eq!(bounds(&[curve(0), curve(1), curve(2)], 3).unwrap().at(), [(1, 0.5), (2, 0.6)]);
        assert_eq!(bounds(&[curve(1), curve(2)], 3), None);
        assert_eq!(bounds(&[curve(0), curve(1), curve(2)], 4).unwrap().at(), [(2, 0.6)]);
        assert_eq!(bounds(&[curve(0), curve(1), curve(2)], 5), None);
    }

    #[test]
    fn one_bracket_is_no_hyperband() {
        assert_eq!(
            Hyperband::new(2, 5, 3).unwrap_err().to_string(),
            "max_epochs 5 is below 6, so there is one bracket only; raise it, or use successive_halving(#{...})"
        );
    }
}
