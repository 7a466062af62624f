//! The picture while it is painted: RGB in `[0, 1]`, shapes laid over each other with soft edges.

use super::geometry::{Frame, Point, Shape, at};
use crate::seed::Stream;

/// Red, green and blue; 0 is black, 1 is full.
pub(super) type Colour = [f32; 3];

/// `a` at `t` = 0, `b` at `t` = 1.
pub(super) fn mix(a: Colour, b: Colour, t: f32) -> Colour {
    std::array::from_fn(|c| a[c] + (b[c] - a[c]) * t)
}

/// `colour` made darker (`factor` below 1) or lighter.
pub(super) fn shade(colour: Colour, factor: f32) -> Colour {
    colour.map(|c| c * factor)
}

/// How bright a colour looks, in `[0, 1]`.
pub(super) fn brightness(colour: Colour) -> f32 {
    0.3 * colour[0] + 0.6 * colour[1] + 0.1 * colour[2]
}

/// 0 below `low`, 1 above `high`, a smooth step between.
pub(super) fn smooth(low: f32, high: f32, x: f32) -> f32 {
    let t = ((x - low) / (high - low)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

/// A square picture.
#[derive(Clone, Debug)]
pub(super) struct Canvas {
    size: usize,
    pixels: Vec<Colour>,
}

impl Canvas {
    /// A picture of `size` x `size` pixels, each painted by its place.
    pub(super) fn new(size: usize, paint: impl Fn(Point) -> Colour) -> Self {
        let pixels = (0..size * size).map(|i| paint(place(size, i % size, i / size))).collect();
        Self { size, pixels }
    }

    /// Width of a pixel in picture units.
    pub(super) fn pixel(&self) -> f32 {
        2.0 / self.size as f32
    }

    /// Lays a shape over the picture. `paint` gets the place in `frame` and the distance from the edge
    /// (negative, units of `frame`). The edge is one pixel wide.
    pub(super) fn fill(&mut self, frame: &Frame, shape: &Shape, alpha: f32, paint: impl Fn(Point, f32) -> Colour) {
        self.fill_soft(frame, shape, self.pixel(), alpha, paint);
    }

    /// As [`Canvas::fill`], with an edge `blur` picture units wide.
    pub(super) fn fill_soft(
        &mut self,
        frame: &Frame,
        shape: &Shape,
        blur: f32,
        alpha: f32,
        paint: impl Fn(Point, f32) -> Colour,
    ) {
        let (centre, radius) = shape.bounds();
        let centre = frame.to_picture(centre);
        let reach = radius * frame.scale() + blur;
        let index = |x: f32| ((x + 1.0) / self.pixel()).clamp(0.0, self.size as f32) as usize;
        let columns = index(centre.x - reach)..(index(centre.x + reach) + 1).min(self.size);
        let rows = index(centre.y - reach)..(index(centre.y + reach) + 1).min(self.size);
        for row in rows {
            for column in columns.clone() {
                let p = frame.to_local(place(self.size, column, row));
                let distance = shape.distance(p);
                let cover = (0.5 - distance * frame.scale() / blur).clamp(0.0, 1.0);
                if cover > 0.0 {
                    let pixel = &mut self.pixels[row * self.size + column];
                    *pixel = mix(*pixel, paint(p, distance), cover * alpha);
                }
            }
        }
    }

    /// Repaints every pixel from its place and what it was.
    pub(super) fn repaint(&mut self, paint: impl Fn(Point, Colour) -> Colour) {
        for (i, pixel) in self.pixels.iter_mut().enumerate() {
            *pixel = paint(place(self.size, i % self.size, i / self.size), *pixel);
        }
    }

    /// Blurs with the weights 1 2 1 along both axes; the border repeats.
    pub(super) fn blur(&mut self) {
        let last = self.size - 1;
        for (step, lines) in [(1, self.size), (self.size, 1)] {
            let before = self.pixels.clone();
            for line in 0..self.size {
                for i in 0..self.size {
                    let pixel = |j: usize| before[line * lines + j * step];
                    let (left, right) = (pixel(i.saturating_sub(1)), pixel((i + 1).min(last)));
                    self.pixels[line * lines + i * step] = mix(pixel(i), mix(left, right, 0.5), 0.5);
                }
            }
        }
    }

    /// Writes the picture as bytes `[size, size, 3]`, with triangular noise of half width `grain`.
    pub(super) fn develop(&self, grain: f32, stream: &mut Stream, out: &mut [u8]) {
        for (byte, value) in out.iter_mut().zip(self.pixels.iter().flatten()) {
            let bits = stream.bits();
            let unit = |half: u64| (half & 0xffff) as f32 / 65_536.0;
            let noise = unit(bits) + unit(bits >> 16) - 1.0;
            *byte = ((value + noise * grain).clamp(0.0, 1.0) * 255.0 + 0.5) as u8;
        }
    }
}

/// The middle of a pixel in picture units.
fn place(size: usize, column: usize, row: usize) -> Point {
    let step = 2.0 / size as f32;
    at((column as f32 + 0.5) * step - 1.0, (row as f32 + 0.5) * step - 1.0)
}

#[cfg(test)]
mod tests {
    use super::super::geometry::ellipse;
    use super::*;
    use crate::seed::Seed;

    fn bytes(canvas: &Canvas) -> Vec<u8> {
        let mut out = vec![0; canvas.size * canvas.size * 3];
        canvas.develop(0.0, &mut Seed::root(0).stream(), &mut out);
        out
    }

    #[test]
    fn a_disc_covers_its_area() {
        let mut canvas = Canvas::new(64, |_| [0.0; 3]);
        let disc = ellipse(at(0.0, 0.0), 0.5, 0.5);
        canvas.fill(&Frame::PICTURE, &disc, 1.0, |_, _| [1.0; 3]);
        let sum: f64 = bytes(&canvas).iter().map(|&b| f64::from(b) / 255.0).sum();
        let expected = std::f64::consts::PI * 16.0 * 16.0;
        assert!((sum / 3.0 - expected).abs() < 4.0, "{} {expected}", sum / 3.0);
    }

    #[test]
    fn shapes_outside_the_picture_change_nothing() {
        let mut canvas = Canvas::new(8, |_| [0.5; 3]);
        let before = bytes(&canvas);
        for x in [-3.0, 3.0] {
            let disc = ellipse(at(x, 0.0), 0.5, 0.5);
            canvas.fill(&Frame::PICTURE, &disc, 1.0, |_, _| [1.0; 3]);
        }
        assert_eq!(bytes(&canvas), before);
    }

    #[test]
    fn blur_keeps_the_light_and_spreads_a_dot() {
        let mut canvas = Canvas::new(5, |p| [f32::from(p.length() < 0.1); 3]);
        canvas.blur();
        let red: Vec<u8> = bytes(&canvas).chunks(3).map(|rgb| rgb[0]).collect();
        assert_eq!(red[12], 64);
        assert_eq!((red[11], red[7]), (32, 32));
        assert_eq!((red[6], red[2]), (16, 0));
    }
}
