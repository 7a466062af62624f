//! How far apart two numbers are, counted in steps from one to the next that the format can hold.

use serde::Serialize;

/// The format in which two numbers are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// `f32`.
    F32,
    /// `f64`.
    F64,
}

/// A distance in units in the last place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Ulps {
    /// Steps from one number to the other; 0 from one zero to the other.
    pub n: u64,
    /// The format whose steps are counted.
    pub precision: Precision,
}

impl Ulps {
    /// The distance of two numbers; none when one of them is no number. Numbers compared as `f32` are rounded to it.
    #[must_use]
    pub fn between(a: f64, b: f64, precision: Precision) -> Option<Self> {
        if a.is_nan() || b.is_nan() {
            return None;
        }
        #[expect(clippy::cast_possible_truncation, reason = "rounding to the format that is compared is what is asked")]
        let n = match precision {
            Precision::F32 => u64::from(position_f32(a as f32).abs_diff(position_f32(b as f32))),
            Precision::F64 => position_f64(a).abs_diff(position_f64(b)),
        };
        Some(Self { n, precision })
    }
}

/// As in `3 ulps of f64`; large distances are rounded.
impl std::fmt::Display for Ulps {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let unit = if self.n == 1 { "ulp" } else { "ulps" };
        let format = match self.precision {
            Precision::F32 => "f32",
            Precision::F64 => "f64",
        };
        match self.n {
            0..1_000_000 => write!(f, "{} {unit} of {format}", self.n),
            #[expect(clippy::cast_precision_loss, reason = "two digits are shown")]
            n => write!(f, "{:.1e} {unit} of {format}", n as f64),
        }
    }
}

/// The place of a number among all of its format in ascending order, both zeros at 0. The bits of a float are its sign
/// and then a count of steps from zero.
fn position_f64(x: f64) -> i64 {
    let bits = x.to_bits().cast_signed();
    if bits < 0 { i64::MIN - bits } else { bits }
}

fn position_f32(x: f32) -> i32 {
    let bits = x.to_bits().cast_signed();
    if bits < 0 { i32::MIN - bits } else { bits }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn f64_steps(a: f64, b: f64) -> u64 {
        Ulps::between(a, b, Precision::F64).expect("both are numbers").n
    }

    fn f32_steps(a: f64, b: f64) -> u64 {
        Ulps::between(a, b, Precision::F32).expect("both are numbers").n
    }

    #[test]
    fn neighbours_are_one_step_apart_on_both_sides_of_a_power_of_two() {
        assert_eq!(f64_steps(1.0, 1.0 + f64::EPSILON), 1);
        assert_eq!(f64_steps(1.0, 1.0 - f64::EPSILON / 2.0), 1);
        // 0.1 + 0.2 is the classic neighbour of 0.3.
        assert_eq!(f64_steps(0.1 + 0.2, 0.3), 1);
        // From 1 to 2 there are 2^52 steps of f64 and 2^23 of f32.
        assert_eq!(f64_steps(1.0, 2.0), 1 << 52);
        assert_eq!(f32_steps(1.0, 2.0), 1 << 23);
        assert_eq!(f32_steps(f64::from(0.7_f32), f64::from(f32::from_bits(0.7_f32.to_bits() + 5))), 5);
    }

    #[test]
    fn distances_go_through_zero_and_both_zeros_are_one_place() {
        assert_eq!(f64_steps(0.0, -0.0), 0);
        assert_eq!(f64_steps(f64::from_bits(2), -f64::from_bits(3)), 5);
        assert_eq!(f64_steps(-1.0, 1.0), 2 * 1.0_f64.to_bits());
        assert_eq!(f32_steps(-1.0, 1.0), 2 * u64::from(1.0_f32.to_bits()));
        assert_eq!(f64_steps(f64::NEG_INFINITY, f64::INFINITY), 2 * f64::INFINITY.to_bits());
        assert_eq!(f32_steps(f64::from(-f32::MAX), f64::NEG_INFINITY), 1);
    }

    #[test]
    fn nothing_has_a_distance_from_what_is_no_number() {
        for precision in [Precision::F32, Precision::F64] {
            assert_eq!(Ulps::between(f64::NAN, 1.0, precision), None);
            assert_eq!(Ulps::between(f64::NAN, f64::NAN, precision), None);
        }
    }

    #[test]
    fn one_is_singular_and_large_distances_are_rounded() {
        assert_eq!(Ulps { n: 1, precision: Precision::F32 }.to_string(), "1 ulp of f32");
        assert_eq!(Ulps { n: 0, precision: Precision::F64 }.to_string(), "0 ulps of f64");
        assert_eq!(Ulps { n: 2_057_627, precision: Precision::F64 }.to_string(), "2.1e6 ulps of f64");
    }
}
