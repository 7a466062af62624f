//! From the bytes of a picture's file to pixels: the one way, for training and for prediction.
//!
//! Whether a picture is a JPEG, a PNG or a GIF is told from its content, since some pictures of the Oxford-IIIT Pet data
//! set have a wrong extension; other formats are refused. Orientation tags of cameras are not applied.

use std::io::Cursor;

use image::imageops::{self, FilterType};
use image::{ImageError, ImageReader, RgbImage};

/// Names the way from a file to a picture. It changes when any picture would change.
pub(super) const DECODING: &str = "triangle-1";

/// Decodes a file into RGB bytes `[size, size, 3]`: the shorter side is scaled to `size`, then the middle is cut out.
pub(super) fn decode(bytes: &[u8], size: usize, out: &mut [u8]) -> Result<(), ImageError> {
    let picture = decode_rgb(bytes)?;
    out.copy_from_slice(&fit(&picture, size as u32));
    Ok(())
}

fn decode_rgb(bytes: &[u8]) -> Result<RgbImage, ImageError> {
    let reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format()?;
    Ok(reader.decode()?.into_rgb8())
}

/// Scales the shorter side to `size` with a triangle filter and cuts out the middle.
pub(super) fn fit(picture: &RgbImage, size: u32) -> RgbImage {
    let (width, height) = picture.dimensions();
    let short = u64::from(width.min(height));
    let scaled = |side: u32| ((u64::from(side) * u64::from(size) + short / 2) / short) as u32;
    let (width, height) = (scaled(width).max(size), scaled(height).max(size));
    let resized = imageops::resize(picture, width, height, FilterType::Triangle);
    let (left, top) = ((width - size) / 2, (height - size) / 2);
    imageops::crop_imm(&resized, left, top, size, size).to_image()
}
