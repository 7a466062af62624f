//! Colours turned around their circle, by way of hue, saturation and value in bytes as Pillow has them.

use super::canvas::Canvas;

/// Turns by so much of the circle, in `-0.5..=0.5`; a grey picture stays as it is.
pub(super) fn turn(canvas: &mut Canvas, turn: f64) {
    if canvas.channels() == 1 {
        return;
    }
    #[expect(clippy::cast_possible_truncation, reason = "at most half of 255")]
    let by = (turn * 255.0) as i16;
    for pixel in canvas.pixels_mut().as_chunks_mut::<3>().0 {
        let [hue, saturation, value] = to_hsv(*pixel);
        let turned = u8::try_from((i16::from(hue) + by).rem_euclid(256)).expect("a rest by 256 is a byte");
        *pixel = to_rgb([turned, saturation, value]);
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "numbers from 0 to 255, cut off")]
fn to_hsv([red, green, blue]: [u8; 3]) -> [u8; 3] {
    let (most, least) = (red.max(green).max(blue), red.min(green).min(blue));
    if most == least {
        return [0, 0, most];
    }
    let range = f32::from(most - least);
    // How far each colour is from the strongest one.
    let [red_off, green_off, blue_off] = [red, green, blue].map(|colour| f32::from(most - colour) / range);
    let sixths = if red == most {
        blue_off - green_off
    } else if green == most {
        (2.0 + f64::from(red_off) - f64::from(blue_off)) as f32
    } else {
        (4.0 + f64::from(green_off) - f64::from(red_off)) as f32
    };
    let hue = ((f64::from(sixths) / 6.0 + 1.0) % 1.0) as f32;
    [(f64::from(hue) * 255.0) as u8, (f64::from(range / f32::from(most)) * 255.0) as u8, most]
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "numbers from 0 to 255, rounded")]
fn to_rgb([hue, saturation, value]: [u8; 3]) -> [u8; 3] {
    if saturation == 0 {
        return [value; 3];
    }
    let sixths = f64::from(hue) * 6.0 / 255.0;
    let sixth = sixths.floor();
    // Some of the steps are in single precision, as in Pillow.
    let (along, share) = ((sixths - sixth) as f32, (f64::from(saturation) / 255.0) as f32);
    let weaker = |by: f64| (f64::from(value) * (1.0 - by)).round() as u8;
    let (low, falling) = (weaker(f64::from(share)), weaker(f64::from(share * along)));
    let rising = weaker(f64::from(share) * (1.0 - f64::from(along)));
    match sixth as u8 % 6 {
        0 => [value, rising, low],
        1 => [falling, value, low],
        2 => [low, value, rising],
        3 => [low, falling, value],
        4 => [rising, low, value],
        _ => [value, low, falling],
    }
}
