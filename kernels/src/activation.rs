//! Activations whose gradient follows from what they gave.

use pulp::Arch;
use rayon::prelude::*;

/// Numbers of a task.
const PIECE: usize = 1 << 14;

/// What a number becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// Itself.
    None,
    /// `max(x, 0)`.
    Relu,
    /// `min(max(x, 0), 6)`.
    Relu6,
}

impl Activation {
    #[inline(always)]
    pub(crate) fn of(self, x: f32) -> f32 {
        match self {
            Self::None => x,
            Self::Relu => positive(x),
            Self::Relu6 => {
                let x = positive(x);
                if x > 6.0 { 6.0 } else { x }
            }
        }
    }

    /// Whether the gradient passes where this was given; it does not at a bend.
    #[inline(always)]
    pub(crate) fn passes(self, given: f32) -> bool {
        match self {
            Self::None => true,
            Self::Relu => given > 0.0,
            Self::Relu6 => (given > 0.0) & (given < 6.0),
        }
    }

    /// Activates numbers in place.
    pub fn activate(self, numbers: &mut [f32]) {
        let arch = Arch::new();
        numbers.par_chunks_mut(PIECE).for_each(|numbers| {
            arch.dispatch(|| numbers.iter_mut().for_each(|x| *x = self.of(*x)));
        });
    }

    /// The gradient of what went in, in the place of the gradient of what was `given`.
    ///
    /// # Panics
    /// If there are not as many of both.
    pub fn turn_back(self, given: &[f32], gradient: &mut [f32]) {
        assert_eq!(given.len(), gradient.len(), "a gradient for each number");
        let arch = Arch::new();
        gradient.par_chunks_mut(PIECE).zip(given.par_chunks(PIECE)).for_each(|(gradient, given)| {
            arch.dispatch(|| match self {
                Self::None => {}
                Self::Relu => let_through(gradient, given, |given| Self::Relu.passes(given)),
                Self::Relu6 => let_through(gradient, given, |given| Self::Relu6.passes(given)),
            });
        });
    }
}

#[inline(always)]
fn let_through(gradient: &mut [f32], given: &[f32], passes: impl Fn(f32) -> bool) {
    gradient.iter_mut().zip(given).for_each(|(gradient, given)| *gradient = kept(passes(*given), *gradient));
}

/// The number, or 0 if it is not kept: by a mask, since a compiler may make a branch of a choice, and half of them would be
/// mispredicted.
#[inline(always)]
pub(crate) fn kept(is_kept: bool, number: f32) -> f32 {
    f32::from_bits(number.to_bits() & u32::from(is_kept).wrapping_neg())
}

/// A number that is none stays one.
#[inline(always)]
fn positive(x: f32) -> f32 {
    if x < 0.0 { 0.0 } else { x }
}

/// `activation(a + b)` in the place of `a`.
///
/// # Panics
/// If there are not as many of both.
pub fn add_and_activate(a: &mut [f32], b: &[f32], activation: Activation) {
    assert_eq!(a.len(), b.len(), "as many on both sides");
    let arch = Arch::new();
    a.par_chunks_mut(PIECE).zip(b.par_chunks(PIECE)).for_each(|(a, b)| {
        arch.dispatch(|| a.iter_mut().zip(b).for_each(|(a, b)| *a = activation.of(*a + b)));
    });
}
