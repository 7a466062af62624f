//! Two samples of regrets against each other.

/// How one sample stands against another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Comparison {
    /// Probability that a number of the first is below one of the second; ties count half.
    pub(crate) chance: f64,
    /// Two-sided p-value of the Mann-Whitney U test that neither tends to be smaller: normal approximation with
    /// the correction for ties, without one for continuity. 1 if all numbers are equal.
    pub(crate) p: f64,
}

/// Compares two samples, neither of them empty.
#[expect(clippy::cast_precision_loss, reason = "a few hundred numbers")]
pub(crate) fn compare(ours: &[f64], theirs: &[f64]) -> Comparison {
    let wins =
        |a: &f64| theirs.iter().map(|b| if a < b { 1.0 } else { f64::from(u8::from(a == b)) / 2.0 }).sum::<f64>();
    let (n, m) = (ours.len() as f64, theirs.len() as f64);
    let u = ours.iter().map(wins).sum::<f64>();
    let mut all: Vec<f64> = ours.iter().chain(theirs).copied().collect();
    all.sort_by(f64::total_cmp);
    let ties: f64 = all.chunk_by(|a, b| a == b).map(|run| (run.len() as f64).powi(3) - run.len() as f64).sum();
    let total = n + m;
    let variance = n * m / 12.0 * (total + 1.0 - ties / (total * (total - 1.0)));
    let p = if variance > 0.0 { libm::erfc((u - n * m / 2.0).abs() / (2.0 * variance).sqrt()) } else { 1.0 };
    Comparison { chance: u / (n * m), p }
}

/// The middle number, the mean of the two middle ones of an even count.
pub(crate) fn median(numbers: &[f64]) -> f64 {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    let half = sorted.len() / 2;
    if sorted.len().is_multiple_of(2) { (sorted[half - 1] + sorted[half]) / 2.0 } else { sorted[half] }
}
