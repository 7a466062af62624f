//! Compares safetensors files element by element.
//!
//! Such a file is the length of its header as eight bytes, little-endian; a header in JSON that gives each tensor's
//! type, shape and place; and the tensors one behind the other.

use std::collections::BTreeMap;

use super::difference::{Difference, Extent, Place, distance};
use super::ulps::Precision;

#[derive(serde::Deserialize)]
struct Entry {
    dtype: String,
    shape: Vec<usize>,
    data_offsets: (usize, usize),
}

struct Tensor<'a> {
    name: String,
    dtype: String,
    shape: Vec<usize>,
    bytes: &'a [u8],
}

/// The first element that differs, in the order in which the recorded tensors lie; none when all are equal.
///
/// # Errors
/// Which of the two cannot be read, and why.
pub(super) fn compare(recorded: &[u8], found: &[u8]) -> Result<Option<Difference>, String> {
    let recorded = read(recorded).map_err(|reason| format!("the recorded weights are damaged: {reason}"))?;
    let found = read(found).map_err(|reason| format!("the weights trained now are damaged: {reason}"))?;
    let mut first: Option<Difference> = None;
    let mut extent = Extent::NONE;
    for a in &recorded {
        let b = found.iter().find(|tensor| tensor.name == a.name);
        let difference = match b {
            Some(b) if b.dtype == a.dtype && b.shape == a.shape => elements(a, b, &mut extent),
            _ => {
                extent.count(true, None);
                Some(whole(&a.name, Some(a), b))
            }
        };
        first = first.or(difference);
    }
    for b in found.iter().filter(|b| recorded.iter().all(|a| a.name != b.name)) {
        extent.count(true, None);
        first = first.or_else(|| Some(whole(&b.name, None, Some(b))));
    }
    Ok(first.map(|first| Difference { extent: Some(extent), ..first }))
}

fn whole(name: &str, recorded: Option<&Tensor<'_>>, found: Option<&Tensor<'_>>) -> Difference {
    let describe = |tensor: &Tensor<'_>| format!("{} {:?}", tensor.dtype, tensor.shape);
    Difference::plain(Place::Tensor { tensor: name.to_owned() }, recorded.map(describe), found.map(describe))
}

fn elements(a: &Tensor<'_>, b: &Tensor<'_>, extent: &mut Extent) -> Option<Difference> {
    let (size, precision) = match a.dtype.as_str() {
        "F32" => (4, Precision::F32),
        "F64" => (8, Precision::F64),
        _ => {
            extent.count(a.bytes != b.bytes, None);
            let place = Place::Tensor { tensor: a.name.clone() };
            return (a.bytes != b.bytes).then(|| Difference { place, ..Difference::bytes(a.bytes, b.bytes) });
        }
    };
    let mut first = None;
    for (position, (x, y)) in a.bytes.chunks_exact(size).zip(b.bytes.chunks_exact(size)).enumerate() {
        let is_different = x != y;
        let (ulps, relative) = match is_different {
            true => distance(number(x), number(y), precision),
            false => (None, None),
        };
        extent.count(is_different, relative);
        if is_different && first.is_none() {
            let place = Place::Element { tensor: a.name.clone(), index: index(position, &a.shape) };
            first = Some(Difference { ulps, ..Difference::plain(place, Some(written(x)), Some(written(y))) });
        }
    }
    first
}

fn number(bytes: &[u8]) -> f64 {
    match bytes {
        &[a, b, c, d] => f64::from(f32::from_le_bytes([a, b, c, d])),
        _ => f64::from_le_bytes(bytes.try_into().expect("elements are 4 or 8 bytes")),
    }
}

/// The shortest text that reads back to the same bits.
fn written(bytes: &[u8]) -> String {
    match bytes {
        &[a, b, c, d] => format!("{:?}", f32::from_le_bytes([a, b, c, d])),
        _ => format!("{:?}", number(bytes)),
    }
}

/// The index along each axis of an element by its position; the last axis runs fastest.
fn index(mut position: usize, shape: &[usize]) -> Vec<usize> {
    let mut index = vec![0; shape.len()];
    for (at, &length) in index.iter_mut().zip(shape).rev() {
        *at = position % length.max(1);
        position /= length.max(1);
    }
    index
}

