//! What a model says of rows beside what is true: class probabilities, or numbers.

/// How far the probabilities of a row may add up from 1: the rounding of single precision over many classes.
const SUM_TOLERANCE: f64 = 1e-3;

/// What a model says of rows, with what is true of them.
#[derive(Clone, Debug, PartialEq)]
pub enum Predictions {
    /// Probabilities of classes.
    Classes(ClassPredictions),
    /// Numbers.
    Numbers(NumberPredictions),
}

/// A number for every row, with the rows' true numbers; all are finite.
#[derive(Clone, Debug, PartialEq)]
pub struct NumberPredictions {
    values: Vec<f64>,
    targets: Vec<f64>,
}

/// Probabilities of every class for every row, with the rows' true classes.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassPredictions {
    n_classes: usize,
    probabilities: Vec<f32>,
    targets: Vec<usize>,
}

/// Why probabilities and targets do not make [`Predictions`].
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PredictionsError {
    /// Fewer than two classes.
    #[error("there are {n_classes} classes, but predictions need at least 2; give one column to each class")]
    TooFewClasses {
        /// Number of classes.
        n_classes: usize,
    },
    /// No row.
    #[error("there are no predictions; a metric needs at least one row")]
    NoRows,
    /// The number of probabilities is not rows times classes.
    #[error(
        "there are {n_probabilities} probabilities for {n_rows} targets and {n_classes} classes; \
         give {n_classes} probabilities to each target"
    )]
    Shape {
        /// Number of probabilities.
        n_probabilities: usize,
        /// Number of targets.
        n_rows: usize,
        /// Number of classes.
        n_classes: usize,
    },
    /// A target that is no class.
    #[error("the target of row {row} is {target}, but the classes are 0 to {}; correct the target", n_classes - 1)]
    Target {
        /// Position of the row.
        row: usize,
        /// Its target.
        target: usize,
        /// Number of classes.
        n_classes: usize,
    },
    /// A probability outside `[0, 1]`, or not a number.
    #[error(
        "the probability of class {class} in row {row} is {probability}, but it must lie in 0 to 1; \
         a model that diverged gives such numbers"
    )]
    Probability {
        /// Position of the row.
        row: usize,
        /// The class.
        class: usize,
        /// What stands there.
        probability: f32,
    },
    /// Not a number to each target.
    #[error("there are {n_values} numbers for {n_rows} targets; give one to each")]
    NumberShape {
        /// Number of predicted numbers.
        n_values: usize,
        /// Number of targets.
        n_rows: usize,
    },
    /// A predicted or a true number that is infinite or none.
    #[error("the {what} of row {row} is {value}, but it must be finite; a model that diverged gives such numbers")]
    NotFinite {
        /// `prediction` or `target`.
        what: &'static str,
        /// Position of the row.
        row: usize,
        /// What stands there.
        value: f64,
    },
    /// The probabilities of a row do not add up to 1.
    #[error("the probabilities of row {row} add up to {sum}, but must add up to 1; normalise them")]
    Sum {
        /// Position of the row.
        row: usize,
        /// Sum of its probabilities.
        sum: f64,
    },
}

impl Predictions {
    /// Predictions of classes; see [`ClassPredictions::new`].
    ///
    /// # Errors
    /// As there.
    pub fn new(n_classes: usize, probabilities: Vec<f32>, targets: Vec<usize>) -> Result<Self, PredictionsError> {
        ClassPredictions::new(n_classes, probabilities, targets).map(Self::Classes)
    }

    /// Predictions of numbers: `values` `[row]` and the `targets` `[row]`.
    ///
    /// # Errors
    /// No row, not a value to each target, or one that is not finite.
    pub fn of_numbers(values: Vec<f64>, targets: Vec<f64>) -> Result<Self, PredictionsError> {
        if targets.is_empty() {
            return Err(PredictionsError::NoRows);
        }
        if values.len() != targets.len() {
            return Err(PredictionsError::NumberShape { n_values: values.len(), n_rows: targets.len() });
        }
        for (what, numbers) in [("prediction", &values), ("target", &targets)] {
            if let Some((row, &value)) = numbers.iter().enumerate().find(|(_, number)| !number.is_finite()) {
                return Err(PredictionsError::NotFinite { what, row, value });
            }
        }
        Ok(Self::Numbers(NumberPredictions { values, targets }))
    }

    /// Those of classes, if they are.
    #[must_use]
    pub fn of_classes(&self) -> Option<&ClassPredictions> {
        match self {
            Self::Classes(predictions) => Some(predictions),
            Self::Numbers(_) => None,
        }
    }

