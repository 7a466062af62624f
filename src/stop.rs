//! When a study ends before its last trial: at a target, when nothing has improved for long, or when its time is up.
//!
//! A [`StopWatch`] hears of the trials of one study in the order of their numbers and says which rule holds. What it says
//! before trial *n* rests on the trials that *n* may see and on nothing else, so that it is the same in every run of a
//! study. The clock alone is no function of trials; whoever asks it must record what came of it.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::trial::Direction;
use crate::wording::count;

/// The rules by which a study may end early; it ends with the first that holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StopRules {
    target: Option<f64>,
    no_improvement: Option<NoImprovement>,
    wall_time: Option<Duration>,
}

/// How long an improvement is waited for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NoImprovement {
    /// Trials without one that end the study, at least 1.
    pub trials: usize,
    /// An improvement is larger than this.
    pub min_delta: f64,
}

/// What ended a study, by its name in a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopRule {
    /// It has had all its trials.
    Trials,
    /// Its best has reached the target.
    Target,
    /// So many trials have brought no improvement.
    NoImprovement,
    /// The run has taken so long.
    WallTime,
}

/// After how many trials a study ended, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ending {
    /// Its trials.
    pub n_trials: usize,
    /// The rule that held.
    pub by: StopRule,
}

/// A rule that cannot be kept.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum StopError {
    /// There is no rule.
    #[error("`stop` has no rule: give it `target`, `no_improvement` or `wall_time`, or leave it out")]
    Nothing,
    /// The time is no duration.
    #[error("{text:?} is no duration ({reason}): write hours, minutes and seconds, as in \"2h30m\" or \"90s\"")]
    NoDuration {
        /// What was given.
        text: String,
        /// Why it is none.
        reason: String,
    },
    /// No time at all.
    #[error("a `wall_time` of {text:?} is over before the first trial: give it more than 0 s")]
    NoTime {
        /// What was given.
        text: String,
    },
}

impl StopRules {
    /// These rules; a time as in `2h30m`.
    ///
    /// # Errors
    /// There is none, or the time is no duration above 0.
    pub fn new(
        target: Option<f64>,
        no_improvement: Option<NoImprovement>,
        wall_time: Option<&str>,
    ) -> Result<Self, StopError> {
        if target.is_none() && no_improvement.is_none() && wall_time.is_none() {
            return Err(StopError::Nothing);
        }
        Ok(Self { target, no_improvement, wall_time: wall_time.map(duration).transpose()? })
    }

    /// How long the whole run may take before its studies end.
    #[must_use]
    pub fn wall_time(&self) -> Option<Duration> {
        self.wall_time
    }
}

fn duration(text: &str) -> Result<Duration, StopError> {
    let parsed = humantime::parse_duration(text)
        .map_err(|error| StopError::NoDuration { text: text.to_owned(), reason: error.to_string() })?;
    if parsed.is_zero() { Err(StopError::NoTime { text: text.to_owned() }) } else { Ok(parsed) }
}

/// As in `target 0.95, 20 trials without improvement`; the clock is left out.
impl fmt::Display for StopRules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let target = self.target.map(|target| format!("target {target}"));
        let waited = self.no_improvement.map(|rule| {
            let beyond = if rule.min_delta > 0.0 { format!(" of more than {}", rule.min_delta) } else { String::new() };
            format!("{} without an improvement{beyond}", count(rule.trials, "trial"))
        });
        f.write_str(&target.into_iter().chain(waited).collect::<Vec<_>>().join(", "))
    }
}

/// By its name in a script.
impl fmt::Display for StopRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Trials => "trials",
            Self::Target => "target",
            Self::NoImprovement => "no_improvement",
            Self::WallTime => "wall_time",
        })
    }
}

