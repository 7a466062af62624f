//! From values to places on an axis.

use crate::space::{Distribution, DistributionView};
use crate::value::Value;

/// A range of values along an axis.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Scale {
    /// Equal distances for equal differences.
    Linear { low: f64, high: f64 },
    /// Equal distances for equal ratios; both ends are positive.
    Log { low: f64, high: f64 },
    /// Named places in an order, in the middle of equal parts.
    Bands { labels: Vec<String> },
}

impl Scale {
    /// Linear over these values with a little room at both ends; one value stands in the middle.
    pub(crate) fn over(values: impl IntoIterator<Item = f64>) -> Self {
        let (low, high) = extent(values);
        let room = if high > low { 0.04 * (high - low) } else { (0.05 * low.abs()).max(0.5) };
        Self::Linear { low: low - room, high: high + room }
    }

    /// That of a parameter; a distribution without bounds is as wide as the values that were tried.
    pub(crate) fn of(distribution: &Distribution, tried: &[&Value]) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "distributions keep integers within 2^53")]
        let (low, high, log) = match distribution.kind() {
            DistributionView::Uniform { low, high, log, .. } => (*low, *high, *log),
            DistributionView::Int { low, high, log, .. } => (*low as f64, *high as f64, *log),
            DistributionView::Normal { log, .. } => {
                let (low, high) = extent(tried.iter().filter_map(|value| value.as_f64()));
                (low, high, *log)
            }
            DistributionView::Choice { options } | DistributionView::Ordinal { options } => {
                return Self::Bands { labels: options.iter().map(ToString::to_string).collect() };
            }
        };
        match (log && low > 0.0, high > low) {
            (true, true) => Self::Log { low, high },
            (_, true) => Self::Linear { low, high },
            (_, false) => Self::over([low]),
        }
    }

    /// Where a number lies, 0 at the lower and 1 at the upper end; what lies outside is at the nearer end.
    pub(crate) fn place(&self, x: f64) -> f64 {
        let part = match self {
            Self::Linear { low, high } => (x - low) / (high - low),
            Self::Log { low, high } => (x / low).ln() / (high / low).ln(),
            #[expect(clippy::cast_precision_loss, reason = "labels are few")]
            Self::Bands { labels } => (x + 0.5) / labels.len().max(1) as f64,
        };
        if part.is_nan() { 0.5 } else { part.clamp(0.0, 1.0) }
    }

    /// Where a decided value lies; none for one that the scale does not have.
    pub(crate) fn place_value(&self, value: &Value) -> Option<f64> {
        match self {
            Self::Bands { labels } => {
                let text = value.to_string();
                #[expect(clippy::cast_precision_loss, reason = "labels are few")]
                labels.iter().position(|label| *label == text).map(|index| self.place(index as f64))
            }
            Self::Linear { .. } | Self::Log { .. } => value.as_f64().map(|x| self.place(x)),
        }
    }

    /// Places with their labels, about `n` of them.
    pub(crate) fn ticks(&self, n: usize) -> Vec<(f64, String)> {
        match self {
            #[expect(clippy::cast_precision_loss, reason = "labels are few")]
            Self::Bands { labels } => {
                labels.iter().enumerate().map(|(index, label)| (self.place(index as f64), label.clone())).collect()
            }
            Self::Linear { low, high } => {
                linear_ticks(*low, *high, n).into_iter().map(|(x, label)| (self.place(x), label)).collect()
            }
            Self::Log { low, high } => {
                let mut powers: Vec<f64> = log_ticks(*low, *high);
                if powers.len() < 2 {
                    powers = vec![*low, *high];
                }
                let every = powers.len().div_ceil(n.max(2));
                powers.into_iter().step_by(every).map(|x| (self.place(x), plain(x))).collect()
            }
        }
    }
}

fn extent(values: impl IntoIterator<Item = f64>) -> (f64, f64) {
    let finite = values.into_iter().filter(|x| x.is_finite());
    let (low, high) = finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)));
    if low <= high { (low, high) } else { (0.0, 1.0) }
}

/// Multiples of 1, 2 or 5 times a power of ten, at most `n` steps apart.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a power of ten of a finite number")]
fn linear_ticks(low: f64, high: f64, n: usize) -> Vec<(f64, String)> {
    #[expect(clippy::cast_precision_loss, reason = "ticks are few")]
    let rough = (high - low) / n.max(1) as f64;
    if !rough.is_finite() || rough <= 0.0 {
        return Vec::new();
    }
    let power = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().find(|factor| factor * power >= rough * 0.999).unwrap_or(10.0) * power;
    let decimals = (-(step * 1.000_001).log10().floor()).max(0.0) as usize;
    let first = (low / step - 1e-9).ceil() * step;
    let ticks = std::iter::successors(Some(first), |x| Some(x + step)).take_while(|x| *x <= high + step * 1e-9);
    ticks.take(2 * n + 2).map(|x| (x, of_decimals(x, step, decimals))).collect()
}

