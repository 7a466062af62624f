//! Tensors out of a file: safetensors, or what PyTorch saves, which is a pickle. A pickle can ask for anything to be
//! called; here it is read as data, and one that asks for more than tensors take is refused.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use burn::store::burn_pack::Tensor as StoredTensor;
use burn::store::pytorch::PytorchReader;
use burn::store::pytorch_reader::PickleValue;
use burn::store::{ModuleStore, PytorchStore, SafetensorsStore};
use burn::tensor::TensorData;

use super::PretrainedError;

const PYTORCH: &str = "PyTorch file";
const SAFETENSORS: &str = "safetensors file";

/// Packages whose objects stand beside tensors in files that PyTorch saved.
const HARMLESS: [&str; 3] = ["torch.", "numpy.", "collections."];

/// A tensor on the host.
#[derive(Clone, Debug)]
pub(super) struct HostTensor {
    pub(super) shape: Vec<usize>,
    /// Row by row.
    pub(super) values: Vec<f32>,
}

/// What a file begins as.
enum Format {
    PyTorch,
    Safetensors,
}

/// Every tensor of a file by its name there.
pub(super) fn read(path: &Path) -> Result<BTreeMap<String, HostTensor>, PretrainedError> {
    let own = || path.to_owned();
    let io = |source: std::io::Error| match source.kind() {
        std::io::ErrorKind::NotFound => PretrainedError::Missing { path: own() },
        _ => PretrainedError::Read { path: own(), source },
    };
    if fs::metadata(path).map_err(io)?.is_dir() {
        return Err(PretrainedError::Folder { path: own() });
    }
    let bytes = fs::read(path).map_err(io)?;
    let (stored, format) = match format_of(&bytes) {
        Some(Format::Safetensors) => {
            let damaged = |reason: String| PretrainedError::Damaged { path: own(), format: SAFETENSORS, reason };
            let mut store = SafetensorsStore::from_bytes(Some(bytes));
            (store.get_all_tensors().map_err(|error| damaged(error.to_string()))?.clone(), SAFETENSORS)
        }
        Some(Format::PyTorch) => (pytorch(path)?, PYTORCH),
        None => return Err(PretrainedError::NotWeights { path: own() }),
    };
    let damaged = |reason: String| PretrainedError::Damaged { path: own(), format, reason };
    stored
        .into_iter()
        .filter(|(_, tensor)| tensor.dtype.is_float())
        .map(|(name, tensor)| host(tensor).map(|tensor| (name, tensor)).map_err(damaged))
        .collect()
}

/// A zip archive or a pickle of protocol 2 or later, as PyTorch has written since version 0.1.10; or the length of a
/// JSON header and the header.
fn format_of(bytes: &[u8]) -> Option<Format> {
    if bytes.get(8) == Some(&b'{') && bytes[..8].ends_with(&[0; 4]) {
        Some(Format::Safetensors)
    } else if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"\x80") {
        Some(Format::PyTorch)
    } else {
        None
    }
}

fn pytorch(path: &Path) -> Result<BTreeMap<String, StoredTensor>, PretrainedError> {
    let damaged = |reason: String| PretrainedError::Damaged { path: path.to_owned(), format: PYTORCH, reason };
    let pickle = PytorchReader::read_pickle_data(path, None).map_err(|error| damaged(error.to_string()))?;
    if let Some(name) = stranger(&pickle) {
        return Err(PretrainedError::Calls { path: path.to_owned(), name: name.to_owned() });
    }
    // Names are kept as they are: by default the store would renumber lists with gaps.
    let mut store = PytorchStore::from_file(path).map_indices_contiguous(false);
    store.get_all_tensors().cloned().map_err(|error| damaged(error.to_string()))
}

/// The first thing in a pickle that neither holds numbers nor stands beside them.
fn stranger(value: &PickleValue) -> Option<&str> {
    match value {
        PickleValue::Unsupported(name) => {
            let is_harmless = !name.contains('.') || HARMLESS.iter().any(|package| name.starts_with(package));
            (!is_harmless).then_some(name)
        }
        PickleValue::List(items) => items.iter().find_map(stranger),
        // Any one will do, but the same one every time.
        PickleValue::Dict(entries) => entries.values().filter_map(stranger).min(),
        _ => None,
    }
}

fn host(tensor: StoredTensor) -> Result<HostTensor, String> {
    let (name, dtype, shape, _, bytes) = tensor.into_parts().map_err(|error| error.to_string())?;
    let data = TensorData::from_bytes(bytes, shape.clone(), dtype).convert::<f32>();
    let values = data.try_into_vec::<f32>().map_err(|error| format!("{name}: {error:?}"))?;
    Ok(HostTensor { shape: shape.to_vec(), values })
}
