//! The head. Its features sit on a ball that turns to the side and nods, so that a muzzle seen from the side
//! stands out and the far eye comes close to the rim.

use super::canvas::{Canvas, Colour, mix, shade, smooth};
use super::coat::{Coat, Part};
use super::geometry::{Frame, Point, Shape, at, capsule, ellipse};
use super::traits::{Ears, Traits};

/// Where the head looks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gaze {
    /// Turn to the side, in radians; 0 looks at us.
    pub(super) yaw: f32,
    /// Nod, in radians; positive looks down.
    pub(super) nod: f32,
    /// Eyes shut.
    pub(super) asleep: bool,
}

impl Gaze {
    /// Where a place on the head is seen, and its depth towards us. `z` is 0 in the plane of the picture
    /// and 1 at the front of the head.
    fn project(&self, x: f32, y: f32, z: f32) -> (Point, f32) {
        let (sin, cos) = (libm::sinf(self.yaw), libm::cosf(self.yaw));
        let (side, front) = (x * cos + z * sin, z * cos - x * sin);
        let (sin, cos) = (libm::sinf(self.nod), libm::cosf(self.nod));
        (at(side, y * cos + front * sin), front * cos - y * sin)
    }

    fn see(&self, x: f32, y: f32, z: f32) -> Point {
        self.project(x, y, z).0
    }
}

/// Everything the parts of a head are painted with.
pub(super) struct Head<'a> {
    pub(super) canvas: &'a mut Canvas,
    pub(super) frame: Frame,
    pub(super) traits: &'a Traits,
    pub(super) coat: &'a Coat,
    pub(super) gaze: Gaze,
}

