//! Mean and spread.

/// The arithmetic mean; not a number without values.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "values are few")]
pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The standard deviation of the sample, with one degree less than values; none of fewer than two.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "values are few")]
pub fn standard_deviation(values: &[f64]) -> Option<f64> {
    let centre = mean(values);
    let squares: f64 = values.iter().map(|x| (x - centre) * (x - centre)).sum();
    (values.len() > 1).then(|| (squares / (values.len() - 1) as f64).sqrt())
}

/// Cohen's d of paired differences (d_z): their mean in units of their standard deviation (Cohen 1988). None of fewer than
/// two, or when they are all equal.
#[must_use]
pub fn cohens_d(differences: &[f64]) -> Option<f64> {
    standard_deviation(differences).filter(|std| *std > 0.0).map(|std| mean(differences) / std)
}
