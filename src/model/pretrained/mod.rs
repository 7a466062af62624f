//! Weights that a published network begins with, read from a file and held against the network.
//!
//! A file is believed only if it holds every tensor of the network in its shape, and none that is not known to be
//! surplus: the classifier and the counters of batch norms. The digest is of those tensors alone, so it is the same for
//! a `.pth` and a `.safetensors` of the same weights, with or without a classifier.

mod error;
mod expected;
mod file;
mod names;

use std::collections::BTreeMap;
use std::path::Path;

pub use error::{Mismatch, PretrainedError};
use file::HostTensor;

use crate::spec::zoo::{Published, WeightsFile};

/// The weights of a published network, on the host.
#[derive(Clone, Debug)]
pub struct Pretrained {
    /// By their published names, in PyTorch's layouts.
    tensors: BTreeMap<String, HostTensor>,
    digest: String,
}

impl Pretrained {
    /// Reads the weights of `network`; nothing in the file is executed. When the file's digest is given, they must be
    /// the weights of this digest.
    ///
    /// # Errors
    /// There is no such file, it is no file of weights or a damaged one, or it holds other weights.
    pub fn read(network: Published, file: &WeightsFile) -> Result<Self, PretrainedError> {
        let tensors = held_against(network, &file.path, names::of_network(file::read(&file.path)?))?;
        let digest = digest(&tensors);
        match &file.digest {
            Some(recorded) if *recorded != digest => {
                let (path, recorded) = (file.path.clone(), recorded.clone());
                Err(PretrainedError::OtherDigest { path, recorded, found: digest })
            }
            _ => Ok(Self { tensors, digest }),
        }
    }

    /// BLAKE3 of the weights as 64 hexadecimal digits: of every tensor's name, shape and numbers, in the order of the
    /// names, and of nothing else that the file may hold.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Name, shape and numbers of each tensor, in the order of the names.
    pub(super) fn tensors(&self) -> impl Iterator<Item = (&str, &[usize], &[f32])> {
        self.tensors.iter().map(|(name, tensor)| (name.as_str(), &tensor.shape[..], &tensor.values[..]))
    }
}

/// The tensors of the network among those of a file, of which nothing must be missing, surplus or of another shape.
fn held_against(
    network: Published,
    path: &Path,
    mut found: BTreeMap<String, HostTensor>,
) -> Result<BTreeMap<String, HostTensor>, PretrainedError> {
    found.retain(|name, _| !names::is_known_surplus(name));
    let expected = expected::tensors(network);
    let missing: Vec<String> = expected.keys().filter(|name| !found.contains_key(*name)).cloned().collect();
    let surplus: Vec<String> = found.keys().filter(|name| !expected.contains_key(*name)).cloned().collect();
    let misshapen: Vec<String> = expected
        .iter()
        .filter_map(|(name, shape)| Some((name, shape, &found.get(name)?.shape)))
        .filter(|(_, expected, found)| expected != found)
        .map(|(name, expected, found)| format!("{name} has shape {found:?} in place of {expected:?}"))
        .collect();
    if missing.is_empty() && surplus.is_empty() && misshapen.is_empty() {
        return Ok(found);
    }
    let shapes: BTreeMap<&String, &Vec<usize>> = found.iter().map(|(name, tensor)| (name, &tensor.shape)).collect();
    let is_of = |network: &Published| expected::tensors(*network).iter().eq(shapes.iter().map(|(n, s)| (*n, *s)));
    let really = Published::ALL.into_iter().find(is_of);
    let mismatch = Box::new(Mismatch { missing, surplus, misshapen, really });
    Err(PretrainedError::OtherNetwork { path: path.to_owned(), network, mismatch })
}

fn digest(tensors: &BTreeMap<String, HostTensor>) -> String {
    let mut hasher = blake3::Hasher::new_derive_key("xrun weights 1");
    let number = |hasher: &mut blake3::Hasher, n: usize| {
        hasher.update(&(n as u64).to_le_bytes());
    };
    for (name, tensor) in tensors {
        number(&mut hasher, name.len());
        hasher.update(name.as_bytes());
        number(&mut hasher, tensor.shape.len());
        tensor.shape.iter().for_each(|&size| number(&mut hasher, size));
        let bytes: Vec<u8> = tensor.values.iter().flat_map(|value| value.to_le_bytes()).collect();
        hasher.update(&bytes);
    }
    hasher.finalize().to_hex().to_string()
}

#[cfg(test)]
mod handmade;
#[cfg(test)]
mod tests;
