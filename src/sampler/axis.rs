//! The coordinate on which a parameter is modelled: a line, or a set of options without an order.

use crate::space::{Distribution, DistributionView};

/// How a parameter is modelled.
#[derive(Clone, Debug)]
pub(super) enum Axis<'a> {
    /// A number.
    Line(Line<'a>),
    /// One of `count` options without an order, as its position.
    Options {
        /// Number of options.
        count: usize,
    },
}

/// A numeric coordinate: the internal number or, on a log scale, its natural logarithm.
#[derive(Clone, Debug)]
pub(super) struct Line<'a> {
    /// Where the value lies, with half a step added at each end of a grid; `None` for a normal.
    pub(super) bounds: Option<(f64, f64)>,
    /// Mean and standard deviation of the prior kernel.
    pub(super) prior: (f64, f64),
    /// Ends of the range over which kernels are spread: the bounds, or three sigma around a normal's mean.
    pub(super) span: (f64, f64),
    /// Width of a grid cell in internal numbers, `None` for a continuous parameter.
    pub(super) step: Option<f64>,
    log: bool,
    distribution: &'a Distribution,
}

impl<'a> Axis<'a> {
    /// The axis of a distribution.
    pub(super) fn new(distribution: &'a Distribution) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "distributions keep integers within 2^53")]
        let (low, high, step, log) = match distribution.kind() {
            DistributionView::Choice { options } => return Self::Options { count: options.len() },
            DistributionView::Normal { mu, sigma, log } => {
                return Self::Line(Line {
                    bounds: None,
                    prior: (*mu, *sigma),
                    span: (mu - 3.0 * sigma, mu + 3.0 * sigma),
                    step: None,
                    log: *log,
                    distribution,
                });
            }
            DistributionView::Uniform { low, high, step, log } => (*low, *high, *step, *log),
            DistributionView::Int { low, high, step, log } => (*low as f64, *high as f64, Some(*step as f64), *log),
            DistributionView::Ordinal { options } => (0.0, (options.len() - 1) as f64, Some(1.0), false),
        };
        let half = step.unwrap_or(0.0) / 2.0;
        let scale = |x: f64| if log { libm::log(x) } else { x };
        let (low, high) = (scale(low - half), scale(high + half));
        let prior = (low + (high - low) / 2.0, high - low);
        Self::Line(Line { bounds: Some((low, high)), prior, span: (low, high), step, log, distribution })
    }
}

impl Axis<'_> {
    /// The coordinate of an internal number; an option's position is its own.
    pub(super) fn coordinate(&self, internal: f64) -> f64 {
        match self {
            Self::Line(line) => line.coordinate(internal),
            Self::Options { .. } => internal,
        }
    }
}

impl Line<'_> {
    /// The coordinate of an internal number.
    pub(super) fn coordinate(&self, internal: f64) -> f64 {
        if self.log { libm::log(internal) } else { internal }
    }

    /// The ends of the grid cell around an internal number, in coordinates; `None` on a continuous line.
    pub(super) fn cell(&self, internal: f64) -> Option<(f64, f64)> {
        let half = self.step? / 2.0;
        Some((self.coordinate(internal - half), self.coordinate(internal + half)))
    }

    /// The internal number at a coordinate; not rounded to a grid.
    pub(super) fn to_internal(&self, coordinate: f64) -> f64 {
        if self.log { libm::exp(coordinate) } else { coordinate }
    }

    /// The internal number of the grid point or bound nearest to a coordinate.
    pub(super) fn nearest(&self, coordinate: f64) -> f64 {
        self.distribution.nearest(self.to_internal(coordinate))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::value::Value;

    fn line(distribution: &Distribution) -> Line<'_> {
        match Axis::new(distribution) {
            Axis::Line(line) => line,
            Axis::Options { .. } => unreachable!("a numeric distribution"),
        }
    }

    #[test]
    fn a_grid_has_half_a_step_more_at_each_end() {
        let int = Distribution::int(2, 8).unwrap().with_step(3.0).unwrap();
        let int = line(&int);
        assert_eq!((int.bounds, int.prior, int.step), (Some((0.5, 9.5)), (5.0, 9.0), Some(3.0)));
        let ordinal = Distribution::ordinal((0..4).map(Value::Int).collect()).unwrap();
        assert_eq!(line(&ordinal).bounds, Some((-0.5, 3.5)));
        let log = Distribution::log_int(1, 7).unwrap();
        let log = line(&log);
        assert_eq!(log.bounds, Some((libm::log(0.5), libm::log(7.5))));
        assert_eq!(log.nearest(libm::log(3.4)), 3.0);
    }

    #[test]
    fn a_continuous_line_ends_at_the_bounds() {
        let uniform = Distribution::uniform(-1.0, 3.0).unwrap();
        let uniform = line(&uniform);
        assert_eq!((uniform.bounds, uniform.prior), (Some((-1.0, 3.0)), (1.0, 4.0)));
        assert_eq!((uniform.step, uniform.span), (None, (-1.0, 3.0)));
    }

    #[test]
    fn a_normal_has_no_bounds_and_spans_six_sigma() {
        let normal = Distribution::log_normal(-2.0, 0.5).unwrap();
        let normal = line(&normal);
        assert_eq!((normal.bounds, normal.prior, normal.span), (None, (-2.0, 0.5), (-3.5, -0.5)));
        assert_eq!(normal.coordinate(1.0), 0.0);
    }
}