fn read(bytes: &[u8]) -> Result<Vec<Tensor<'_>>, String> {
    let (length, rest) = bytes.split_first_chunk::<8>().ok_or("it is shorter than its head")?;
    let length = usize::try_from(u64::from_le_bytes(*length)).unwrap_or(usize::MAX);
    let (header, data) = rest.split_at_checked(length).ok_or("its header is cut off")?;
    let header: BTreeMap<String, serde_json::Value> =
        serde_json::from_slice(header).map_err(|error| format!("its header is no JSON: {error}"))?;
    let mut tensors = Vec::new();
    for (name, value) in header.into_iter().filter(|(name, _)| name != "__metadata__") {
        let entry: Entry = serde_json::from_value(value).map_err(|error| format!("{name}: {error}"))?;
        let (start, end) = entry.data_offsets;
        let bytes = data.get(start..end).ok_or_else(|| format!("{name} lies outside of the file"))?;
        let size = match entry.dtype.as_str() {
            "F32" => Some(4_usize),
            "F64" => Some(8),
            _ => None,
        };
        let n_bytes = entry.shape.iter().try_fold(size.unwrap_or(1), |n, &length| n.checked_mul(length));
        if size.is_some() && n_bytes != Some(bytes.len()) {
            return Err(format!("{name} has {} bytes, which its shape {:?} does not", bytes.len(), entry.shape));
        }
        tensors.push((start, Tensor { name, dtype: entry.dtype, shape: entry.shape, bytes }));
    }
    tensors.sort_by_key(|(start, _)| *start);
    Ok(tensors.into_iter().map(|(_, tensor)| tensor).collect())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::replay::ulps::Ulps;

    /// Two tensors: `w` of 2 x 3, which lies second although its name comes first, and `x` of one element.
    fn file(w: [f32; 6], x: f32) -> Vec<u8> {
        let header = serde_json::json!({
            "w": { "dtype": "F32", "shape": [2, 3], "data_offsets": [4, 28] },
            "x": { "dtype": "F32", "shape": [1], "data_offsets": [0, 4] },
        })
        .to_string();
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header.as_bytes());
        bytes.extend(x.to_le_bytes());
        w.iter().for_each(|w| bytes.extend(w.to_le_bytes()));
        bytes
    }

    const W: [f32; 6] = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0];

    #[test]
    fn an_element_is_named_by_its_index_and_counted_in_its_own_precision() {
        let mut other = W;
        other[4] = f32::from_bits(4.0_f32.to_bits() + 2);
        other[5] = 10.0;
        let difference = compare(&file(W, 0.5), &file(other, 0.5)).unwrap().unwrap();
        assert_eq!(difference.place.to_string(), "w [1, 1]");
        assert_eq!((difference.recorded.as_deref(), difference.found.as_deref()), (Some("4.0"), Some("4.000001")));
        assert_eq!(difference.ulps, Some(Ulps { n: 2, precision: Precision::F32 }));
        assert_eq!(difference.extent, Some(Extent { n_different: 2, n: 7, largest_relative: Some(0.5) }));
        assert_eq!(compare(&file(W, 0.5), &file(W, 0.5)), Ok(None));
    }

    #[test]
    fn tensors_are_taken_in_the_order_in_which_they_lie() {
        let mut other = W;
        other[0] = -0.0;
        let difference = compare(&file(W, 0.5), &file(other, -0.5)).unwrap().unwrap();
        assert_eq!(difference.place.to_string(), "x [0]");
        // From 0.5 down to zero and as far below it.
        assert_eq!(difference.ulps.unwrap().n, 2 * u64::from(0.5_f32.to_bits()));
        // The sign of zero is a difference of bits, though of no step.
        let difference = compare(&file(W, 0.5), &file(other, 0.5)).unwrap().unwrap();
        assert_eq!((difference.place.to_string().as_str(), difference.ulps.unwrap().n), ("w [0, 0]", 0));
    }

    #[test]
    fn another_name_or_shape_is_a_difference_of_the_tensor() {
        let replaced = |from: &str, to: &str| {
            let bytes = file(W, 0.5);
            let at = bytes.windows(from.len()).position(|window| window == from.as_bytes()).unwrap();
            [&bytes[..at], to.as_bytes(), &bytes[at + from.len()..]].concat()
        };
        let difference = compare(&file(W, 0.5), &replaced("\"x\"", "\"y\"")).unwrap().unwrap();
        assert_eq!(difference.place, Place::Tensor { tensor: "x".to_owned() });
        assert_eq!((difference.recorded.as_deref(), difference.found), (Some("F32 [1]"), None));
        assert_eq!(difference.extent.unwrap().n_different, 2);
        let difference = compare(&file(W, 0.5), &replaced("[2,3]", "[3,2]")).unwrap().unwrap();
        assert_eq!(
            (difference.recorded.as_deref(), difference.found.as_deref()),
            (Some("F32 [2, 3]"), Some("F32 [3, 2]"))
        );
    }

    #[test]
    fn no_flipped_byte_and_no_truncation_panics_or_goes_unseen() {
        let whole = file(W, 0.5);
        for at in 0..whole.len() {
            for bit in 0..8 {
                let mut flipped = whole.clone();
                flipped[at] ^= 1 << bit;
                // A changed name of a key may hide nothing: then the header cannot be read.
                assert!(compare(&flipped, &whole) != Ok(None), "bit {bit} of byte {at}");
            }
            assert!(compare(&whole[..at], &whole).is_err(), "{at} bytes");
        }
    }
}
