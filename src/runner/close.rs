//! When a study has had its last trial: before each one it is decided whether it comes.
//!
//! The decision before trial *n* rests on the trials that *n* may see; one that missed the constraints improves nothing. The clock is asked once all others have let it pass,
//! and what it says is recorded; a study whose end is recorded does not ask it again.

use crate::spec::experiment::SearchSpec;
use crate::split::TrainValidation;
use crate::stop::{Ending, StopRule, StopWatch};
use crate::trial::TrialRecord;

/// Whether, when and why a study ends.
pub(super) struct Close {
    n_trials: usize,
    watch: Option<StopWatch>,
    /// Trials that the watch has heard of.
    n_heard: usize,
    recorded: Option<Ending>,
    /// Trials that come whatever the clock says.
    n_kept: usize,
    ending: Option<Ending>,
}

impl Close {
    /// A study of `n_trials` trials at most, each scored on these folds.
    pub(super) fn new<'a>(
        n_trials: usize,
        search: Option<&SearchSpec>,
        folds: impl Iterator<Item = &'a TrainValidation>,
    ) -> Self {
        let (n_train, n_validation) = folds
            .fold((0, 0), |(train, validation), rows| (train + rows.train.len(), validation + rows.validation.len()));
        #[expect(clippy::cast_precision_loss, reason = "rows are far fewer than 2^53")]
        let validation_per_train = n_validation as f64 / n_train.max(1) as f64;
        let watch = search
            .and_then(|search| Some(StopWatch::new(search.stop?, search.objective.direction, validation_per_train)));
        Self { n_trials, watch, n_heard: 0, recorded: None, n_kept: 0, ending: None }
    }

    /// What a clock has said of it is known.
    pub(super) fn follow(&mut self, recorded: Option<Ending>) {
        self.recorded = recorded;
    }

    /// So many trials come whatever the clock says.
    pub(super) fn keep(&mut self, n_trials: usize) {
        self.n_kept = n_trials;
    }

    /// How it ended, if it has.
    pub(super) fn ending(&self) -> Option<Ending> {
        self.ending
    }

    /// Trials that it could have had beyond its end.
    pub(super) fn n_not_asked(&self) -> usize {
        self.ending.map_or(0, |ending| self.n_trials - ending.n_trials)
    }

    /// Whether its end is worth a word: without rules it always has all its trials.
    pub(super) fn is_told(&self) -> bool {
        self.watch.is_some()
    }

    /// Whether it ends before trial `number`. `seen` are the trials that this one may see, `scores` gives those of one on
    /// each fold.
    pub(super) fn decide<'a>(
        &mut self,
        number: usize,
        seen: &[TrialRecord],
        scores: impl Fn(usize) -> &'a [f64],
        is_late: bool,
    ) -> Option<Ending> {
        for record in &seen[self.n_heard.min(seen.len())..] {
            let Some(watch) = &mut self.watch else { break };
            match record.state.score() {
                Some(score) if score.is_feasible() => watch.complete(score.value(), scores(record.number)),
                _ => watch.incomplete(),
            }
            self.n_heard += 1;
        }
        let by = if number >= self.n_trials {
            Some(StopRule::Trials)
        } else {
            self.watch.as_ref().and_then(|watch| watch.verdict().or_else(|| self.late(watch, number, is_late)))
        };
        self.ending = by.map(|by| Ending { n_trials: number, by });
        self.ending
    }

    /// What the clock says, or has said. It never ends a study that would have nothing to build on.
    fn late(&self, watch: &StopWatch, number: usize, is_late: bool) -> Option<StopRule> {
        let is_over = match self.recorded {
            Some(recorded) => recorded.by == StopRule::WallTime && number >= recorded.n_trials,
            None => is_late && number >= self.n_kept && watch.has_value(),
        };
        is_over.then_some(StopRule::WallTime)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stop::StopRules;
    use crate::trial::{Direction, TrialState};
    use crate::value::Assignment;

    const SCORES: [f64; 1] = [0.5];

    /// A study of five trials under a clock.
    fn timed() -> Close {
        let rules = StopRules::new(None, None, Some("1h")).expect("an hour");
        Close {
            n_trials: 5,
            watch: Some(StopWatch::new(rules, Direction::Maximize, 0.0)),
            n_heard: 0,
            recorded: None,
            n_kept: 0,
            ending: None,
        }
    }

    fn trials(n: usize, state: &TrialState) -> Vec<TrialRecord> {
        (0..n).map(|number| TrialRecord { number, assignment: Assignment::new(), state: state.clone() }).collect()
    }

    /// After how many trials it ends and why, with all before seen; late or not throughout.
    fn end(close: &mut Close, state: &TrialState, is_late: bool) -> (usize, StopRule) {
        let seen = trials(5, state);
        let ending = (0..=5).find_map(|number| close.decide(number, &seen[..number], |_| &SCORES, is_late));
        let ending = ending.expect("it has five trials");
        assert_eq!((close.ending(), close.n_not_asked()), (Some(ending), 5 - ending.n_trials));
        (ending.n_trials, ending.by)
    }

    fn complete() -> TrialState {
        TrialState::from_objective(0.5)
    }

    #[test]
    fn a_clock_ends_a_study_once_there_is_something_to_build_on() {
        assert_eq!(end(&mut timed(), &complete(), true), (1, StopRule::WallTime));
        assert_eq!(end(&mut timed(), &complete(), false), (5, StopRule::Trials));
        let failed = TrialState::Failed { reason: "loss".to_owned() };
        assert_eq!(end(&mut timed(), &failed, true), (5, StopRule::Trials));
    }

    #[test]
    fn what_was_suggested_comes_whatever_the_clock_says() {
        let mut close = timed();
        close.keep(3);
        assert_eq!(end(&mut close, &complete(), true), (3, StopRule::WallTime));
    }

    #[test]
    fn what_a_clock_is_recorded_to_have_said_counts_and_not_what_it_says() {
        for (recorded, is_late, wanted) in [
            (Ending { n_trials: 2, by: StopRule::WallTime }, false, (2, StopRule::WallTime)),
            (Ending { n_trials: 4, by: StopRule::WallTime }, true, (4, StopRule::WallTime)),
            (Ending { n_trials: 5, by: StopRule::Trials }, true, (5, StopRule::Trials)),
        ] {
            let mut close = timed();
            close.follow(Some(recorded));
            assert_eq!(end(&mut close, &complete(), is_late), wanted);
        }
    }

    #[test]
    fn a_study_without_rules_has_all_its_trials_and_no_word_is_lost_about_it() {
        let mut close = Close { watch: None, ..timed() };
        assert!(!close.is_told());
        assert_eq!(end(&mut close, &complete(), true), (5, StopRule::Trials));
    }
}
