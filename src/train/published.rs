//! Features of a backbone that still has the weights it was published with: they depend on a picture alone, so fits share
//! them.

use std::collections::HashSet;

use burn::tensor::Device;
use rayon::prelude::*;

use super::batch::Rows;
use super::feature_store::{FeatureStore, PictureDigest};
use super::predictor::{EVALUATION_BATCH, evaluate, read};
use super::{Preprocessing, TrainError, TrainSpec};
use crate::data::{Dataset, Features, Pictures};
use crate::device::OpenDevice;
use crate::model::Network;
use crate::numerics;

/// What the published backbone of a fit gives for pictures, under a key of everything that can change a number of it.
#[derive(Clone, Debug)]
pub(super) struct PublishedFeatures {
    store: FeatureStore,
    key: String,
}

impl PublishedFeatures {
    /// Of a fit that keeps features and begins with published weights; none of any other. The digest of the weights must
    /// be known.
    pub(super) fn of(spec: &TrainSpec<'_>, preprocessing: &Preprocessing, device: &OpenDevice) -> Option<Self> {
        let store = spec.features?.clone();
        let (network, file) = spec.model.backbone.weights()?;
        let Preprocessing::Pictures(scaling) = preprocessing else { return None };
        let parts =
            [numerics::VERSION, device.class(), network.name(), file.digest.as_deref()?, &format!("{scaling:?}")];
        let mut key = blake3::Hasher::new();
        for part in parts {
            key.update(&part.len().to_le_bytes()).update(part.as_bytes());
        }
        Some(Self { store, key: key.finalize().to_hex().to_string() })
    }

    /// What the backbone of an evaluating network gives for the rows, in place of the rows themselves; only pictures that
    /// nobody has put through it before are. `said` hears how many of the rows are known, and answers whether to go on.
    ///
    /// # Errors
    /// The device fails, features cannot be kept, or `said` says so.
    pub(super) fn rows(
        &self,
        network: &Network,
        source: &Rows<'_>,
        data: &Dataset,
        rows: &[usize],
        device: &Device,
        said: &mut dyn FnMut(usize, usize) -> Result<(), TrainError>,
    ) -> Result<Rows<'static>, TrainError> {
        let Features::Pictures(pictures) = data.features() else { unreachable!("the preprocessing is of pictures") };
        let digests: Vec<PictureDigest> = rows.par_iter().map(|&row| digest(pictures, row)).collect();
        let mut file = self.store.open(&self.key, network.n_features())?;
        loop {
            let mut seen = HashSet::new();
            let missing: Vec<usize> =
                (0..rows.len()).filter(|&at| file.get(&digests[at]).is_none() && seen.insert(digests[at])).collect();
            if missing.is_empty() {
                break;
            }
            said(rows.len() - missing.len(), rows.len())?;
            // Workers that come at the same time begin at different places, and each sees what the others have added.
            let start = std::process::id() as usize % missing.len();
            let batch: Vec<usize> =
                missing.iter().cycle().skip(start).take(EVALUATION_BATCH.min(missing.len())).copied().collect();
            let of_batch: Vec<usize> = batch.iter().map(|&at| rows[at]).collect();
            let features = evaluate(&of_batch, |rows| read(network.features(source.batch(rows, device))))?;
            file.add(&batch.iter().map(|&at| digests[at]).collect::<Vec<_>>(), &features)?;
        }
        let known = |at: usize| file.get(&digests[at]).expect("none is missing");
        let values = (0..rows.len()).flat_map(|at| known(at).iter().copied()).collect();
        Ok(Rows::of_features(values, rows, data.n()))
    }
}

fn digest(pictures: &Pictures, row: usize) -> PictureDigest {
    *blake3::hash(pictures.picture(row)).as_bytes()
}
