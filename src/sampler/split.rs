//! The split of the finished trials into the good ones ("below") and the rest ("above").

use std::cmp::Ordering;

use crate::trial::{Direction, TrialRecord, TrialState};

/// At most this many trials are good.
const MOST_BELOW: usize = 25;

/// Positions in the history, both sides in its order.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Split {
    /// The best of the finished trials.
    pub(super) below: Vec<usize>,
    /// The other finished trials and all pending ones.
    pub(super) above: Vec<usize>,
}

/// Splits a history that is sorted by trial number. The best of the finished trials, `good_in_hundred` per cent rounded
/// up and at most 25, go below: complete trials by their value, then pruned ones, the longest-lived first. Ties go to the lower
/// number. Pending trials go above (the constant liar), failed ones nowhere.
pub(super) fn split(history: &[&TrialRecord], direction: Direction, good_in_hundred: usize) -> Split {
    let mut ranked: Vec<usize> = (0..history.len()).filter(|&index| history[index].state.is_finished()).collect();
    let n_below = (ranked.len() * good_in_hundred).div_ceil(100).min(MOST_BELOW);
    if n_below > 0 {
        let better = |&a: &usize, &b: &usize| compare(&history[a].state, &history[b].state, direction).then(a.cmp(&b));
        ranked.select_nth_unstable_by(n_below - 1, better);
    }
    let mut below = ranked[..n_below].to_vec();
    below.sort_unstable();
    let above = (0..history.len())
        .filter(|&index| !matches!(history[index].state, TrialState::Failed { .. }))
        .filter(|index| below.binary_search(index).is_err())
        .collect();
    Split { below, above }
}

/// Orders finished trials, best first.
fn compare(a: &TrialState, b: &TrialState, direction: Direction) -> Ordering {
    match (a, b) {
        (TrialState::Complete { value: a }, TrialState::Complete { value: b }) => {
            direction.loss(*a).total_cmp(&direction.loss(*b))
        }
        (TrialState::Pruned { step: step_a, value: a }, TrialState::Pruned { step: step_b, value: b }) => {
            let loss = |value: &Option<f64>| value.map_or(f64::INFINITY, |x| direction.loss(x));
            (a.is_none().cmp(&b.is_none())).then(step_b.cmp(step_a)).then(loss(a).total_cmp(&loss(b)))
        }
        (a, b) => {
            let rank = |state: &TrialState| match state {
                TrialState::Complete { .. } => 0,
                TrialState::Pruned { .. } => 1,
                TrialState::Pending | TrialState::Failed { .. } => 2,
            };
            rank(a).cmp(&rank(b))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Assignment;

    fn records(states: Vec<TrialState>) -> Vec<TrialRecord> {
        let record = |(number, state)| TrialRecord { number, assignment: Assignment::new(), state };
        states.into_iter().enumerate().map(record).collect()
    }

    fn complete(values: &[f64]) -> Vec<TrialState> {
        values.iter().map(|&value| TrialState::Complete { value }).collect()
    }

    fn below(states: Vec<TrialState>, direction: Direction) -> Vec<usize> {
        let records = records(states);
        split(&records.iter().collect::<Vec<_>>(), direction, 10).below
    }

    #[test]
    fn the_best_tenth_rounded_up_goes_below_in_the_order_of_the_history() {
        let values = [5.0, 1.0, 4.0, 9.0, 0.5, 7.0, 8.0, 6.0, 3.0, 2.0, 10.0];
        let records = records(complete(&values));
        let history: Vec<_> = records.iter().collect();
        let minimized = split(&history, Direction::Minimize, 10);
        assert_eq!(minimized.below, [1, 4]);
        assert_eq!(minimized.above, [0, 2, 3, 5, 6, 7, 8, 9, 10]);
        assert_eq!(split(&history, Direction::Maximize, 10).below, [3, 10]);
        assert_eq!(split(&history[..10], Direction::Minimize, 10).below, [4]);
        assert_eq!(split(&[], Direction::Minimize, 10), Split { below: vec![], above: vec![] });
    }

    #[test]
    fn at_most_twenty_five_trials_are_good() {
        let values: Vec<f64> = (0..400).map(f64::from).collect();
        assert_eq!(below(complete(&values), Direction::Maximize), (375..400).collect::<Vec<_>>());
    }

    #[test]
    fn ties_go_to_the_lower_number() {
        assert_eq!(below(complete(&[1.0, 0.0, 0.0, 0.0]), Direction::Minimize), [1]);
    }

    #[test]
    fn pending_trials_go_above_and_failed_ones_nowhere() {
        let mut states = complete(&[3.0, 1.0]);
        states.insert(1, TrialState::Pending);
        states.insert(2, TrialState::Failed { reason: "diverged".to_owned() });
        let records = records(states);
        let split = split(&records.iter().collect::<Vec<_>>(), Direction::Minimize, 10);
        assert_eq!(split, Split { below: vec![3], above: vec![0, 1] });
    }

    #[test]
    fn pruned_trials_follow_the_complete_ones_longest_lived_first() {
        let pruned = |step, value| TrialState::Pruned { step, value };
        let mut states = vec![
            pruned(9, None),
            pruned(2, Some(0.1)),
            pruned(5, Some(0.9)),
            pruned(5, Some(0.3)),
            TrialState::Complete { value: 100.0 },
        ];
        assert_eq!(below(states.clone(), Direction::Minimize), [4]);
        states.remove(4);
        assert_eq!(below(states.clone(), Direction::Minimize), [3]);
        assert_eq!(below(states.clone(), Direction::Maximize), [2]);
        states.truncate(2);
        assert_eq!(below(states, Direction::Minimize), [1]);
    }
}
