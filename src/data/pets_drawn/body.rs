//! The body behind the head: sitting, or lying on the belly.

use super::canvas::{Canvas, Colour};
use super::coat::{Coat, Part};
use super::geometry::{Frame, Point, Shape, at, capsule, ellipse};
use super::traits::{Traits, between};
use crate::seed::Stream;

/// How the body is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pose {
    /// Upright on the haunches, head on top.
    Sitting,
    /// On the belly, the body to one side of the head.
    Lying,
}

/// Paints bodies in a frame with the head's middle at the origin and the head's radius as unit.
pub(super) struct Body<'a> {
    pub(super) canvas: &'a mut Canvas,
    pub(super) frame: Frame,
    pub(super) traits: &'a Traits,
    pub(super) coat: &'a Coat,
}

impl Body<'_> {
    /// Paints tail, trunk, legs and, sometimes, a collar.
    pub(super) fn paint(mut self, pose: Pose, stream: &mut Stream) {
        match pose {
            Pose::Sitting => self.sitting(stream),
            Pose::Lying => self.lying(stream),
        }
        if stream.chance(0.3) {
            let colours = [[0.80, 0.15, 0.15], [0.15, 0.35, 0.75], [0.15, 0.55, 0.30], [0.85, 0.70, 0.20]];
            self.collar(colours[stream.below(colours.len())]);
        }
    }

    fn fur(&mut self, part: Part, shape: &Shape, bulge: f32) {
        let coat = self.coat;
        self.canvas.fill(&self.frame, shape, 1.0, |p, d| coat.paint(part, p, d, bulge));
    }

    fn sitting(&mut self, stream: &mut Stream) {
        let width = between(stream, 0.82, 1.05);
        let height = between(stream, 2.3, 2.9);
        self.shadow(at(0.0, height + 0.1), 1.6);
        self.tail(at(0.7 * width, height - 0.15), stream);
        for side in [-1.0, 1.0] {
            let haunch = ellipse(at(side * 0.72 * width, height - 0.55), 0.55, 0.68);
            self.fur(Part::Body, &haunch, 0.5);
            let foot = ellipse(at(side * 0.85 * width, height + 0.05), 0.38, 0.18);
            self.fur(Part::Paw, &foot, 0.2);
        }
        let trunk = capsule(at(0.0, 0.6), at(0.0, height - 0.75), [0.62 * width, 0.88 * width]);
        self.fur(Part::Body, &trunk, 0.8);
        for side in [-1.0, 1.0] {
            let shoulder = at(side * 0.40 * width, height - 1.3);
            let foot = at(side * 0.36 * width, height);
            self.leg(shoulder, foot);
        }
    }

    fn lying(&mut self, stream: &mut Stream) {
        let length = between(stream, 1.5, 2.1);
        let back = between(stream, 0.75, 0.95);
        self.shadow(at(length * 0.6, 1.6), 2.2);
        self.tail(at(length * 1.65, 1.2), stream);
        let trunk = ellipse(at(length * 0.75, 1.55 - back), length, back);
        self.fur(Part::Body, &trunk, 0.8);
        let haunch = ellipse(at(length * 1.35, 1.55 - back * 0.75), 0.62, back * 0.75);
        self.fur(Part::Body, &haunch, 0.5);
        self.leg(at(length, 1.45), at(length * 0.75, 1.5));
        let chest = ellipse(at(0.15, 0.85), 0.8, 0.75);
        self.fur(Part::Body, &chest, 0.7);
        for side in [-1.0, 1.0] {
            self.leg(at(side * 0.35, 1.15), at(side * 0.42 - 0.25, 1.5));
        }
    }

    fn leg(&mut self, from: Point, to: Point) {
        let width = self.traits.leg_width;
        self.fur(Part::Body, &capsule(from, to, [width * 1.1, width]), width);
        let paw = ellipse(to + at(0.0, 0.04), width * 1.3, width * 0.85);
        self.fur(Part::Paw, &paw, width);
    }

    /// A curve from `root` outwards and up, as a chain of short lines.
    fn tail(&mut self, root: Point, stream: &mut Stream) {
        let (length, width) = (self.traits.tail_length, self.traits.tail_width);
        let bend = root + at(length * between(stream, 0.5, 0.9), 0.1);
        let tip = bend + at(length * between(stream, -0.4, 0.4), -length * 0.8);
        let curve = |t: f32| root.towards(bend, t).towards(bend.towards(tip, t), t);
        let taper = |t: f32| width * (1.0 - 0.35 * t);
        for step in 0..8_u8 {
            let (t, next) = (f32::from(step) / 8.0, f32::from(step + 1) / 8.0);
            let link = capsule(curve(t), curve(next), [taper(t), taper(next)]);
            self.fur(Part::Body, &link, width);
        }
    }

    fn shadow(&mut self, under: Point, width: f32) {
        let shadow = ellipse(under, width, 0.3);
        self.canvas.fill_soft(&self.frame, &shadow, 0.25, 0.35, |_, _| [0.05, 0.04, 0.04]);
    }

    fn collar(&mut self, colour: Colour) {
        let band = capsule(at(-0.5, 0.92), at(0.5, 0.92), [0.09, 0.09]);
        self.canvas.fill(&self.frame, &band, 1.0, |_, _| colour);
        let tag = ellipse(at(0.0, 1.05), 0.11, 0.11);
        self.canvas.fill(&self.frame, &tag, 1.0, |_, _| [0.85, 0.75, 0.35]);
    }
}
