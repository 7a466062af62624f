//! Zeros around pictures, so that a kernel may slide without asking where it is.

use std::ops::Deref;

use rayon::prelude::*;

use crate::geometry::Pictures;
use crate::scratch::Scratch;
use crate::simd::copy_row;

/// Zeros behind the last plane, so that vectors may reach over its end.
const SLACK: usize = 64;

/// Zeros on the four sides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sides {
    pub(crate) top: usize,
    pub(crate) bottom: usize,
    pub(crate) left: usize,
    pub(crate) right: usize,
}

/// Pictures with zeros around.
pub(crate) enum Surrounded<'a> {
    /// No zeros were asked for.
    AsTheyWere(&'a [f32]),
    Laid(Scratch),
}

impl Deref for Surrounded<'_> {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        match self {
            Self::AsTheyWere(numbers) => numbers,
            Self::Laid(numbers) => numbers,
        }
    }
}

/// The pictures with zeros around, and their shape; the same numbers where there is nothing to add.
pub(crate) fn padded(numbers: &[f32], shape: Pictures, sides: Sides) -> (Surrounded<'_>, Pictures) {
    let (numbers, width, plane) = split(numbers, shape, sides, [1, 1]);
    (numbers, Pictures { height: plane / width.max(1), width, ..shape })
}

/// The pictures with zeros around, each plane cut into the pixels of each remainder of the strides: `[.., remainder down, remainder
/// right, height, width]`. Also the width and the size of such a part, the same for all; those that would be smaller end in zeros.
pub(crate) fn split(
    numbers: &[f32],
    shape: Pictures,
    sides: Sides,
    strides: [usize; 2],
) -> (Surrounded<'_>, usize, usize) {
    let [down, right] = strides;
    let height = (shape.height + sides.top + sides.bottom).div_ceil(down);
    let width = (shape.width + sides.left + sides.right).div_ceil(right);
    let part = height * width;
    if sides == Sides::default() && strides == [1, 1] {
        return (Surrounded::AsTheyWere(numbers), width, part);
    }
    let plane = part * down * right;
    let len = shape.batch * shape.channels * plane;
    let mut out = Scratch::of(len + SLACK);
    out[len..].fill(0.0);
    let planes = out[..len].par_chunks_mut(plane.max(1)).zip(numbers.par_chunks(shape.plane().max(1)));
    planes.with_min_len(8).for_each(|(to, from)| {
        to.fill(0.0);
        for (y, from) in from.chunks_exact(shape.width).enumerate() {
            let y = y + sides.top;
            let row = &mut to[y % down * right * part + y / down * width..];
            if right == 1 {
                copy_row(&mut row[sides.left..], from);
                continue;
            }
            for remainder in 0..right.min(shape.width) {
                // The pixel `remainder` of the picture stands at `remainder + left` with the padding.
                let at = remainder + sides.left;
                let to = &mut row[at % right * part + at / right..];
                to.iter_mut().zip(from[remainder..].iter().step_by(right)).for_each(|(to, from)| *to = *from);
            }
        }
    });
    (Surrounded::Laid(out), width, part)
}
