//! What is around the animal: the background, things before it, the light and the camera.

use std::f32::consts::TAU;

use super::canvas::{Canvas, Colour, brightness, mix, shade, smooth};
use super::geometry::{Frame, Point, Shape, at, capsule, ellipse};
use super::noise::Noise;
use super::traits::between;
use crate::seed::Stream;

/// Any colour of middling saturation.
fn any_colour(stream: &mut Stream) -> Colour {
    let grey = between(stream, 0.15, 0.9);
    std::array::from_fn(|_| (grey + between(stream, -0.14, 0.14)).clamp(0.03, 0.97))
}

/// A colour that mostly stands out from fur of the given brightness.
fn backdrop(fur: f32, stream: &mut Stream) -> Colour {
    let colour = any_colour(stream);
    if stream.chance(0.1) || (brightness(colour) - fur).abs() > 0.25 {
        return colour;
    }
    if fur > 0.5 { shade(colour, 0.5) } else { mix(colour, [1.0; 3], 0.55) }
}

/// A background for an animal whose fur has the brightness `fur`: a wall, a room, a lawn or a tiled floor, and
/// some clutter.
pub(super) fn background(size: usize, fur: f32, stream: &mut Stream) -> Canvas {
    let (above, below) = (backdrop(fur, stream), backdrop(fur, stream));
    let horizon = between(stream, 0.0, 0.7);
    let field = Noise::new(stream.bits());
    let (turn, density) = (between(stream, 0.0, 3.2), between(stream, 1.5, 5.0));
    let strength = between(stream, 0.0, 0.14);
    let across = at(libm::cosf(turn), libm::sinf(turn));
    let gradient = move |p: Point| smooth(-1.3, 1.3, p.dot(across));
    let mut canvas = match stream.below(6) {
        0..=2 => Canvas::new(size, move |p| {
            let cloud = field.value(p * (density * 0.6)) - 0.5;
            shade(mix(above, below, gradient(p)), 1.0 + strength * cloud)
        }),
        3 => Canvas::new(size, move |p| {
            let stripe = smooth(-0.3, 0.3, libm::sinf(p.dot(across) * density * 4.0));
            let wall = shade(above, 1.0 - strength * stripe);
            let floor = shade(below, 0.8 + 0.2 * gradient(p));
            mix(wall, floor, smooth(-0.02, 0.02, p.y - horizon))
        }),
        4 => Canvas::new(size, move |p| {
            let blades = field.value(at(p.x * 14.0, p.y * 6.0));
            let grass = shade(mix(below, [0.32, 0.5, 0.2], 0.5), 0.7 + 0.6 * blades);
            let sky = mix(above, [0.62, 0.74, 0.88], 0.4 + 0.3 * gradient(p));
            let hill = horizon + 0.3 * (field.value(at(p.x * 1.5, 9.0)) - 0.5);
            mix(sky, grass, smooth(-0.03, 0.03, p.y - hill))
        }),
        _ => Canvas::new(size, move |p| {
            let q = p.turned(turn) * density;
            let odd = (q.x.floor() + q.y.floor()) as i32 % 2 != 0;
            shade(above, if odd { 1.0 - strength } else { 1.0 })
        }),
    };
    for _ in 0..stream.below(2) {
        let shape = clutter(stream);
        let colour = any_colour(stream);
        let blur = between(stream, 0.03, 0.15);
        let alpha = between(stream, 0.4, 0.9);
        canvas.fill_soft(&Frame::PICTURE, &shape, blur, alpha, |p, _| shade(colour, 1.0 - 0.15 * p.y));
    }
    canvas
}

/// Some thing lying around, anywhere in the picture.
fn clutter(stream: &mut Stream) -> Shape {
    let centre = at(between(stream, -1.0, 1.0), between(stream, -1.0, 1.0));
    let (rx, ry) = (between(stream, 0.08, 0.4), between(stream, 0.08, 0.4));
    let angle = between(stream, 0.0, 3.1);
    match stream.below(4) {
        0 => ellipse(centre, rx, ry),
        1 => Shape::Rectangle { centre, half: at(rx, ry), angle },
        2 => {
            let corners = [0.0, 2.1, 4.2].map(|a| centre + at(rx, 0.0).turned(a + angle));
            Shape::Triangle { corners, round: 0.03 }
        }
        _ => capsule(centre, centre + at(rx * 2.0, 0.0).turned(angle), [0.04, ry * 0.3]),
    }
}

/// Sometimes puts bars or a leaf before the animal, whose head is at `head`.
pub(super) fn occlude(canvas: &mut Canvas, head: Point, stream: &mut Stream) {
    if !stream.chance(0.15) {
        return;
    }
    let colour = any_colour(stream);
    let paint = |p: Point, distance: f32| shade(colour, 0.8 + (-distance).min(0.1) * 3.0 - 0.1 * p.x);
    let shift = between(stream, -0.5, 0.5);
    let angle = between(stream, -0.4, 0.4);
    if stream.chance(0.5) {
        let (gap, width) = (between(stream, 0.45, 0.8), between(stream, 0.03, 0.08));
        let long = at(0.0, 2.0).turned(angle);
        for bar in [-1.0, 0.0, 1.0] {
            let middle = at(shift + bar * gap, 0.0);
            let bar = capsule(middle - long, middle + long, [width, width]);
            canvas.fill(&Frame::PICTURE, &bar, 1.0, paint);
        }
        return;
    }
    for _ in 0..1 + stream.below(3) {
        let turn = between(stream, 0.0, TAU);
        let centre = head + at(between(stream, 0.25, 0.6), 0.0).turned(turn);
        let leaf = Shape::Ellipse {
            centre,
            radii: at(between(stream, 0.15, 0.35), between(stream, 0.08, 0.2)),
            angle: turn + angle,
        };
        canvas.fill(&Frame::PICTURE, &leaf, 1.0, paint);
    }
}

/// Light from one side, its colour, contrast and, sometimes, a lens out of focus.
pub(super) fn light(canvas: &mut Canvas, stream: &mut Stream) {
    let from = at(1.0, 0.0).turned(between(stream, 0.0, TAU));
    let fall = between(stream, 0.0, 0.3);
    let tint: Colour = std::array::from_fn(|_| between(stream, 0.92, 1.06));
    let exposure = between(stream, 0.9, 1.15);
    let contrast = between(stream, 0.85, 1.15);
    canvas.repaint(|p, colour| {
        let lit = exposure * (1.0 + fall * p.dot(from));
        std::array::from_fn(|c| (colour[c] * tint[c] * lit - 0.5) * contrast + 0.5)
    });
    if stream.chance(0.12) {
        canvas.blur();
    }
}
