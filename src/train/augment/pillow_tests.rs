//! Every operation against Pillow, byte for byte: `tests/fixtures/augment_pillow.py` made the numbers.

use std::collections::BTreeMap;

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::canvas::Canvas;
use super::patch::Place;
use super::{colour, enhance, geometry, hue, resize};

const SIZE: usize = 17;

#[derive(Deserialize)]
struct Fixture {
    operations: BTreeMap<String, BTreeMap<String, Expected>>,
}

#[derive(Deserialize)]
struct Expected {
    sha256: String,
    middle: Vec<u8>,
}

/// The picture that the script draws.
fn drawn(channels: usize) -> Canvas {
    let byte = |x: usize, y: usize, c: usize| 12 + (x * x * 3 + y * 29 + c * 57 + x * y * (c + 1)) % (240 - 60 * c);
    let places = (0..SIZE).flat_map(|y| (0..SIZE).map(move |x| (x, y)));
    let bytes: Vec<u8> = places.flat_map(|(x, y)| (0..channels).map(move |c| byte(x, y, c) as u8)).collect();
    let mut canvas = Canvas::new(SIZE, channels);
    canvas.load(&bytes);
    canvas
}

fn operate(operation: &str, canvas: &mut Canvas) {
    let (name, numbers) = operation.split_once(' ').unwrap_or((operation, ""));
    let numbers: Vec<f64> = numbers.split_whitespace().map(|number| number.parse().expect("a number")).collect();
    match (name, &numbers[..]) {
        ("flip", []) => geometry::flip(canvas),
        ("invert", []) => colour::invert(canvas),
        ("autocontrast", []) => colour::autocontrast(canvas),
        ("equalize", []) => colour::equalize(canvas),
        ("brightness", &[factor]) => enhance::brightness(canvas, factor),
        ("contrast", &[factor]) => enhance::contrast(canvas, factor),
        ("saturation", &[factor]) => enhance::saturation(canvas, factor),
        ("sharpness", &[factor]) => enhance::sharpness(canvas, factor),
        ("posterize", &[bits]) => colour::posterize(canvas, bits as u32),
        ("solarize", &[threshold]) => colour::solarize(canvas, threshold),
        ("hue", &[turn]) => hue::turn(canvas, turn),
        ("shear_x", &[slope]) => geometry::shear_x(canvas, slope),
        ("shear_y", &[slope]) => geometry::shear_y(canvas, slope),
        ("translate_x", &[by]) => geometry::translate(canvas, [by, 0.0]),
        ("translate_y", &[by]) => geometry::translate(canvas, [0.0, by]),
        ("rotate", &[degrees]) => geometry::rotate(canvas, degrees),
        ("resized_crop", &[top, left, height, width]) => {
            let [top, left, height, width] = [top, left, height, width].map(|side| side as usize);
            resize::resized_crop(canvas, Place { top, left, height, width });
        }
        _ => panic!("what is {operation}?"),
    }
}

#[test]
fn operations_are_pillows_byte_for_byte() {
    let text = include_str!("../../../tests/fixtures/augment_pillow.json");
    let fixture: Fixture = serde_json::from_str(text).expect("the script wrote it");
    let mut n_compared = 0;
    let mut others = Vec::new();
    for (operation, modes) in &fixture.operations {
        for (mode, expected) in modes {
            let channels = mode.len().clamp(1, 3);
            let mut canvas = drawn(channels);
            operate(operation, &mut canvas);
            let line = SIZE * channels;
            let middle = &canvas.pixels()[SIZE / 2 * line..][..line];
            let digest: String = Sha256::digest(canvas.pixels()).iter().map(|byte| format!("{byte:02x}")).collect();
            if digest != expected.sha256 {
                others.push(format!("{operation} ({mode}): {middle:?} instead of {:?}", expected.middle));
            }
            n_compared += 1;
        }
    }
    assert!(others.is_empty(), "{}", others.join("\n"));
    assert_eq!(n_compared, 154);
}