fn of_decimals(x: f64, step: f64, decimals: usize) -> String {
    let x = if x.abs() < step * 1e-6 { 0.0 } else { x };
    if decimals > 6 || x.abs() >= 1e6 { plain(x) } else { format!("{x:.decimals$}") }
}

fn log_ticks(low: f64, high: f64) -> Vec<f64> {
    let decades = (high / low).log10();
    let factors: &[f64] = if decades < 1.5 { &[1.0, 2.0, 5.0] } else { &[1.0] };
    let first = low.log10().floor();
    let powers = std::iter::successors(Some(first), |power| Some(power + 1.0));
    let powers = powers.take_while(|power| *power <= high.log10() + 1e-9).take(700);
    let all = powers.flat_map(|power| factors.iter().map(move |factor| factor * 10_f64.powf(power)));
    all.filter(|x| *x >= low * 0.999_999 && *x <= high * 1.000_001).collect()
}

/// A number with few digits.
pub(crate) fn plain(x: f64) -> String {
    let size = x.abs();
    if x == 0.0 {
        return "0".to_owned();
    }
    if !(1e-3..1e5).contains(&size) {
        let text = format!("{x:.1e}");
        return text.replace(".0e", "e");
    }
    let decimals = if size >= 100.0 {
        0
    } else if size >= 1.0 {
        2
    } else {
        4
    };
    let text = format!("{x:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn labels(scale: &Scale, n: usize) -> Vec<String> {
        scale.ticks(n).into_iter().map(|(_, label)| label).collect()
    }

    #[test]
    fn ticks_are_round_numbers_inside_the_range() {
        assert_eq!(labels(&Scale::Linear { low: 0.0, high: 1.0 }, 5), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(labels(&Scale::Linear { low: 0.871, high: 0.884 }, 4), ["0.875", "0.880"]);
        assert_eq!(labels(&Scale::Linear { low: -3.0, high: 12.0 }, 4), ["0", "5", "10"]);
        assert_eq!(labels(&Scale::Log { low: 1e-5, high: 1e-1 }, 6), ["1e-5", "1e-4", "0.001", "0.01", "0.1"]);
        assert_eq!(labels(&Scale::Log { low: 20.0, high: 300.0 }, 6), ["20", "50", "100", "200"]);
        assert_eq!(labels(&Scale::Log { low: 3.0, high: 4.0 }, 6), ["3", "4"]);
    }

    #[test]
    fn places_go_by_differences_ratios_or_positions() {
        assert!((Scale::Log { low: 1e-4, high: 1.0 }.place(1e-2) - 0.5).abs() < 1e-12);
        assert!((Scale::Linear { low: 1.0, high: 3.0 }.place(1.5) - 0.25).abs() < 1e-12);
        assert_eq!(Scale::Linear { low: 1.0, high: 3.0 }.place(9.0), 1.0);
        let bands = Scale::Bands { labels: vec!["a".to_owned(), "b".to_owned()] };
        assert_eq!(bands.place_value(&Value::Text("b".to_owned())), Some(0.75));
        assert_eq!(bands.place_value(&Value::Text("c".to_owned())), None);
    }

    #[test]
    fn a_single_value_stands_in_the_middle_and_none_gives_a_scale_all_the_same() {
        assert_eq!(Scale::over([7.0]).place(7.0), 0.5);
        assert_eq!(Scale::over([]).place(0.5), 0.5);
        let fixed = Distribution::uniform(2.0, 2.0).unwrap();
        assert_eq!(Scale::of(&fixed, &[]).place(2.0), 0.5);
    }

    #[test]
    fn the_scale_of_a_parameter_is_that_of_its_distribution() {
        assert_eq!(
            Scale::of(&Distribution::log_uniform(1e-4, 1e-1).unwrap(), &[]),
            Scale::Log { low: 1e-4, high: 1e-1 }
        );
        assert_eq!(Scale::of(&Distribution::int(1, 3).unwrap(), &[]), Scale::Linear { low: 1.0, high: 3.0 });
        let normal = Distribution::normal(0.0, 1.0).unwrap();
        let (a, b) = (Value::Float(-2.0), Value::Float(1.0));
        assert_eq!(Scale::of(&normal, &[&a, &b]), Scale::Linear { low: -2.0, high: 1.0 });
    }
}