/// Holds the trials of one study against its rules.
///
/// **target**: the best value seen is the target or better.
///
/// **no_improvement**: a reference trial stands for the best so far; at first it is the first complete trial. A complete
/// trial improves on it when its gain is above `min_delta` and above the noise between folds, and is the reference from then
/// on; a smaller gain leaves the old reference, so that small gains add up until they are seen. The rule holds when as many trials as it
/// names, complete, pruned or failed, have followed the last improvement, or have begun the study.
/// With K inner folds the gain is the mean of the K differences between the scores of both on the same fold, and the noise
/// is the standard error of that mean with the correction of Nadeau and Bengio (2003, Machine Learning) for training sets
/// that overlap, `s sqrt(1/K + v/t)`: `s` is the standard deviation of the differences over K - 1, `v` and `t` are the
/// numbers of validation and of training rows. With one fold there is no noise that could be seen, and it counts as 0.
#[derive(Clone, Debug)]
pub struct StopWatch {
    rules: StopRules,
    direction: Direction,
    validation_per_train: f64,
    best: Option<f64>,
    reference: Option<Vec<f64>>,
    n_without: usize,
}

impl StopWatch {
    /// Before the first trial. `validation_per_train` is the number of validation rows of a fold over that of its training
    /// rows.
    #[must_use]
    pub fn new(rules: StopRules, direction: Direction, validation_per_train: f64) -> Self {
        Self { rules, direction, validation_per_train, best: None, reference: None, n_without: 0 }
    }

    /// The next trial is complete: its value, and its score on each inner fold.
    pub fn complete(&mut self, value: f64, scores: &[f64]) {
        if self.best.is_none_or(|best| self.direction.better(value, best)) {
            self.best = Some(value);
        }
        if self.reference.as_ref().is_none_or(|reference| self.improves(reference, scores)) {
            self.reference = Some(scores.to_vec());
            self.n_without = 0;
        } else {
            self.n_without += 1;
        }
    }

    /// The next trial has ended without a value, or with one of too few epochs or folds.
    pub fn incomplete(&mut self) {
        self.n_without += 1;
    }

    /// The rule that holds after these trials.
    #[must_use]
    pub fn verdict(&self) -> Option<StopRule> {
        let reached =
            self.rules.target.zip(self.best).is_some_and(|(target, best)| !self.direction.better(target, best));
        let stands_still = self.rules.no_improvement.is_some_and(|rule| self.n_without >= rule.trials);
        match (reached, stands_still) {
            (true, _) => Some(StopRule::Target),
            (false, true) => Some(StopRule::NoImprovement),
            (false, false) => None,
        }
    }

    /// Whether a trial is complete, so that a study that ends now has something to build on.
    #[must_use]
    pub fn has_value(&self) -> bool {
        self.best.is_some()
    }

