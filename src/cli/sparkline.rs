//! A curve as one line of text.

use crate::statistics::mean;

/// Characters of a curve at most; of a longer one each shows the mean of a part.
const WIDTH: usize = 40;

const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const ASCII: [char; 8] = ['_', '.', ':', '-', '=', '+', '*', '#'];

/// The values from the lowest to the highest, by blocks or, where the terminal knows ASCII alone, by signs of growing
/// weight; a blank where there is no value. A constant curve stands in the middle.
pub(super) fn sparkline(values: &[Option<f64>], is_utf8: bool) -> String {
    let shown = parts(values);
    let finite = || shown.iter().flatten().copied();
    let (low, high) = (finite().fold(f64::INFINITY, f64::min), finite().fold(f64::NEG_INFINITY, f64::max));
    let signs = if is_utf8 { BLOCKS } else { ASCII };
    let sign = |value: f64| {
        let share = if high > low { (value - low) / (high - low) } else { 0.5 };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is from 0 to 7")]
        let level = (share * 7.0).round() as usize;
        signs[level.min(7)]
    };
    shown.iter().map(|value| value.map_or(' ', sign)).collect()
}

/// At most [`WIDTH`] values: the mean of each of so many parts, as equal as they can be.
fn parts(values: &[Option<f64>]) -> Vec<Option<f64>> {
    let n = values.len().min(WIDTH);
    let part = |index: usize| {
        let range = index * values.len() / n..(index + 1) * values.len() / n;
        let there: Vec<f64> = values[range].iter().flatten().copied().filter(|value| value.is_finite()).collect();
        (!there.is_empty()).then(|| mean(&there))
    };
    (0..n).map(part).collect()
}

/// Whether the locale says that the terminal reads UTF-8.
pub(super) fn is_utf8() -> bool {
    let set = |name: &&str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(set).unwrap_or_default().to_lowercase();
    locale.contains("utf-8") || locale.contains("utf8")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(values: &[f64]) -> Vec<Option<f64>> {
        values.iter().copied().map(Some).collect()
    }

    #[test]
    fn the_lowest_is_the_lowest_sign_and_the_highest_the_highest() {
        let values = all(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]);
        assert_eq!(sparkline(&values, true), "▁▂▃▄▅▆▇█");
        assert_eq!(sparkline(&values, false), "_.:-=+*#");
        // 0.4 of 7 steps is nearer to the third step than to the second.
        assert_eq!(sparkline(&all(&[-1.0, -0.2, 1.0]), true), "▁▄█");
    }

    #[test]
    fn what_is_missing_is_blank_and_what_is_constant_in_the_middle() {
        assert_eq!(sparkline(&[Some(0.0), None, Some(f64::NAN), Some(1.0)], true), "▁  █");
        assert_eq!(sparkline(&all(&[0.5, 0.5]), true), "▅▅");
        assert_eq!(sparkline(&[], true), "");
    }

    #[test]
    fn long_curves_are_shown_by_the_means_of_their_parts() {
        let values: Vec<Option<f64>> = (0..400).map(|epoch| Some(f64::from(epoch / 200))).collect();
        assert_eq!(sparkline(&values, false), format!("{}{}", "_".repeat(20), "#".repeat(20)));
        let values: Vec<Option<f64>> = (0..41).map(|epoch| Some(f64::from(epoch))).collect();
        assert_eq!(sparkline(&values, false).chars().count(), 40);
    }
}
