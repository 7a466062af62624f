//! Weights as safetensors, under the names and in the layouts of PyTorch (`backbone.blocks.0.norm.weight`, linear
//! weights `[outputs, inputs]`), so that other tools read them. The bytes depend on the weights alone.

use std::collections::BTreeMap;

use burn::store::burn_pack::Tensor as StoredTensor;
use burn::store::{
    BurnToPyTorchAdapter, ModuleAdapter, ModuleContext, ModuleSnapshot, ModuleStore, PyTorchToBurnAdapter,
    SafetensorsStore, SafetensorsStoreError,
};
use burn::tensor::{Bytes, DType};

use super::network::Network;
use super::pretrained::Pretrained;

/// Why weights cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum WeightsError {
    /// The weights cannot be brought into the format.
    #[error("cannot write the weights as safetensors: {reason}")]
    Write {
        /// What stood in the way.
        reason: String,
    },
    /// The bytes are not the weights of this network.
    #[error("the safetensors are not the weights of this network: {reason}; use the model.json beside the weights")]
    Read {
        /// What does not fit.
        reason: String,
    },
}

impl Network {
    /// The weights and running statistics as the bytes of a safetensors file.
    ///
    /// # Errors
    /// The device does not hand out its tensors.
    pub fn to_safetensors(&self) -> Result<Vec<u8>, WeightsError> {
        let names = Names::from_module(self.layer_names());
        // Metadata is left out: it would be written in the random order of a hash map.
        let mut store = SafetensorsStore::from_bytes(None)
            .clear_metadata()
            .with_to_adapter(BurnToPyTorchAdapter.chain(names))
            .skip_enum_variants(true);
        let write = |error: SafetensorsStoreError| WeightsError::Write { reason: error.to_string() };
        self.save_into(&mut store).map_err(write)?;
        store.get_bytes().map_err(write)
    }

    /// The network with the weights and running statistics of a safetensors file.
    ///
    /// # Errors
    /// The bytes are damaged, or a tensor is missing, left over or of another shape.
    pub fn with_safetensors(mut self, bytes: Vec<u8>) -> Result<Self, WeightsError> {
        let read = |reason: String| WeightsError::Read { reason };
        let mut store = SafetensorsStore::from_bytes(Some(bytes));
        let stored = store.get_all_tensors().map_err(|error| read(error.to_string()))?;
        let names = Names::to_module(self.layer_names());
        let tensors = stored.values().map(|tensor| names.renamed(tensor.clone())).collect();
        let result = self.apply(tensors, None, Some(Box::new(PyTorchToBurnAdapter)), true);
        let names = Names::from_module(self.layer_names());
        if let Some(error) = result.errors.first() {
            return Err(read(error.to_string()));
        }
        if let Some((path, _)) = result.missing.first() {
            return Err(read(format!("`{}` is missing", names.of(path))));
        }
        match result.unused.first() {
            Some(path) => Err(read(format!("`{}` is no tensor of the network", names.of(path)))),
            None => Ok(self),
        }
    }

    /// The network with its backbone's weights and running statistics replaced by published ones.
    ///
    /// # Errors
    /// They are another network's.
    pub fn with_pretrained(mut self, pretrained: &Pretrained) -> Result<Self, WeightsError> {
        let names = Names::to_module(self.layer_names());
        let stored = |(name, shape, values): (&str, &[usize], &[f32])| {
            let bytes = Bytes::from_elems(values.to_vec());
            names.renamed(StoredTensor::new(format!("backbone.{name}"), DType::F32, shape.to_vec(), None, bytes))
        };
        let tensors = pretrained.tensors().map(stored).collect();
        let result = self.apply(tensors, None, Some(Box::new(PyTorchToBurnAdapter)), true);
        let names = Names::from_module(self.layer_names());
        let read = |reason: String| WeightsError::Read { reason };
        if let Some(error) = result.errors.first() {
            return Err(read(error.to_string()));
        }
        if let Some((path, _)) = result.missing.iter().find(|(path, _)| path.starts_with("backbone.")) {
            return Err(read(format!("`{}` is missing", names.of(path))));
        }
        match result.unused.first() {
            Some(path) => Err(read(format!("`{}` is no tensor of the network", names.of(path)))),
            None => Ok(self),
        }
    }
}

impl Network {
    /// The name in a safetensors file of the tensor at a path in the module.
    #[must_use]
    pub fn tensor_name(&self, path: &str) -> String {
        // A layer's path ends in the variant of its enum, and norms have names of Burn's own.
        let (parent, tensor) = path.rsplit_once('.').unwrap_or(("", path));
        let names = Names::from_module(self.layer_names());
        let of_layer = parent.rsplit_once('.').and_then(|(layer, _variant)| names.0.get(layer));
        let tensor = match tensor {
            "gamma" => "weight",
            "beta" => "bias",
            other => other,
        };
        match of_layer.or_else(|| names.0.get(parent)) {
            Some(layer) => format!("{layer}.{tensor}"),
            None => format!("{parent}.{tensor}"),
        }
    }
}

/// Puts the names of layers in the place of where they stand in the module, or the other way round.
#[derive(Clone)]
struct Names(BTreeMap<String, String>);

impl Names {
    /// From `backbone.layers.0` to the layer's name.
    fn from_module<'a>(layers: impl Iterator<Item = (String, &'a str)>) -> Self {
        Self(layers.map(|(module, name)| (module, name.to_owned())).collect())
    }

    /// From the layer's name to `backbone.layers.0`.
    fn to_module<'a>(layers: impl Iterator<Item = (String, &'a str)>) -> Self {
        Self(layers.map(|(module, name)| (name.to_owned(), module)).collect())
    }

    /// The path of a tensor with the part before its last dot replaced, if it is known.
    fn of(&self, path: &str) -> String {
        match path.rsplit_once('.').and_then(|(layer, tensor)| Some((self.0.get(layer)?, tensor))) {
            Some((layer, tensor)) => format!("{layer}.{tensor}"),
            None => path.to_owned(),
        }
    }

    fn renamed(&self, mut tensor: StoredTensor) -> StoredTensor {
        tensor.name = self.of(&tensor.name);
        tensor
    }
}

impl ModuleAdapter for Names {
    fn adapt(&self, tensor: StoredTensor, _: ModuleContext<'_>) -> StoredTensor {
        self.renamed(tensor)
    }

    fn clone_box(&self) -> Box<dyn ModuleAdapter> {
        Box::new(self.clone())
    }
}
