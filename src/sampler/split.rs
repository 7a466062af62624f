//! The split of the finished trials into the good ones ("below") and the rest ("above").

use std::cmp::Ordering;

use crate::pareto::{self, most_covering};
use crate::trial::{Direction, Score, TrialRecord, TrialState};

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

/// Splits some trials, at ascending positions of a history that is sorted by trial number. The best of the finished
/// ones, `good_in_hundred` per cent rounded up, go below: complete trials that keep the constraints, then pruned ones, the longest-lived first, then those that
/// miss the constraints, the smallest violation first. Ties go to the lower number. Pending trials go above (the constant
/// liar), failed ones nowhere.
///
/// With one objective complete trials go by their value, and at most 25 trials are good. With several they go by their
/// rank, and of the last rank that finds a place, those do that together cover most.
pub(super) fn split(
    history: &[&TrialRecord],
    trials: Vec<usize>,
    directions: &[Direction],
    good_in_hundred: usize,
) -> Split {
    let ranked: Vec<usize> = trials.iter().copied().filter(|&index| history[index].state.is_finished()).collect();
    let n_below = (ranked.len() * good_in_hundred).div_ceil(100);
    let mut below = match directions {
        [direction] => by_value(ranked, history, *direction, n_below.min(MOST_BELOW)),
        _ => by_rank(ranked, history, directions, n_below),
    };
    below.sort_unstable();
    let mut above = trials;
    above.retain(|index| {
        !matches!(history[*index].state, TrialState::Failed { .. }) && below.binary_search(index).is_err()
    });
    Split { below, above }
}

/// The best `n`, in any order.
fn by_value(mut ranked: Vec<usize>, history: &[&TrialRecord], direction: Direction, n: usize) -> Vec<usize> {
    if n > 0 {
        let better = |&a: &usize, &b: &usize| compare(&history[a].state, &history[b].state, direction).then(a.cmp(&b));
        ranked.select_nth_unstable_by(n - 1, better);
    }
    ranked.truncate(n);
    ranked
}

/// The best `n` for several objectives, in any order. Among trials that are worse than every complete one that keeps the
/// constraints, the first objective decides.
fn by_rank(ranked: Vec<usize>, history: &[&TrialRecord], directions: &[Direction], n: usize) -> Vec<usize> {
    let is_good = |index: &usize| history[*index].state.score().is_some_and(Score::is_feasible);
    let (complete, others): (Vec<usize>, Vec<usize>) = ranked.into_iter().partition(is_good);
    if complete.len() <= n {
        let n_left = n - complete.len();
        return [complete, by_value(others, history, directions[0], n_left)].concat();
    }
    let losses: Vec<Vec<f64>> =
        complete.iter().filter_map(|&index| Some(history[index].state.score()?.losses(directions))).collect();
    let ranks = pareto::ranks(&losses);
    let mut chosen = Vec::with_capacity(n);
    for rank in 0.. {
        let members: Vec<usize> = (0..complete.len()).filter(|&place| ranks[place] == rank).collect();
        let n_left = n - chosen.len();
        if members.len() >= n_left {
            let points: Vec<Vec<f64>> = members.iter().map(|&place| losses[place].clone()).collect();
            chosen.extend(most_covering(&points, n_left).into_iter().map(|place| complete[members[place]]));
            break;
        }
        chosen.extend(members.into_iter().map(|place| complete[place]));
    }
    chosen
}

