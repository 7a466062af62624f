use super::*;
use crate::seed::Seed;
use crate::spec::network::Patch;

const CHANNELS: usize = 3;

fn canvas(picture: &[u8], size: usize, channels: usize) -> Canvas {
    let mut canvas = Canvas::new(size, channels);
    canvas.load(picture);
    canvas
}

/// A picture of 3 x 3 pixels whose pixel values are 1 to 9.
fn numbered() -> Canvas {
    canvas(&(1..=9).flat_map(|value| [value; CHANNELS]).collect::<Vec<u8>>(), 3, CHANNELS)
}

fn red(canvas: &Canvas) -> Vec<u8> {
    let pixels = canvas.pixels().chunks(CHANNELS);
    assert!(pixels.clone().all(|pixel| pixel[0] == pixel[1] && pixel[1] == pixel[2]));
    pixels.map(|pixel| pixel[0]).collect()
}

/// What comes of a picture of 20 x 20 pixels in each of `n` rows.
fn draws(augment: &[Augment], n: usize) -> Vec<Vec<u8>> {
    let picture: Vec<u8> = (0..20 * 20 * CHANNELS).map(|at| (at * 37 % 251) as u8).collect();
    let of_row = |row| {
        let mut canvas = canvas(&picture, 20, CHANNELS);
        apply(augment, &mut canvas, &mut Seed::root(5).child_at("augment", row).stream());
        canvas.pixels().to_vec()
    };
    (0..n).map(of_row).collect()
}

#[test]
fn a_flip_mirrors_left_and_right() {
    let mut picture = numbered();
    geometry::flip(&mut picture);
    assert_eq!(red(&picture), [3, 2, 1, 6, 5, 4, 9, 8, 7]);
}

#[test]
fn grey_pictures_are_mirrored_and_shifted_by_the_byte() {
    let mut picture = canvas(&[1, 2, 3, 4], 2, 1);
    geometry::flip(&mut picture);
    assert_eq!(picture.pixels(), [2, 1, 4, 3]);
    geometry::crop(&mut picture, 1, 0, 1);
    assert_eq!(picture.pixels(), [0, 0, 2, 1]);
}

#[test]
fn a_crop_shifts_and_fills_with_black() {
    let cropped = |padding, top, left| {
        let mut picture = numbered();
        // A state before leaves nothing behind.
        picture.redraw(|picture, out| out.copy_from_slice(picture.pixels()));
        geometry::crop(&mut picture, padding, top, left);
        red(&picture)
    };
    assert_eq!(cropped(1, 1, 1), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
    assert_eq!(cropped(1, 0, 0), [0, 0, 0, 0, 1, 2, 0, 4, 5]);
    assert_eq!(cropped(1, 2, 1), [4, 5, 6, 7, 8, 9, 0, 0, 0]);
    assert_eq!(cropped(1, 1, 2), [2, 3, 0, 5, 6, 0, 8, 9, 0]);
    assert_eq!(cropped(4, 0, 4), [0; 9], "nothing of the picture is left");
    assert_eq!(cropped(4, 4, 8), [0; 9]);
    assert_eq!(cropped(0, 0, 0), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
}

#[test]
fn every_place_of_a_crop_is_drawn() {
    let mut seen = std::collections::BTreeSet::new();
    for row in 0..200 {
        let mut picture = numbered();
        let mut stream = Seed::root(5).child_at("augment", row).stream();
        apply(&[Augment::Crop { padding: 1 }], &mut picture, &mut stream);
        seen.insert(red(&picture));
    }
    assert_eq!(seen.len(), 9);
}

#[test]
fn a_flip_and_an_erasing_come_with_their_probability() {
    const PATCH: Patch = Patch { scale: [0.1, 0.2], ratio: [0.5, 2.0] };
    for augment in [|p| Augment::Flip { p }, |p| Augment::Erasing { p, patch: PATCH }] {
        let changed = |p: f64| {
            let plain = draws(&[], 1).remove(0);
            draws(&[augment(p)], 1000).iter().filter(|&picture| *picture != plain).count()
        };
        assert_eq!((changed(0.0), changed(1.0)), (0, 1000));
        assert!((200..300).contains(&changed(0.25)), "{}", changed(0.25));
    }
}

#[test]
fn an_erasing_blackens_a_rectangle_of_the_share_that_was_asked_for() {
    let white = vec![255; 32 * 32];
    for row in 0..50 {
        let mut picture = canvas(&white, 32, 1);
        let patch = Patch { scale: [0.25, 0.25], ratio: [1.0, 1.0] };
        apply(
            &[Augment::Erasing { p: 1.0, patch }],
            &mut picture,
            &mut Seed::root(5).child_at("augment", row).stream(),
        );
        let black: Vec<usize> = (0..1024).filter(|&at| picture.pixels()[at] == 0).collect();
        let (first, last) = (black[0], black[black.len() - 1]);
        assert_eq!((black.len(), last - first), (256, 15 * 32 + 15));
        assert!(picture.pixels().iter().all(|&byte| byte == 0 || byte == 255));
    }
}

#[test]
fn a_jitter_without_strength_changes_nothing_and_each_strength_alone_does() {
    let plain = draws(&[], 1).remove(0);
    let jitter = |[brightness, contrast, saturation, hue]: [f64; 4]| {
        let pictures = draws(&[Augment::ColorJitter { brightness, contrast, saturation, hue }], 20);
        pictures.iter().filter(|&picture| *picture != plain).count()
    };
    assert_eq!(jitter([0.0; 4]), 0);
    for which in 0..4 {
        let mut strengths = [0.0; 4];
        strengths[which] = 0.4;
        assert!(jitter(strengths) >= 18, "strength {which}");
    }
}

#[test]
fn policies_draw_by_row_and_leave_the_same_row_the_same() {
    for augment in [Augment::AutoAugment, Augment::TrivialAugment, Augment::RandAugment { n: 2, magnitude: 9 }] {
        let pictures = draws(&[augment], 60);
        assert_eq!(pictures, draws(&[augment], 60));
        let distinct: std::collections::BTreeSet<&Vec<u8>> = pictures.iter().collect();
        assert!(distinct.len() > 20, "{augment:?} gave {}", distinct.len());
    }
}

#[test]
fn more_operations_and_a_higher_magnitude_change_more() {
    let distance = |n, magnitude| {
        let plain = draws(&[], 1).remove(0);
        let of =
            |picture: &Vec<u8>| -> u64 { picture.iter().zip(&plain).map(|(a, b)| u64::from(a.abs_diff(*b))).sum() };
        draws(&[Augment::RandAugment { n, magnitude }], 200).iter().map(of).sum::<u64>()
    };
    assert!(distance(1, 20) > distance(1, 5));
    assert!(distance(3, 5) > distance(1, 5));
}
