//! Charts as SVG: scales and their ticks, a frame with axes, and marks whose look is a matter of classes.
//!
//! A mark has a class and no colour. In the page the classes refer to CSS variables, so that light, dark and paper restyle a
//! chart that is written once; a chart in a file of its own carries the same rules with the colours of the light theme,
//! which [`raster`] draws into pixels, too. Nothing here knows what a chart is about.

mod axis;
mod frame;
pub(crate) mod raster;
mod scale;
mod svg;
mod theme;

pub(crate) use axis::Axis;
pub(crate) use frame::{Frame, Size};
pub(crate) use scale::{Scale, plain};
pub(crate) use svg::{Anchor, Svg, width_of};
pub(crate) use theme::{Paint, rules, variables};

use super::text::escape;

/// A finished chart.
#[derive(Clone, Debug)]
pub(crate) struct Chart {
    /// A part of the name of its file.
    pub(crate) name: String,
    /// What it shows, for those who cannot see it.
    pub(crate) title: String,
    pub(crate) width: f64,
    pub(crate) height: f64,
    pub(crate) body: String,
}

impl Chart {
    /// As a part of a page, which has the rules.
    pub(crate) fn inline(&self) -> String {
        let Self { title, width, height, body, .. } = self;
        format!(
            "<svg class=\"chart\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" role=\"img\" \
             aria-label=\"{}\">{body}</svg>",
            escape(title)
        )
    }

    /// As a file of its own, in the light theme.
    pub(crate) fn file(&self) -> String {
        let Self { title, width, height, body, .. } = self;
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
             height=\"{height}\"><title>{}</title><style>{}</style>\
             <rect class=\"paper\" width=\"{width}\" height=\"{height}\"/>{body}</svg>\n",
            escape(title),
            rules(Paint::Light)
        )
    }
}