/// Orders finished trials, best first.
fn compare(a: &TrialState, b: &TrialState, direction: Direction) -> Ordering {
    match (a, b) {
        (TrialState::Complete(a), TrialState::Complete(b)) if a.is_feasible() && b.is_feasible() => {
            direction.loss(a.value()).total_cmp(&direction.loss(b.value()))
        }
        (TrialState::Complete(a), TrialState::Complete(b)) => a.violation().total_cmp(&b.violation()),
        (TrialState::Pruned { step: step_a, value: a }, TrialState::Pruned { step: step_b, value: b }) => {
            let loss = |value: &Option<f64>| value.map_or(f64::INFINITY, |x| direction.loss(x));
            (a.is_none().cmp(&b.is_none())).then(step_b.cmp(step_a)).then(loss(a).total_cmp(&loss(b)))
        }
        (a, b) => {
            let rank = |state: &TrialState| match state {
                TrialState::Complete(score) if score.is_feasible() => 0,
                TrialState::Pruned { .. } => 1,
                TrialState::Complete(_) => 2,
                TrialState::Pending | TrialState::Failed { .. } => 3,
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

    fn split_all(history: &[&TrialRecord], directions: &[Direction], good_in_hundred: usize) -> Split {
        split(history, (0..history.len()).collect(), directions, good_in_hundred)
    }

    fn complete(values: &[f64]) -> Vec<TrialState> {
        values.iter().map(|&value| TrialState::from_objective(value)).collect()
    }

    fn below(states: Vec<TrialState>, direction: Direction) -> Vec<usize> {
        let records = records(states);
        split_all(&records.iter().collect::<Vec<_>>(), direction.as_ref(), 10).below
    }

    #[test]
    fn the_best_tenth_rounded_up_goes_below_in_the_order_of_the_history() {
        let values = [5.0, 1.0, 4.0, 9.0, 0.5, 7.0, 8.0, 6.0, 3.0, 2.0, 10.0];
        let records = records(complete(&values));
        let history: Vec<_> = records.iter().collect();
        let minimized = split_all(&history, &[Direction::Minimize], 10);
        assert_eq!(minimized.below, [1, 4]);
        assert_eq!(minimized.above, [0, 2, 3, 5, 6, 7, 8, 9, 10]);
        assert_eq!(split_all(&history, &[Direction::Maximize], 10).below, [3, 10]);
        assert_eq!(split_all(&history[..10], &[Direction::Minimize], 10).below, [4]);
        assert_eq!(split_all(&[], &[Direction::Minimize], 10), Split { below: vec![], above: vec![] });
    }

    #[test]
    fn of_some_trials_both_sides_are_positions_in_the_history() {
        let states = [0.0, 5.0, 0.0, 1.0, 4.0, 0.0, 2.0].map(|value| scored(value, &[value], 0.0));
        let records = records(states.to_vec());
        let history: Vec<_> = records.iter().collect();
        for directions in [&[Direction::Minimize][..], &[Direction::Minimize; 2]] {
            let split = split(&history, vec![1, 3, 4, 6], directions, 50);
            assert_eq!(split, Split { below: vec![3, 6], above: vec![1, 4] });
        }
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
        let split = split_all(&records.iter().collect::<Vec<_>>(), &[Direction::Minimize], 10);
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
            TrialState::from_objective(100.0),
        ];
        assert_eq!(below(states.clone(), Direction::Minimize), [4]);
        states.remove(4);
        assert_eq!(below(states.clone(), Direction::Minimize), [3]);
        assert_eq!(below(states.clone(), Direction::Maximize), [2]);
        states.truncate(2);
        assert_eq!(below(states, Direction::Minimize), [1]);
    }

    fn scored(value: f64, others: &[f64], violation: f64) -> TrialState {
        TrialState::Complete(Score::new(value, others.to_vec(), violation).expect("the numbers are finite"))
    }

    #[test]
    fn trials_that_miss_the_constraints_come_after_all_others_by_their_violation() {
        let mut states = vec![
            scored(0.0, &[], 0.5),
            scored(9.0, &[], 0.1),
            scored(9.0, &[], 0.1),
            TrialState::Pruned { step: 1, value: None },
            scored(7.0, &[], 0.0),
        ];
        for expected in [4, 3, 1, 1, 0] {
            assert_eq!(below(states.clone(), Direction::Minimize), [expected]);
            states.remove(expected);
        }
    }

    /// The good of trials with two objectives, both minimised, one in two.
    fn half(states: Vec<TrialState>) -> Vec<usize> {
        let records = records(states);
        split_all(&records.iter().collect::<Vec<_>>(), &[Direction::Minimize; 2], 50).below
    }

    #[test]
    fn with_two_objectives_whole_ranks_go_below_and_of_the_last_those_that_cover_most() {
        let points = |points: &[(f64, f64)]| points.iter().map(|&(a, b)| scored(a, &[b], 0.0)).collect::<Vec<_>>();
        // Ranks: 1 and 3; then 0, 2 and 5; then 4. Of the second, with the reference at (5.5, 5.5), (2, 2) covers most.
        let six = points(&[(1.0, 5.0), (1.0, 1.0), (2.0, 2.0), (0.0, 4.0), (6.0, 6.0), (5.0, 1.5)]);
        assert_eq!(half(six.clone()), [1, 2, 3]);
        // Of four, the first rank is enough.
        assert_eq!(half(six[..4].to_vec()), [1, 3]);
        let directions = [Direction::Maximize, Direction::Minimize];
        let mirrored = records(points(&[(-1.0, 5.0), (-1.0, 1.0), (-2.0, 2.0), (-0.0, 4.0), (-6.0, 6.0), (-5.0, 1.5)]));
        assert_eq!(split_all(&mirrored.iter().collect::<Vec<_>>(), &directions, 50).below, [1, 2, 3]);
    }

    #[test]
    fn with_two_objectives_the_rest_follows_as_with_one() {
        let states = vec![
            scored(0.0, &[0.0], 2.0),
            scored(5.0, &[5.0], 0.0),
            TrialState::Pruned { step: 1, value: Some(0.5) },
            scored(0.0, &[0.0], 1.0),
            TrialState::Pruned { step: 3, value: Some(0.5) },
            TrialState::Pending,
        ];
        assert_eq!(half(states.clone()), [1, 2, 4]);
        assert_eq!(half([&states[..1], &states[2..4]].concat()), [1, 2]);
    }

    #[test]
    fn with_two_objectives_any_number_of_trials_may_be_good() {
        let line: Vec<TrialState> = (0..100).map(|i| scored(f64::from(i), &[f64::from(99 - i)], 0.0)).collect();
        assert_eq!(half(line).len(), 50);
    }
}
