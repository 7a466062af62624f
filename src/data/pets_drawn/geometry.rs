//! Points, frames and the signed distances of the shapes an animal is made of.
//!
//! Only additions, products, quotients and square roots are used here, and `libm` for angles, so that a
//! picture has the same bits on every host.

use std::ops::{Add, Mul, Sub};

/// A point or a vector; x grows to the right, y grows downwards.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Point {
    pub(super) x: f32,
    pub(super) y: f32,
}

/// The point `(x, y)`.
pub(super) const fn at(x: f32, y: f32) -> Point {
    Point { x, y }
}

impl Point {
    pub(super) fn dot(self, other: Self) -> f32 {
        self.x * other.x + self.y * other.y
    }

    pub(super) fn length(self) -> f32 {
        self.dot(self).sqrt()
    }

    /// Turned by `angle` radians, from the x axis towards the y axis.
    pub(super) fn turned(self, angle: f32) -> Self {
        let (sin, cos) = (libm::sinf(angle), libm::cosf(angle));
        at(self.x * cos - self.y * sin, self.x * sin + self.y * cos)
    }

    /// This point at `t` = 0, `other` at `t` = 1.
    pub(super) fn towards(self, other: Self, t: f32) -> Self {
        self + (other - self) * t
    }
}

impl Add for Point {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        at(self.x + other.x, self.y + other.y)
    }
}

impl Sub for Point {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        at(self.x - other.x, self.y - other.y)
    }
}

impl Mul<f32> for Point {
    type Output = Self;
    fn mul(self, factor: f32) -> Self {
        at(self.x * factor, self.y * factor)
    }
}

/// Places a drawing in the picture, whose own coordinates run from -1 to 1 both ways: the drawing is
/// mirrored or not, scaled, turned and moved.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    origin: Point,
    scale: f32,
    sin: f32,
    cos: f32,
    mirrored: bool,
}

impl Frame {
    /// The frame of the picture itself.
    pub(super) const PICTURE: Self = Self { origin: at(0.0, 0.0), scale: 1.0, sin: 0.0, cos: 1.0, mirrored: false };

    /// A frame with its origin at `origin`, `scale` picture units to one unit, turned by `angle` radians.
    pub(super) fn new(origin: Point, scale: f32, angle: f32, mirrored: bool) -> Self {
        Self { origin, scale, sin: libm::sinf(angle), cos: libm::cosf(angle), mirrored }
    }

    /// Picture units to one unit of this frame.
    pub(super) fn scale(&self) -> f32 {
        self.scale
    }

    /// From this frame to the picture.
    pub(super) fn to_picture(self, p: Point) -> Point {
        let x = if self.mirrored { -p.x } else { p.x };
        let turned = at(x * self.cos - p.y * self.sin, x * self.sin + p.y * self.cos);
        self.origin + turned * self.scale
    }

    /// From the picture to this frame.
    pub(super) fn to_local(self, p: Point) -> Point {
        let q = (p - self.origin) * (1.0 / self.scale);
        let x = q.x * self.cos + q.y * self.sin;
        let y = q.y * self.cos - q.x * self.sin;
        at(if self.mirrored { -x } else { x }, y)
    }
}

/// A shape that knows how far a point is from its edge.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shape {
    /// An ellipse with half axes `radii`, turned by `angle`.
    Ellipse { centre: Point, radii: Point, angle: f32 },
    /// A triangle whose edge lies `round` outside the straight one.
    Triangle { corners: [Point; 3], round: f32 },
    /// A line from one point to another that changes its half width on the way.
    Capsule { ends: [Point; 2], radii: [f32; 2] },
    /// A rectangle with half sides `half`, turned by `angle`.
    Rectangle { centre: Point, half: Point, angle: f32 },
}

/// An upright ellipse.
pub(super) const fn ellipse(centre: Point, rx: f32, ry: f32) -> Shape {
    Shape::Ellipse { centre, radii: at(rx, ry), angle: 0.0 }
}

/// A line that changes its half width from `radii[0]` to `radii[1]`.
pub(super) const fn capsule(from: Point, to: Point, radii: [f32; 2]) -> Shape {
    Shape::Capsule { ends: [from, to], radii }
}

impl Shape {
    /// Distance of `p` from the edge, negative inside. Exact for triangles and rectangles, a first-order
    /// approximation near the edge for the others, which is where it is used.
    pub(super) fn distance(&self, p: Point) -> f32 {
        match *self {
            Self::Ellipse { centre, radii, angle } => {
                let q = unturned(p - centre, angle);
                let unit = at(q.x / radii.x, q.y / radii.y);
                let gradient = at(unit.x / radii.x, unit.y / radii.y);
                let (level, steepness) = (unit.length(), gradient.length());
                if steepness > 1e-6 { level * (level - 1.0) / steepness } else { -radii.x.min(radii.y) }
            }
            Self::Triangle { corners, round } => triangle_distance(corners, p) - round,
            Self::Capsule { ends, radii } => {
                let t = along(ends[0], ends[1], p);
                (p - ends[0].towards(ends[1], t)).length() - (radii[0] + (radii[1] - radii[0]) * t)
            }
            Self::Rectangle { centre, half, angle } => {
                let q = unturned(p - centre, angle);
                let over = at(q.x.abs() - half.x, q.y.abs() - half.y);
                at(over.x.max(0.0), over.y.max(0.0)).length() + over.x.max(over.y).min(0.0)
            }
        }
    }