impl Head<'_> {
    /// Paints the head around the origin of its frame.
    pub(super) fn paint(mut self) {
        if self.traits.ears != Ears::Hanging {
            self.ears();
        }
        self.skull();
        if self.traits.ears == Ears::Hanging {
            self.ears();
        }
        self.eyes();
        self.muzzle();
    }

    fn fur(&mut self, part: Part, shape: &Shape, bulge: f32) {
        let coat = self.coat;
        self.canvas.fill(&self.frame, shape, 1.0, |p, d| coat.paint(part, p, d, bulge));
    }

    fn flat(&mut self, shape: &Shape, alpha: f32, colour: Colour) {
        self.canvas.fill(&self.frame, shape, alpha, |_, _| colour);
    }

    fn skull(&mut self) {
        let t = self.traits;
        for side in [-1.0, 1.0] {
            let cheek = self.gaze.see(side * 0.55 * t.head_width, 0.32, 0.2);
            self.fur(Part::Head, &ellipse(cheek, 0.38 + t.cheeks * 0.4, 0.34 + t.cheeks * 0.3), 0.5);
        }
        let skull = ellipse(at(0.0, 0.0), t.head_width, t.head_height);
        self.fur(Part::Head, &skull, 0.9);
    }

    fn ears(&mut self) {
        let t = *self.traits;
        for side in [-1.0, 1.0] {
            let root = self.gaze.see(side * 0.58 * t.head_width, -0.52 * t.head_height, 0.0);
            if t.ears == Ears::Hanging {
                let tip = root + at(side * 0.36, 0.25 + t.ear_length);
                let bend = root + at(side * 0.34, 0.05);
                self.fur(Part::Ear, &capsule(root, bend, [0.12, 0.22]), 0.3);
                let radii = [0.22, t.ear_width * 0.85];
                self.fur(Part::Ear, &capsule(bend, tip, radii), 0.3);
                continue;
            }
            let up = at(0.0, -1.0).turned(side * t.ear_lean);
            let across = at(-up.y, up.x) * t.ear_width;
            let length = if t.ears == Ears::Folded { 0.55 } else { 1.0 } * (t.ear_length + 0.1);
            let tip = root + up * length;
            let round = if t.ears == Ears::Round { 0.17 } else { 0.05 };
            let base = root - up * 0.15;
            let outer = [base - across, base + across, tip - up * round];
            self.fur(Part::Ear, &Shape::Triangle { corners: outer, round }, 0.35);
            if t.ears == Ears::Folded {
                let flap = [tip - across * 0.75, tip + across * 0.75, tip + at(side * 0.22, 0.48)];
                self.fur(Part::Ear, &Shape::Triangle { corners: flap, round: 0.07 }, 0.3);
                continue;
            }
            let middle = (outer[0] + outer[1] + outer[2]) * (1.0 / 3.0);
            let inner =
                Shape::Triangle { corners: outer.map(|corner| middle.towards(corner, 0.55)), round: round * 0.5 };
            let skin = mix(self.coat.line(), [0.86, 0.58, 0.56], 0.65);
            self.flat(&inner, 0.75, skin);
        }
    }

    fn eyes(&mut self) {
        let t = *self.traits;
        for side in [-1.0, 1.0] {
            let (eye, depth) = self.gaze.project(side * t.eye_distance, -0.10, 0.85);
            let narrow = (depth / 0.85).clamp(0.45, 1.0);
            let (rx, ry) = (t.eye_width * narrow, t.eye_width * 0.86);
            let lid = self.coat.line();
            if self.gaze.asleep {
                let (from, to) = (eye - at(rx, 0.0), eye + at(rx, 0.0));
                let below = eye + at(0.0, ry * 0.4);
                self.flat(&capsule(from, below, [0.04, 0.05]), 1.0, lid);
                self.flat(&capsule(below, to, [0.05, 0.04]), 1.0, lid);
                continue;
            }
            let almond =
                |grow: f32| Shape::Ellipse { centre: eye, radii: at(rx + grow, ry + grow), angle: -side * t.eye_slant };
            self.flat(&almond(0.055), 0.9, lid);
            self.flat(&almond(0.0), 1.0, self.coat.iris());
            let pupil = ellipse(eye, rx * t.pupil, ry * (0.55 + 0.45 * t.pupil).max(0.85));
            self.flat(&pupil, 1.0, [0.04, 0.03, 0.04]);
            let shine = ellipse(eye + at(-0.3 * rx, -0.35 * ry), rx * 0.24, rx * 0.24);
            self.flat(&shine, 0.95, [1.0, 1.0, 1.0]);
        }
    }

    fn muzzle(&mut self) {
        let t = *self.traits;
        let root = self.gaze.see(0.0, 0.28, 0.6);
        let tip = self.gaze.see(0.0, 0.40, 0.85 + t.muzzle_length);
        let width = t.muzzle_width;
        if t.tongue > 0.0 {
            let tongue = [tip + at(0.0, width * 0.7), tip + at(0.03, width * 0.9 + t.tongue)];
            self.flat(&capsule(tongue[0], tongue[1], [0.12, 0.14]), 1.0, [0.86, 0.42, 0.45]);
        }
        self.fur(Part::Muzzle, &capsule(root, tip, [width * 1.12, width * 0.85]), width);
        for side in [-1.0, 1.0] {
            let pad = ellipse(tip + at(side * width * 0.52, width * 0.28), width * 0.62, width * 0.52);
            self.fur(Part::Muzzle, &pad, width);
        }
        self.whiskers(tip);
        let nose = tip - at(0.0, width * 0.35);
        let line = self.coat.line();
        let lips = tip + at(0.0, width * 0.30);
        self.flat(&capsule(nose, lips, [0.03, 0.03]), 0.9, line);
        for side in [-1.0, 1.0] {
            let corner = lips + at(side * width * 0.62, width * 0.34);
            self.flat(&capsule(lips, corner, [0.03, 0.03]), 0.9, line);
        }
        let (w, h) = (t.nose_width, t.nose_width * 0.75);
        let round = t.nose_roundness * 0.45 * w;
        let corners = [nose + at(-w + round, -h + round), nose + at(w - round, -h + round), nose + at(0.0, h - round)];
        let colour = if t.pink_nose { [0.84, 0.50, 0.50] } else { self.coat.nose() };
        self.canvas.fill(&self.frame, &Shape::Triangle { corners, round }, 1.0, |p, _| {
            shade(colour, 1.3 - 0.5 * smooth(-h, h, p.y - nose.y))
        });
    }

    fn whiskers(&mut self, tip: Point) {
        let t = self.traits;
        if t.whiskers == 0.0 {
            return;
        }
        let colour = if self.coat.brightness() > 0.55 { [0.25, 0.22, 0.2] } else { [0.96, 0.96, 0.94] };
        for side in [-1.0, 1.0] {
            for row in [-1.0, 0.0, 1.0] {
                let from = tip + at(side * 0.25, 0.06 + row * 0.07);
                let to = from + at(side * 0.95, row * 0.22 - 0.04);
                self.flat(&capsule(from, to, [0.034, 0.018]), t.whiskers, colour);
            }
        }
    }
}
