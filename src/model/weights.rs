//! Weights as safetensors, under the names and in the layouts of PyTorch (`backbone.blocks.0.norm.weight`, linear
//! weights `[outputs, inputs]`), so that other tools read them. The bytes depend on the weights alone.

use burn::store::{
    BurnToPyTorchAdapter, ModuleSnapshot, PyTorchToBurnAdapter, SafetensorsStore, SafetensorsStoreError,
};

use super::network::Network;

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
        // Metadata is left out: it would be written in the random order of a hash map.
        let mut store = SafetensorsStore::from_bytes(None)
            .clear_metadata()
            .with_to_adapter(BurnToPyTorchAdapter)
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
        let mut store =
            SafetensorsStore::from_bytes(Some(bytes)).with_from_adapter(PyTorchToBurnAdapter).skip_enum_variants(true);
        let result = self.load_from(&mut store).map_err(|error| read(error.to_string()))?;
        match result.unused.first() {
            Some(name) => Err(read(format!("`{name}` is no tensor of the network"))),
            None => Ok(self),
        }
    }
}
