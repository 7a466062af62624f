//! From a picture's file to the bytes of a picture.
//!
//! Whether a file is a JPEG, a PNG or a GIF is told from its content; other formats are refused. Grey pictures become
//! colour ones. Orientation tags of cameras are not applied.

use std::io::Cursor;

use image::imageops::{self, FilterType};
use image::{ImageError, ImageReader, Pixel as _, RgbImage};
use rayon::prelude::*;

use super::error::DataError;

/// Names the way from a file to a picture. It changes when any picture would change.
const DECODING: &str = "triangle-1";

/// A hash of the names and the bytes of all files and of the way they are decoded.
///
/// # Errors
/// The first error of `bytes_of` in the order of the files.
pub(super) fn content_hash<T: Sync>(
    files: &[T],
    name_of: impl Fn(&T) -> &str,
    bytes_of: impl Fn(&T) -> Result<Vec<u8>, DataError> + Sync,
) -> Result<String, DataError> {
    let hashes: Vec<Result<blake3::Hash, DataError>> =
        files.par_iter().map(|file| Ok(blake3::hash(&bytes_of(file)?))).collect();
    let mut hasher = blake3::Hasher::new_derive_key("xrun picture files 1");
    hasher.update(DECODING.as_bytes());
    for (file, hash) in files.iter().zip(hashes) {
        // A zero byte ends the name: it cannot be in one.
        hasher.update(name_of(file).as_bytes()).update(&[0]);
        hasher.update(hash?.as_bytes());
    }
    Ok(hasher.finalize().to_hex().to_string())
}

/// Decodes the bytes of a file into RGB bytes `[size, size, 3]`: the shorter side is scaled to `size`, then the middle is
/// cut out.
pub(super) fn decode(bytes: &[u8], size: usize, out: &mut [u8]) -> Result<(), ImageError> {
    let reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format()?;
    out.copy_from_slice(&fit(&reader.decode()?.into_rgb8(), size as u32));
    Ok(())
}

/// Scales the shorter side to `size` with a triangle filter and cuts out the middle.
fn fit(picture: &RgbImage, size: u32) -> RgbImage {
    let (width, height) = picture.dimensions();
    let short = u64::from(width.min(height));
    let scaled = |side: u32| ((u64::from(side) * u64::from(size) + short / 2) / short) as u32;
    let (width, height) = (scaled(width).max(size), scaled(height).max(size));
    let resized = imageops::resize(picture, width, height, FilterType::Triangle);
    let (left, top) = ((width - size) / 2, (height - size) / 2);
    imageops::crop_imm(&resized, left, top, size, size).to_image()
}

/// The brightness of each pixel of RGB bytes.
pub(super) fn grey(picture: &[u8]) -> Vec<u8> {
    picture.as_chunks::<3>().0.iter().map(|&pixel| image::Rgb(pixel).to_luma().0[0]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shorter_side_is_scaled_and_the_middle_cut_out() {
        // Columns 0 1 2 3 have the reds 0 40 80 120; the middle two remain.
        let wide = RgbImage::from_fn(4, 2, |x, _| image::Rgb([x as u8 * 40, 0, 0]));
        let reds: Vec<u8> = fit(&wide, 2).pixels().map(|p| p.0[0]).collect();
        assert_eq!(reds, [40, 80, 40, 80]);
        // Twice as small: the triangle filter weighs 1 3 3 1 of four neighbours, and half of it at the border.
        let four = RgbImage::from_fn(4, 4, |x, _| image::Rgb([x as u8 * 40, 0, 0]));
        let reds: Vec<u8> = fit(&four, 2).pixels().map(|p| p.0[0]).collect();
        assert_eq!(reds, [29, 91, 29, 91]);
        assert_eq!(fit(&RgbImage::new(500, 3), 8).dimensions(), (8, 8));
    }

    #[test]
    fn grey_pixels_keep_their_value() {
        assert_eq!(grey(&[0, 0, 0, 77, 77, 77, 255, 255, 255, 255, 0, 0]), [0, 77, 255, 54]);
    }
}