    #[expect(clippy::cast_precision_loss, reason = "folds are few")]
    fn improves(&self, reference: &[f64], scores: &[f64]) -> bool {
        let loss = |x: &f64| self.direction.loss(*x);
        let gains: Vec<f64> = reference.iter().zip(scores).map(|(old, new)| loss(old) - loss(new)).collect();
        let k = gains.len() as f64;
        let gain = gains.iter().sum::<f64>() / k;
        let noise = if gains.len() < 2 {
            0.0
        } else {
            let variance = gains.iter().map(|x| (x - gain) * (x - gain)).sum::<f64>() / (k - 1.0);
            (variance * (1.0 / k + self.validation_per_train)).sqrt()
        };
        gain > noise.max(self.rules.no_improvement.map_or(0.0, |rule| rule.min_delta))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn watch(target: Option<f64>, trials: usize, min_delta: f64, direction: Direction) -> StopWatch {
        let rules = StopRules::new(target, Some(NoImprovement { trials, min_delta }), None).unwrap();
        StopWatch::new(rules, direction, 0.5)
    }

    #[test]
    fn a_target_is_reached_when_the_best_is_as_good() {
        for (direction, short, reached) in [(Direction::Maximize, 0.94, 0.95), (Direction::Minimize, 0.96, 0.95)] {
            let mut watch = watch(Some(0.95), 10, 0.0, direction);
            watch.complete(short, &[short]);
            assert_eq!(watch.verdict(), None);
            watch.complete(reached, &[reached]);
            assert_eq!(watch.verdict(), Some(StopRule::Target));
            watch.incomplete();
            assert_eq!(watch.verdict(), Some(StopRule::Target));
        }
    }

    #[test]
    fn every_trial_after_the_last_improvement_counts_whatever_became_of_it() {
        let mut watch = watch(None, 2, 0.0, Direction::Minimize);
        watch.incomplete();
        assert!(!watch.has_value());
        watch.complete(3.0, &[3.0]);
        watch.incomplete();
        assert_eq!(watch.verdict(), None);
        watch.complete(2.0, &[2.0]);
        watch.complete(2.0, &[2.0]);
        assert_eq!(watch.verdict(), None);
        watch.incomplete();
        assert_eq!(watch.verdict(), Some(StopRule::NoImprovement));
    }

    #[test]
    fn a_study_in_which_nothing_is_complete_ends_too() {
        let mut watch = watch(None, 2, 0.0, Direction::Minimize);
        watch.incomplete();
        watch.incomplete();
        assert_eq!((watch.verdict(), watch.has_value()), (Some(StopRule::NoImprovement), false));
    }

    #[test]
    fn gains_below_min_delta_add_up_until_they_are_an_improvement() {
        let mut watch = watch(None, 3, 0.125, Direction::Maximize);
        for value in [0.5, 0.625, 0.6875] {
            watch.complete(value, &[value]);
        }
        // 0.625 is no more than 0.125 above 0.5; 0.6875 is.
        assert_eq!(watch.n_without, 0);
        assert_eq!(watch.reference, Some(vec![0.6875]));
    }

    #[test]
    fn an_improvement_over_folds_exceeds_the_corrected_standard_error() {
        // Gains 0.1, 0.2, 0.3: mean 0.2, s = 0.1, noise 0.1 sqrt(1/3 + 0.5) = 0.0913; gains 0, 0.2, 0.4: s = 0.2, noise
        // 0.1826; gains -0.1, 0.2, 0.5: s = 0.3, noise 0.2739. Without the correction the last would be 0.1732.
        for (gains, is_improvement) in [([0.1, 0.2, 0.3], true), ([0.0, 0.2, 0.4], true), ([-0.1, 0.2, 0.5], false)] {
            for (direction, sign) in [(Direction::Maximize, 1.0), (Direction::Minimize, -1.0)] {
                let mut watch = watch(None, 1, 0.0, direction);
                let scores: Vec<f64> = gains.iter().map(|gain| 0.5 + sign * gain).collect();
                watch.complete(0.5, &[0.5; 3]);
                watch.complete(0.5 + sign * 0.2, &scores);
                assert_eq!(watch.verdict().is_none(), is_improvement, "{gains:?}");
            }
        }
        let mut strict = watch(None, 1, 0.25, Direction::Maximize);
        strict.complete(0.5, &[0.5; 3]);
        strict.complete(0.7, &[0.6, 0.7, 0.8]);
        assert_eq!(strict.verdict(), Some(StopRule::NoImprovement));
    }

    #[test]
    fn equal_gains_on_all_folds_are_no_noise_and_a_loss_is_no_gain() {
        let mut watch = watch(None, 1, 0.0, Direction::Maximize);
        watch.complete(0.5, &[0.25, 0.75]);
        watch.complete(0.625, &[0.375, 0.875]);
        assert_eq!(watch.verdict(), None);
        watch.complete(0.5, &[0.25, 0.75]);
        assert_eq!(watch.verdict(), Some(StopRule::NoImprovement));
    }

    #[test]
    fn a_time_is_a_duration_above_nothing() {
        let time = |text: &str| StopRules::new(None, None, Some(text)).map(|rules| rules.wall_time().unwrap());
        assert_eq!(time("2h30m"), Ok(Duration::from_secs(9000)));
        assert_eq!(time("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(
            time("0s").unwrap_err().to_string(),
            "a `wall_time` of \"0s\" is over before the first trial: give it more than 0 s"
        );
        assert!(time("soon").unwrap_err().to_string().starts_with("\"soon\" is no duration ("));
        assert_eq!(StopRules::new(None, None, None), Err(StopError::Nothing));
    }

    #[test]
    fn rules_are_told_in_words() {
        let rules = |delta| StopRules::new(Some(0.95), Some(NoImprovement { trials: 20, min_delta: delta }), None);
        assert_eq!(rules(0.0).unwrap().to_string(), "target 0.95, 20 trials without an improvement");
        assert_eq!(rules(0.5).unwrap().to_string(), "target 0.95, 20 trials without an improvement of more than 0.5");
        assert_eq!(serde_json::to_string(&StopRule::WallTime).unwrap(), format!("\"{}\"", StopRule::WallTime));
    }
}
