//! A frame of two axes, and marks placed by values.

use super::svg::width_of;
use super::{Anchor, Axis, Chart, Scale, Svg};
use crate::report::text::shorten;

/// Outer size of a chart in pixels. A panel is as wide as a phone and stands beside others on a larger screen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Size {
    pub(crate) width: f64,
    pub(crate) height: f64,
}

impl Size {
    pub(crate) const PANEL: Self = Self { width: 350.0, height: 270.0 };
    pub(crate) const WIDE: Self = Self { width: 900.0, height: 340.0 };

    pub(crate) fn of_height(self, height: f64) -> Self {
        Self { height, ..self }
    }
}

/// Room around the marks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Margins {
    pub(crate) left: f64,
    pub(crate) right: f64,
    pub(crate) top: f64,
    pub(crate) bottom: f64,
}

/// Longest label beside an axis, in characters.
const LONGEST: usize = 26;

/// A chart that is being drawn.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    name: String,
    title: String,
    size: Size,
    margins: Margins,
    x: Scale,
    y: Scale,
    pub(crate) svg: Svg,
}

impl Frame {
    /// Draws title, grid and labels. The name of the vertical axis stands above it, where it need not be turned.
    pub(crate) fn new(name: impl Into<String>, title: impl Into<String>, size: Size, x: Axis, y: Axis) -> Self {
        let (name, title) = (name.into(), title.into());
        let y_ticks: Vec<(f64, String)> =
            y.scale.ticks(y.n_ticks).into_iter().map(|(at, label)| (at, shorten(&label, LONGEST))).collect();
        let widest = y_ticks.iter().map(|(_, label)| width_of(label)).fold(0.0, f64::max);
        let margins = Margins { left: widest.max(16.0) + 12.0, right: 14.0, top: 44.0, bottom: 42.0 };
        let mut frame = Self { name, title, size, margins, x: x.scale, y: y.scale, svg: Svg::default() };
        frame.title();
        let (left, right, top, bottom) = frame.edges();
        frame.svg.label("", (left, top - 10.0), Anchor::Start, &y.name);
        for (at, label) in &y_ticks {
            let height = bottom - at * (bottom - top);
            frame.svg.line("grid", (left, height), (right, height));
            frame.svg.label("", (left - 6.0, height + 3.8), Anchor::End, label);
        }
        frame.x_axis(x.n_ticks, &x.name);
        frame
    }

    /// Without axes: marks are placed in pixels.
    pub(crate) fn bare(name: impl Into<String>, title: impl Into<String>, size: Size) -> Self {
        let margins = Margins { left: 0.0, right: 0.0, top: 0.0, bottom: 0.0 };
        let unit = Scale::Linear { low: 0.0, high: 1.0 };
        let (name, title) = (name.into(), title.into());
        let mut frame = Self { name, title, size, margins, x: unit.clone(), y: unit, svg: Svg::default() };
        frame.title();
        frame
    }

    fn title(&mut self) {
        let title = shorten(&self.title, if self.size.width < 400.0 { 46 } else { 96 });
        self.svg.label("ttl", (2.0, 14.0), Anchor::Start, &title);
    }

    fn x_axis(&mut self, n_ticks: usize, name: &str) {
        let (left, right, _, bottom) = self.edges();
        self.svg.line("axis", (left, bottom), (right, bottom));
        let ticks = self.x.ticks(n_ticks);
        let room = (right - left) / f64::from(u32::try_from(ticks.len().max(1)).unwrap_or(u32::MAX));
        let is_named = matches!(self.x, Scale::Bands { .. });
        let mut end = f64::NEG_INFINITY;
        for (at, label) in ticks {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number of characters")]
            let label = if is_named { shorten(&label, (room / 6.6).max(2.0) as usize) } else { label };
            let x = left + at * (right - left);
            let half = width_of(&label) / 2.0;
            self.svg.line("axis", (x, bottom), (x, bottom + 4.0));
            // A label that would stand in the one before it is left out.
            if x - half > end + 3.0 {
                let middle = x.min(self.size.width - half - 1.0);
                self.svg.label("", (middle, bottom + 16.0), Anchor::Middle, &label);
                end = middle + half;
            }
        }
        self.svg.label("", ((left + right) / 2.0, bottom + 33.0), Anchor::Middle, name);
    }

    /// Left, right, top and bottom of where marks are.
    pub(crate) fn edges(&self) -> (f64, f64, f64, f64) {
        let Margins { left, right, top, bottom } = self.margins;
        (left, self.size.width - right, top, self.size.height - bottom)
    }

    /// The pixel of a pair of numbers.
    pub(crate) fn at(&self, x: f64, y: f64) -> (f64, f64) {
        self.at_places(self.x.place(x), self.y.place(y))
    }

    /// The pixel of places from 0 to 1.
    pub(crate) fn at_places(&self, x: f64, y: f64) -> (f64, f64) {
        let (left, right, top, bottom) = self.edges();
        (left + x * (right - left), bottom - y * (bottom - top))
    }

    /// A line through pairs of numbers.
    pub(crate) fn line(&mut self, class: &str, points: &[(f64, f64)]) {
        let points: Vec<(f64, f64)> = points.iter().map(|(x, y)| self.at(*x, *y)).collect();
        self.svg.polyline(class, &points);
    }

    /// Dots at pairs of numbers.
    pub(crate) fn dots(&mut self, class: &str, points: &[(f64, f64)]) {
        let points: Vec<(f64, f64)> = points.iter().map(|(x, y)| self.at(*x, *y)).collect();
        self.svg.dots(class, &points);
    }

    /// A label in the upper right corner, line after line from the top.
    pub(crate) fn key(&mut self, line: u8, class: &str, text: &str) {
        let (_, right, top, _) = self.edges();
        self.svg.label(class, (right, top - 10.0 + 14.0 * f64::from(line)), Anchor::End, text);
    }

    pub(crate) fn finish(self) -> Chart {
        let Self { name, title, size: Size { width, height }, svg, .. } = self;
        Chart { name, title, width, height, body: svg.text }
    }
}