    /// A circle around the shape: its centre and its radius.
    pub(super) fn bounds(&self) -> (Point, f32) {
        match *self {
            Self::Ellipse { centre, radii, .. } => (centre, radii.x.max(radii.y)),
            Self::Triangle { corners, round } => {
                let centre = (corners[0] + corners[1] + corners[2]) * (1.0 / 3.0);
                let reach = corners.iter().map(|&c| (c - centre).length());
                (centre, reach.fold(0.0, f32::max) + round)
            }
            Self::Capsule { ends, radii } => {
                (ends[0].towards(ends[1], 0.5), 0.5 * (ends[1] - ends[0]).length() + radii[0].max(radii[1]))
            }
            Self::Rectangle { centre, half, .. } => (centre, half.length()),
        }
    }
}

fn unturned(p: Point, angle: f32) -> Point {
    if angle == 0.0 { p } else { p.turned(-angle) }
}

/// Where between `a` (0) and `b` (1) the point nearest to `p` lies.
fn along(a: Point, b: Point, p: Point) -> f32 {
    let line = b - a;
    ((p - a).dot(line) / line.dot(line).max(1e-12)).clamp(0.0, 1.0)
}

/// Distance to the nearest edge; the point is inside when it lies on the same side of all three.
fn triangle_distance(corners: [Point; 3], p: Point) -> f32 {
    let mut nearest = f32::INFINITY;
    let mut left = 0;
    for (a, b) in [(0, 1), (1, 2), (2, 0)].map(|(i, j)| (corners[i], corners[j])) {
        nearest = nearest.min((p - a.towards(b, along(a, b, p))).length());
        let (line, to) = (b - a, p - a);
        if line.x * to.y - line.y * to.x > 0.0 {
            left += 1;
        }
    }
    if left == 0 || left == 3 { -nearest } else { nearest }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f32, b: f32) -> bool {
        (a - b).abs() < 1e-4
    }

    #[test]
    fn distances_on_the_axes_are_the_plain_ones() {
        let egg = ellipse(at(1.0, 0.0), 2.0, 1.0);
        assert!(close(egg.distance(at(4.0, 0.0)), 1.0));
        assert!(close(egg.distance(at(3.0, 0.0)), 0.0));
        assert!(egg.distance(at(1.0, 0.0)) < 0.0);
        let corners = [at(0.0, 0.0), at(4.0, 0.0), at(0.0, 3.0)];
        let triangle = Shape::Triangle { corners, round: 0.0 };
        assert!(close(triangle.distance(at(1.0, 1.0)), -1.0));
        assert!(close(triangle.distance(at(-3.0, -4.0)), 5.0));
        assert!(close(Shape::Triangle { corners, round: 0.5 }.distance(at(1.0, -1.0)), 0.5));
        let line = capsule(at(0.0, 0.0), at(2.0, 0.0), [0.2, 0.4]);
        assert!(close(line.distance(at(1.0, 1.0)), 0.7));
        let board = Shape::Rectangle { centre: at(0.0, 0.0), half: at(2.0, 1.0), angle: std::f32::consts::FRAC_PI_2 };
        assert!(close(board.distance(at(3.0, 0.0)), 2.0));
        assert!(close(board.distance(at(0.0, 1.5)), -0.5));
    }

    #[test]
    fn a_frame_is_undone_by_its_inverse() {
        for mirrored in [false, true] {
            let frame = Frame::new(at(0.3, -0.2), 0.4, 0.7, mirrored);
            let p = at(0.9, -1.3);
            let back = frame.to_local(frame.to_picture(p));
            assert!(close(back.x, p.x) && close(back.y, p.y), "{back:?}");
        }
        let turned = Frame::new(at(1.0, 0.0), 2.0, std::f32::consts::FRAC_PI_2, true);
        let p = turned.to_picture(at(1.0, 0.0));
        assert!(close(p.x, 1.0) && close(p.y, -2.0), "{p:?}");
    }

    #[test]
    fn the_bounding_circle_holds_the_whole_shape() {
        let shapes = [
            ellipse(at(0.1, 0.2), 0.5, 0.9),
            Shape::Triangle { corners: [at(0.0, 0.0), at(1.0, 0.2), at(0.3, 0.8)], round: 0.1 },
            capsule(at(-0.5, 0.0), at(0.5, 0.3), [0.3, 0.1]),
            Shape::Rectangle { centre: at(0.0, 0.4), half: at(0.2, 0.7), angle: 0.4 },
        ];
        for shape in shapes {
            let (centre, radius) = shape.bounds();
            for step in 0..10_000_u16 {
                let p = at(f32::from(step % 100) * 0.03 - 1.5, f32::from(step / 100) * 0.03 - 1.5);
                if shape.distance(p) < 0.0 {
                    assert!((p - centre).length() <= radius + 1e-4, "{shape:?} {p:?}");
                }
            }
        }
    }
}
