//! Where a part of a picture lies: drawn by area and shape, as torchvision draws it.

use crate::seed::Stream;
use crate::spec::network::Patch;

/// How often a part is drawn until one fits into the picture.
const ATTEMPTS: usize = 10;

/// A part of a picture, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) top: usize,
    pub(super) left: usize,
    pub(super) height: usize,
    pub(super) width: usize,
}

/// The part that a crop keeps: `RandomResizedCrop`. Where none of the drawn ones fits, the largest in the middle of which the shape
/// is allowed.
pub(super) fn to_crop(patch: &Patch, size: usize, draw: &mut Stream) -> Place {
    for _ in 0..ATTEMPTS {
        let (width, height) = sides(patch, size, draw);
        if (1..=size).contains(&width) && (1..=size).contains(&height) {
            return at_random(height, width, size, draw);
        }
    }
    let [narrowest, widest] = patch.ratio;
    let (width, height) = if narrowest > 1.0 {
        (size, rounded(as_f64(size) / narrowest).max(1))
    } else if widest < 1.0 {
        (rounded(as_f64(size) * widest).max(1), size)
    } else {
        (size, size)
    };
    Place { top: (size - height) / 2, left: (size - width) / 2, height, width }
}

/// The part that is erased: `RandomErasing`. None where none of the drawn ones fits.
pub(super) fn to_erase(patch: &Patch, size: usize, draw: &mut Stream) -> Option<Place> {
    for _ in 0..ATTEMPTS {
        let (height, width) = sides(patch, size, draw);
        if height < size && width < size {
            return Some(at_random(height, width, size, draw));
        }
    }
    None
}

/// The sides of a part, the one that the ratio makes longer first.
fn sides(patch: &Patch, size: usize, draw: &mut Stream) -> (usize, usize) {
    let area = as_f64(size * size) * draw.uniform(patch.scale[0], patch.scale[1]);
    let [low, high] = patch.ratio.map(libm::log);
    let ratio = libm::exp(draw.uniform(low, high));
    (rounded((area * ratio).sqrt()), rounded((area / ratio).sqrt()))
}

fn at_random(height: usize, width: usize, size: usize, draw: &mut Stream) -> Place {
    let top = draw.below(size - height + 1);
    Place { top, left: draw.below(size - width + 1), height, width }
}

#[expect(clippy::cast_precision_loss, reason = "a picture has at most 2^20 pixels")]
fn as_f64(n: usize) -> f64 {
    n as f64
}

/// To the nearest whole number, of two equally near ones the even one, as in Python.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a side that is not negative")]
fn rounded(side: f64) -> usize {
    side.round_ties_even() as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;

    const SIZE: usize = 40;

    fn places(patch: Patch, place: impl Fn(&Patch, &mut Stream) -> Place) -> Vec<Place> {
        (0..400).map(|row| place(&patch, &mut Seed::root(3).child_at("augment", row).stream())).collect()
    }

    #[test]
    fn a_crop_keeps_the_share_and_the_shape_that_were_asked_for() {
        let patch = Patch { scale: [0.25, 0.5], ratio: [0.5, 2.0] };
        let found = places(patch, |patch, draw| to_crop(patch, SIZE, draw));
        for place in &found {
            assert!(place.top + place.height <= SIZE && place.left + place.width <= SIZE, "{place:?}");
            // Sides are rounded to whole pixels.
            let (width, height) = (as_f64(place.width), as_f64(place.height));
            assert!((0.25..=0.5).contains(&(width * height / 1600.0).clamp(0.25, 0.5)));
            assert!((width * height / 1600.0 - 0.375).abs() < 0.145, "{place:?}");
            assert!((0.47..=2.13).contains(&(width / height)), "{place:?}");
        }
        let count = |of: fn(&Place) -> bool| found.iter().filter(|place| of(place)).count();
        assert!((150..250).contains(&count(|place| place.width > place.height)));
        assert!(count(|place| place.top == 0) < 100 && count(|place| place.left > 0) > 300);
    }

    #[test]
    fn a_crop_that_never_fits_is_the_largest_allowed_one_in_the_middle() {
        let whole = |ratio| {
            let patch = Patch { scale: [1.0, 1.0], ratio };
            to_crop(&patch, SIZE, &mut Seed::root(3).stream())
        };
        assert_eq!(whole([2.0, 2.0]), Place { top: 10, left: 0, height: 20, width: 40 });
        assert_eq!(whole([0.25, 0.5]), Place { top: 0, left: 10, height: 40, width: 20 });
        assert_eq!(whole([0.9, 0.95]), Place { top: 0, left: 1, height: 40, width: 38 });
        assert_eq!(whole([1.0, 1.0]), Place { top: 0, left: 0, height: 40, width: 40 });
    }

    #[test]
    fn what_is_erased_is_smaller_than_the_picture_or_nothing() {
        let patch = Patch { scale: [0.1, 0.1], ratio: [4.0, 4.0] };
        let found = places(patch, |patch, draw| to_erase(patch, SIZE, draw).expect("it fits"));
        // 160 pixels of 1600, four times as high as wide: sqrt(640) and sqrt(40).
        assert!(found.iter().all(|place| (place.height, place.width) == (25, 6)));
        assert!(found.iter().any(|place| place.top == 15) && found.iter().any(|place| place.left == 34));
        let all = Patch { scale: [1.0, 1.0], ratio: [1.0, 1.0] };
        assert_eq!(to_erase(&all, SIZE, &mut Seed::root(3).stream()), None);
    }
}
