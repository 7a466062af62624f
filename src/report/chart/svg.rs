//! Marks as SVG elements.

use std::fmt::Write as _;

use super::super::text::escape;

/// Which end of a text stands at its point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

/// Elements in the order in which they are drawn; lengths are pixels from the upper left corner.
#[derive(Clone, Debug, Default)]
pub(crate) struct Svg {
    pub(crate) text: String,
}

impl Svg {
    /// A straight line.
    pub(crate) fn line(&mut self, class: &str, from: (f64, f64), to: (f64, f64)) {
        self.path(class, &format!("M{} {}L{} {}", short(from.0), short(from.1), short(to.0), short(to.1)));
    }

    /// A line through points; nothing for fewer than two.
    pub(crate) fn polyline(&mut self, class: &str, points: &[(f64, f64)]) {
        if points.len() > 1 {
            self.path(class, &format!("M{}", joined(points)));
        }
    }

    /// A closed shape.
    pub(crate) fn polygon(&mut self, class: &str, points: &[(f64, f64)]) {
        if points.len() > 2 {
            self.path(class, &format!("M{}Z", joined(points)));
        }
    }

    /// Round dots: lines of no length, whose round ends the class draws. Thousands of them take a few bytes each.
    pub(crate) fn dots(&mut self, class: &str, points: &[(f64, f64)]) {
        if points.is_empty() {
            return;
        }
        let mut path = String::new();
        for (x, y) in points {
            let _ = write!(path, "M{} {}h.01", short(*x), short(*y));
        }
        self.path(class, &path);
    }

    /// Small crosses.
    pub(crate) fn crosses(&mut self, class: &str, points: &[(f64, f64)]) {
        let mut path = String::new();
        for (x, y) in points {
            let _ = write!(path, "M{} {}l5 5m0 -5l-5 5", short(x - 2.5), short(y - 2.5));
        }
        if !path.is_empty() {
            self.path(class, &path);
        }
    }

    /// Any path.
    pub(crate) fn path(&mut self, class: &str, path: &str) {
        let _ = write!(self.text, "<path class=\"{class}\" d=\"{path}\"/>");
    }

    /// A rectangle; `opacity` from 0 to 1 weakens its fill.
    pub(crate) fn rect(&mut self, class: &str, corner: (f64, f64), size: (f64, f64), opacity: Option<f64>) {
        let (x, y, width, height) = (short(corner.0), short(corner.1), short(size.0), short(size.1));
        let opacity =
            opacity.map_or_else(String::new, |opacity| format!(" fill-opacity=\"{}\"", (opacity * 1e3).round() / 1e3));
        let _ = write!(
            self.text,
            "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"{opacity}/>"
        );
    }

    /// A text on the line through its point.
    pub(crate) fn label(&mut self, class: &str, at: (f64, f64), anchor: Anchor, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "",
            Anchor::Middle => " text-anchor=\"middle\"",
            Anchor::End => " text-anchor=\"end\"",
        };
        let (x, y) = (short(at.0), short(at.1));
        let _ = write!(self.text, "<text class=\"t {class}\" x=\"{x}\" y=\"{y}\"{anchor}>{}</text>", escape(text));
    }

    /// A text that is read from below to above.
    pub(crate) fn upward(&mut self, at: (f64, f64), text: &str) {
        let (x, y) = (short(at.0), short(at.1));
        let _ =
            write!(self.text, "<text class=\"t\" transform=\"translate({x} {y}) rotate(-90)\">{}</text>", escape(text));
    }
}

fn joined(points: &[(f64, f64)]) -> String {
    let mut joined = String::new();
    for (index, (x, y)) in points.iter().enumerate() {
        let _ = write!(joined, "{}{} {}", if index == 0 { "" } else { "L" }, short(*x), short(*y));
    }
    joined
}

/// To a tenth of a pixel.
fn short(length: f64) -> String {
    let tenths = (length * 10.0).round() / 10.0 + 0.0;
    format!("{tenths}")
}

/// The width of a text of 11 pixels, rather too much: the page's font is not known.
pub(crate) fn width_of(text: &str) -> f64 {
    let of = |character: char| match character {
        'i' | 'j' | 'l' | 'I' | '.' | ',' | ':' | '\'' | '|' | '(' | ')' | ' ' | 'f' | 't' | 'r' => 4.2,
        'm' | 'w' | 'M' | 'W' | '@' | '%' => 9.8,
        capital if capital.is_uppercase() => 7.6,
        wide if !wide.is_ascii() => 11.0,
        _ => 6.5,
    };
    text.chars().map(of).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coordinates_are_short_and_texts_are_escaped() {
        let mut svg = Svg::default();
        svg.dots("dots", &[(1.04, 2.0), (-0.01, 3.26)]);
        svg.label("ink", (1.0, 2.0), Anchor::End, "<a>");
        svg.polyline("one", &[(0.0, 0.0)]);
        assert_eq!(
            svg.text,
            "<path class=\"dots\" d=\"M1 2h.01M0 3.3h.01\"/>\
             <text class=\"t ink\" x=\"1\" y=\"2\" text-anchor=\"end\">&lt;a&gt;</text>"
        );
    }
}