    /// Number of rows, at least 1.
    #[must_use]
    pub fn n_rows(&self) -> usize {
        match self {
            Self::Classes(predictions) => predictions.n_rows(),
            Self::Numbers(predictions) => predictions.targets.len(),
        }
    }

    /// The predictions of these rows, in this order, each as often as it is given.
    ///
    /// # Panics
    /// If there are none, or one is not there.
    #[must_use]
    pub fn select(&self, rows: &[usize]) -> Self {
        match self {
            Self::Classes(predictions) => Self::Classes(predictions.select(rows)),
            Self::Numbers(predictions) => Self::Numbers(predictions.select(rows)),
        }
    }

    /// Probabilities `[row, class]`, row after row; empty for numbers.
    #[must_use]
    pub fn probabilities(&self) -> &[f32] {
        self.of_classes().map_or(&[], ClassPredictions::probabilities)
    }

    /// True class of each row; empty for numbers.
    #[must_use]
    pub fn targets(&self) -> &[usize] {
        self.of_classes().map_or(&[], ClassPredictions::targets)
    }
}

impl NumberPredictions {
    /// The predicted number of each row.
    #[must_use]
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The true number of each row.
    #[must_use]
    pub fn targets(&self) -> &[f64] {
        &self.targets
    }

    fn select(&self, rows: &[usize]) -> Self {
        assert!(!rows.is_empty(), "predictions have at least one row");
        let of = |numbers: &[f64]| rows.iter().map(|&row| numbers[row]).collect();
        Self { values: of(&self.values), targets: of(&self.targets) }
    }
}

impl ClassPredictions {
    /// Predictions of `n_classes` classes from `probabilities` `[row, class]`, row after row, and the `targets` `[row]`.
    ///
    /// # Errors
    /// Fewer than two classes, no row, shapes that do not fit, a target that is no class, a probability outside
    /// `[0, 1]` or not finite, and a row whose probabilities do not add up to 1 within 0.001.
    pub fn new(n_classes: usize, probabilities: Vec<f32>, targets: Vec<usize>) -> Result<Self, PredictionsError> {
        if n_classes < 2 {
            return Err(PredictionsError::TooFewClasses { n_classes });
        }
        if targets.is_empty() {
            return Err(PredictionsError::NoRows);
        }
        if targets.len().checked_mul(n_classes) != Some(probabilities.len()) {
            return Err(PredictionsError::Shape {
                n_probabilities: probabilities.len(),
                n_rows: targets.len(),
                n_classes,
            });
        }
        if let Some((row, &target)) = targets.iter().enumerate().find(|&(_, &target)| target >= n_classes) {
            return Err(PredictionsError::Target { row, target, n_classes });
        }
        for (row, of_row) in probabilities.chunks_exact(n_classes).enumerate() {
            if let Some((class, &probability)) = of_row.iter().enumerate().find(|&(_, p)| !(0.0..=1.0).contains(p)) {
                return Err(PredictionsError::Probability { row, class, probability });
            }
            let sum: f64 = of_row.iter().map(|&p| f64::from(p)).sum();
            if (sum - 1.0).abs() > SUM_TOLERANCE {
                return Err(PredictionsError::Sum { row, sum });
            }
        }
        Ok(Self { n_classes, probabilities, targets })
    }

    /// Number of classes, at least 2.
    #[must_use]
    pub fn n_classes(&self) -> usize {
        self.n_classes
    }

    /// Number of rows, at least 1.
    #[must_use]
    pub fn n_rows(&self) -> usize {
        self.targets.len()
    }

    /// Probabilities `[row, class]`, row after row.
    #[must_use]
    pub fn probabilities(&self) -> &[f32] {
        &self.probabilities
    }

    /// True class of each row.
    #[must_use]
    pub fn targets(&self) -> &[usize] {
        &self.targets
    }

    /// The predictions of these rows, in this order, each as often as it is given.
    ///
    /// # Panics
    /// If there are none, or one is not there.
    #[must_use]
    pub fn select(&self, rows: &[usize]) -> Self {
        assert!(!rows.is_empty(), "predictions have at least one row");
        let of_row = |&row: &usize| &self.probabilities[row * self.n_classes..(row + 1) * self.n_classes];
        Self {
            n_classes: self.n_classes,
            probabilities: rows.iter().flat_map(of_row).copied().collect(),
            targets: rows.iter().map(|&row| self.targets[row]).collect(),
        }
    }

