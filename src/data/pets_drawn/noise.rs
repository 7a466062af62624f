//! Smooth random fields for fur, grass and walls.

use super::canvas::smooth;
use super::geometry::Point;

/// Value noise: a random number at every integer point, smoothly interpolated between them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Noise {
    salt: u32,
}

impl Noise {
    /// The field that belongs to `salt`.
    pub(super) fn new(salt: u64) -> Self {
        Self { salt: salt as u32 }
    }

    /// The field at `p`, in `[0, 1)`; it changes over a distance of 1.
    pub(super) fn value(&self, p: Point) -> f32 {
        let (left, top) = (p.x.floor(), p.y.floor());
        let (fx, fy) = (smooth(0.0, 1.0, p.x - left), smooth(0.0, 1.0, p.y - top));
        let (x, y) = (left as i32, top as i32);
        let row = |y: i32| {
            let (a, b) = (self.corner(x, y), self.corner(x.wrapping_add(1), y));
            a + (b - a) * fx
        };
        let (above, below) = (row(y), row(y.wrapping_add(1)));
        above + (below - above) * fy
    }

    /// The random number at an integer point: products with odd constants and shifted sums, until every
    /// input bit has reached the upper bits.
    fn corner(&self, x: i32, y: i32) -> f32 {
        let mut h = (x as u32).wrapping_mul(0x8da6_b343) ^ (y as u32).wrapping_mul(0xd816_3841) ^ self.salt;
        for factor in [0x9e37_79b1, 0x85eb_ca77, 0xc2b2_ae3d] {
            h = (h ^ (h >> 15)).wrapping_mul(factor);
        }
        (h >> 8) as f32 / 16_777_216.0
    }
}

#[cfg(test)]
mod tests {
    use super::super::geometry::at;
    use super::*;

    #[test]
    fn the_field_is_smooth_spread_out_and_depends_on_the_salt() {
        let noise = Noise::new(7);
        let values: Vec<f32> =
            (0..400_u16).map(|i| noise.value(at(f32::from(i) * 1.37 - 200.0, f32::from(i) * 0.71))).collect();
        assert!(values.iter().all(|v| (0.0..1.0).contains(v)));
        let mean = values.iter().sum::<f32>() / 400.0;
        assert!((mean - 0.5).abs() < 0.05, "{mean}");
        let p = at(3.2, -1.9);
        assert!((noise.value(p) - noise.value(p + at(1e-3, 0.0))).abs() < 5e-3);
        assert_ne!(noise.value(p), Noise::new(8).value(p));
    }
}