    /// The probability of `class` in every row.
    ///
    /// # Panics
    /// If `class` is not below [`ClassPredictions::n_classes`].
    pub fn scores(&self, class: usize) -> impl Iterator<Item = f32> + '_ {
        assert!(class < self.n_classes, "class {class} is none of {} classes", self.n_classes);
        self.probabilities.iter().skip(class).step_by(self.n_classes).copied()
    }

    /// The class decided for every row. Of two classes it is class 1 where its probability is at least `threshold`;
    /// of more it is the most probable one, the lowest of those that tie, and `threshold` has no effect.
    pub fn decisions(&self, threshold: f64) -> impl Iterator<Item = usize> + '_ {
        self.probabilities.chunks_exact(self.n_classes).map(move |of_row| decide(of_row, threshold))
    }
}

/// The class decided for a row with these probabilities, one a class: the rule of [`ClassPredictions::decisions`].
#[must_use]
pub fn decide(of_row: &[f32], threshold: f64) -> usize {
    match of_row {
        [_, positive] => usize::from(f64::from(*positive) >= threshold),
        _ => most_probable(of_row),
    }
}

/// The class of the largest of these probabilities, of those that tie the lowest.
pub(super) fn most_probable(of_row: &[f32]) -> usize {
    (1..of_row.len()).fold(0, |best, class| if of_row[class] > of_row[best] { class } else { best })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn each_broken_rule_has_its_message() {
        let message = |n_classes, probabilities: &[f32], targets: &[usize]| {
            Predictions::new(n_classes, probabilities.to_vec(), targets.to_vec()).unwrap_err().to_string()
        };
        assert_eq!(
            message(1, &[1.0], &[0]),
            "there are 1 classes, but predictions need at least 2; give one column to each class"
        );
        assert_eq!(message(2, &[], &[]), "there are no predictions; a metric needs at least one row");
        assert_eq!(
            message(2, &[0.5, 0.5, 1.0], &[0, 1]),
            "there are 3 probabilities for 2 targets and 2 classes; give 2 probabilities to each target"
        );
        assert_eq!(
            message(2, &[0.5, 0.5], &[2]),
            "the target of row 0 is 2, but the classes are 0 to 1; correct the target"
        );
        assert_eq!(
            message(2, &[0.5, 0.5, f32::NAN, 0.5], &[0, 1]),
            "the probability of class 0 in row 1 is NaN, but it must lie in 0 to 1; \
             a model that diverged gives such numbers"
        );
        assert_eq!(
            message(2, &[0.25, 0.5], &[0]),
            "the probabilities of row 0 add up to 0.75, but must add up to 1; normalise them"
        );
    }

    #[test]
    fn each_broken_rule_of_numbers_has_its_message() {
        let message = |values: &[f64], targets: &[f64]| {
            Predictions::of_numbers(values.to_vec(), targets.to_vec()).unwrap_err().to_string()
        };
        assert_eq!(message(&[], &[]), "there are no predictions; a metric needs at least one row");
        assert_eq!(message(&[1.0], &[1.0, 2.0]), "there are 1 numbers for 2 targets; give one to each");
        assert_eq!(
            message(&[1.0, f64::INFINITY], &[1.0, 2.0]),
            "the prediction of row 1 is inf, but it must be finite; a model that diverged gives such numbers"
        );
        assert_eq!(
            message(&[1.0], &[f64::NAN]),
            "the target of row 0 is NaN, but it must be finite; a model that diverged gives such numbers"
        );
    }

    #[test]
    fn a_score_equal_to_the_threshold_is_positive() {
        let predictions = ClassPredictions::new(2, vec![0.75, 0.25, 0.5, 0.5, 0.25, 0.75], vec![0, 1, 1]).unwrap();
        assert_eq!(predictions.decisions(0.5).collect::<Vec<_>>(), [0, 1, 1]);
        assert_eq!(predictions.decisions(0.75).collect::<Vec<_>>(), [0, 0, 1]);
        assert_eq!(predictions.scores(1).collect::<Vec<_>>(), [0.25, 0.5, 0.75]);
    }

    #[test]
    fn rows_are_selected_in_any_order_and_more_than_once() {
        let predictions = Predictions::new(2, vec![0.75, 0.25, 0.5, 0.5, 0.25, 0.75], vec![0, 1, 1]).unwrap();
        let selected = predictions.select(&[2, 0, 2]);
        assert_eq!(selected, Predictions::new(2, vec![0.25, 0.75, 0.75, 0.25, 0.25, 0.75], vec![1, 0, 1]).unwrap());
    }

    #[test]
    fn a_tie_among_more_classes_goes_to_the_lowest() {
        let predictions = ClassPredictions::new(3, vec![0.2, 0.4, 0.4, 0.4, 0.2, 0.4], vec![0, 1]).unwrap();
        assert_eq!(predictions.decisions(0.9).collect::<Vec<_>>(), [1, 0]);
    }
}
