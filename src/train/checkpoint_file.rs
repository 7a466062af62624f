//! A checkpoint as bytes: a header in JSON, then the numbers as they lie in memory, under one digest.
//!
//! ```text
//! 8 bytes    "xrunfit\0"
//! 4 bytes    format, little-endian as everything
//! 32 bytes   BLAKE3 of all that follows
//! 8 bytes    length of the header
//! header     JSON
//! the rest   safetensors of the network, of the best network if it is another, then vectors of f32
//! ```
//! Floats of records stand in the header as their bits: JSON has no infinity and no NaN.

use serde::{Deserialize, Serialize};

use super::checkpoint::{Origin, Progress};
use super::early_stop::Seen;
use super::histogram::HistogramOf;
use super::optimizer::HostMemory;
use super::schedule::Plateau;
use super::{Checkpoint, CheckpointError, EpochRecord, Histogram, PhaseOutcome};
use crate::metric::Metric;

const MAGIC: &[u8; 8] = b"xrunfit\0";
const FORMAT: u32 = 2;

/// Everything but the numbers of tensors, of which it has the lengths.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    origin: Origin,
    epochs: Vec<Epoch>,
    phases: Vec<PhaseOutcome>,
    kept_epoch: usize,
    best_value: Option<Bits>,
    reference_value: Option<Bits>,
    waited: usize,
    plateau: PlateauSeen,
    network_bytes: usize,
    best_network_bytes: Option<usize>,
    memories: Vec<Memory>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Epoch {
    epoch: usize,
    phase: String,
    train_loss: Bits,
    validation: Vec<(Metric, Bits)>,
    histograms: Vec<Bars>,
}

/// A histogram.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Bars {
    tensor: String,
    of: HistogramOf,
    low: Bits,
    high: Bits,
    counts: Vec<u64>,
    n_not_finite: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PlateauSeen {
    best_value: Option<Bits>,
    waited: usize,
    n_reductions: usize,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Memory {
    path: String,
    steps: u32,
    vector_lengths: [Option<usize>; 4],
}

/// A float as its bits.
#[derive(Clone, Copy, Serialize, Deserialize)]
struct Bits(u64);

impl From<f64> for Bits {
    fn from(value: f64) -> Self {
        Self(value.to_bits())
    }
}

impl From<Bits> for f64 {
    fn from(Bits(bits): Bits) -> Self {
        Self::from_bits(bits)
    }
}

impl Checkpoint {
    /// The checkpoint as the bytes of a file; equal checkpoints give equal bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let header = serde_json::to_vec(&self.header()).expect("texts and integers can be written as JSON");
        let mut body = (header.len() as u64).to_le_bytes().to_vec();
        body.extend(header);
        body.extend(&self.network);
        body.extend(self.progress.best.iter().flatten());
        for memory in &self.progress.memories {
            body.extend(memory.vectors.iter().flatten().flatten().flat_map(|value| value.to_le_bytes()));
        }
        let mut bytes = MAGIC.to_vec();
        bytes.extend(FORMAT.to_le_bytes());
        bytes.extend(blake3::hash(&body).as_bytes());
        bytes.append(&mut body);
        bytes
    }

    /// The checkpoint of a file, which must be whole.
    ///
    /// # Errors
    /// The bytes are no checkpoint, are of another format, or are not all those that were written.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CheckpointError> {
        let mut file = Reader(bytes.strip_prefix(MAGIC).ok_or(CheckpointError::NotOne)?);
        let found = u32::from_le_bytes(file.array()?);
        if found != FORMAT {
            return Err(CheckpointError::Format { found, known: FORMAT });
        }
        let digest: [u8; blake3::OUT_LEN] = file.array()?;
        if blake3::hash(file.0) != digest {
            return Err(damaged("its digest is another"));
        }
        let header_len = usize::try_from(u64::from_le_bytes(file.array()?)).unwrap_or(usize::MAX);
        let header: Header = serde_json::from_slice(file.take(header_len)?).map_err(damaged)?;
        let network = file.take(header.network_bytes)?.to_vec();
        let best = header.best_network_bytes.map(|n| file.take(n).map(<[u8]>::to_vec)).transpose()?;
        let memories = header.memories.into_iter().map(|memory| file.memory(memory)).collect::<Result<_, _>>()?;
        if !file.0.is_empty() {
            return Err(damaged("it is longer than its header says"));
        }
        let seen = Seen {
            best: header.best_value.map(f64::from),
            reference: header.reference_value.map(f64::from),
            waited: header.waited,
        };
        let PlateauSeen { best_value, waited, n_reductions } = header.plateau;
        let plateau = Plateau { best: best_value.map(f64::from), waited, n_reductions };
        Ok(Self {
            origin: header.origin,
            epochs: header.epochs.into_iter().map(EpochRecord::from).collect(),
            phases: header.phases,
            network,
            progress: Progress { kept_epoch: header.kept_epoch, best, seen, plateau, memories },
        })
    }

    fn header(&self) -> Header {
        let Progress { kept_epoch, best, seen, plateau, memories } = &self.progress;
        let memory = |memory: &HostMemory| Memory {
            path: memory.path.clone(),
            steps: memory.steps,
            vector_lengths: memory.vectors.each_ref().map(|vector| vector.as_ref().map(Vec::len)),
        };
        Header {
            origin: self.origin.clone(),
            epochs: self.epochs.iter().map(Epoch::from).collect(),
            phases: self.phases.clone(),
            kept_epoch: *kept_epoch,
            best_value: seen.best.map(Bits::from),
            reference_value: seen.reference.map(Bits::from),
            waited: seen.waited,
            plateau: PlateauSeen {
                best_value: plateau.best.map(Bits::from),
                waited: plateau.waited,
                n_reductions: plateau.n_reductions,
            },
            network_bytes: self.network.len(),
            best_network_bytes: best.as_ref().map(Vec::len),
            memories: memories.iter().map(memory).collect(),
        }
    }
}

impl From<&EpochRecord> for Epoch {
    fn from(record: &EpochRecord) -> Self {
        Self {
            epoch: record.epoch,
            phase: record.phase.clone(),
            train_loss: record.train_loss.into(),
            validation: record.validation.iter().map(|&(metric, value)| (metric, value.into())).collect(),
            histograms: record.histograms.iter().map(Bars::from).collect(),
        }
    }
}

impl From<Epoch> for EpochRecord {
    fn from(Epoch { epoch, phase, train_loss, validation, histograms }: Epoch) -> Self {
        let validation = validation.into_iter().map(|(metric, value)| (metric, value.into())).collect();
        let histograms = histograms.into_iter().map(Histogram::from).collect();
        Self { epoch, phase, train_loss: train_loss.into(), validation, histograms }
    }
}

impl From<&Histogram> for Bars {
    fn from(histogram: &Histogram) -> Self {
        let Histogram { tensor, of, low, high, counts, n_not_finite } = histogram.clone();
        Self { tensor, of, low: low.into(), high: high.into(), counts, n_not_finite }
    }
}

impl From<Bars> for Histogram {
    fn from(Bars { tensor, of, low, high, counts, n_not_finite }: Bars) -> Self {
        Self { tensor, of, low: low.into(), high: high.into(), counts, n_not_finite }
    }
}

/// What is left to read.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, n: usize) -> Result<&'a [u8], CheckpointError> {
        let (taken, rest) = self.0.split_at_checked(n).ok_or_else(|| damaged("it ends too early"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], CheckpointError> {
        let (taken, rest) = self.0.split_first_chunk().ok_or_else(|| damaged("it ends too early"))?;
        self.0 = rest;
        Ok(*taken)
    }

    fn memory(&mut self, Memory { path, steps, vector_lengths }: Memory) -> Result<HostMemory, CheckpointError> {
        let mut vector = |n: usize| {
            let (numbers, _) = self.take(n.saturating_mul(size_of::<f32>()))?.as_chunks();
            Ok(numbers.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect())
        };
        let [velocity, mean, square, average] = vector_lengths.map(|n| n.map(&mut vector).transpose());
        Ok(HostMemory { path, steps, vectors: [velocity?, mean?, square?, average?] })
    }
}

fn damaged(reason: impl std::fmt::Display) -> CheckpointError {
    CheckpointError::Damaged { reason: reason.to_string() }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    /// Numbers that a decimal or a rounded form would lose.
    fn small() -> Checkpoint {
        let origin = ["model", "phases", "seed", "data", "rows", "device"].map(|part| (part, "digest"));
        let origin = serde_json::from_value(origin.into_iter().collect()).unwrap();
        let record = |epoch, train_loss, value| EpochRecord {
            epoch,
            phase: "näme \"quoted\"".to_owned(),
            train_loss,
            validation: vec![(Metric::RocAuc, value), (Metric::LogLoss, -0.0)],
            histograms: vec![Histogram {
                tensor: "a.weight".to_owned(),
                of: HistogramOf::Gradients,
                low: -0.1,
                high: f64::MIN_POSITIVE,
                counts: vec![3, 0, u64::MAX],
                n_not_finite: 2,
            }],
        };
        let finished = PhaseOutcome { name: "first".to_owned(), first_epoch: 1, last_epoch: 1, kept_epoch: 1 };
        let subnormal = f32::from_bits(1);
        Checkpoint {
            origin,
            epochs: vec![record(1, 0.1 + 0.2, f64::INFINITY), record(2, f64::MIN_POSITIVE / 4.0, 1.0 / 3.0)],
            phases: vec![finished],
            network: vec![1, 2, 3],
            progress: Progress {
                kept_epoch: 1,
                best: Some(vec![4, 5]),
                seen: Seen { best: Some(f64::NEG_INFINITY), reference: Some(-0.0), waited: 7 },
                plateau: Plateau { best: Some(0.1 + 0.2), waited: 3, n_reductions: 5 },
                memories: vec![
                    HostMemory {
                        path: "a.weight".to_owned(),
                        steps: u32::MAX,
                        vectors: [
                            Some(vec![-0.0, subnormal, f32::NEG_INFINITY]),
                            None,
                            Some(vec![0.1]),
                            Some(vec![f32::MAX]),
                        ],
                    },
                    HostMemory { path: "b".to_owned(), steps: 0, vectors: [None, Some(vec![]), None, None] },
                ],
            },
        }
    }

    #[test]
    fn every_bit_comes_back() {
        let bytes = small().to_bytes();
        let back = Checkpoint::from_bytes(&bytes).unwrap();
        assert_eq!(back, small());
        let bits = |vector: &Option<Vec<f32>>| vector.as_ref().unwrap().iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&back.progress.memories[0].vectors[0]), [0x8000_0000, 1, 0xff80_0000]);
        assert_eq!(back.progress.seen.reference.unwrap().to_bits(), 1 << 63);
        assert_eq!(back.epochs[1].train_loss.to_bits(), 1 << 50);
        assert_eq!(back.epochs[0].validation[1].1.to_bits(), 1 << 63);
        assert_eq!(back.to_bytes(), bytes);

        let mut unkept = small();
        unkept.epochs[0].train_loss = f64::from_bits(0x7ff8_0000_0000_1234);
        unkept.progress.best = None;
        let back = Checkpoint::from_bytes(&unkept.to_bytes()).unwrap();
        assert_eq!(back.epochs[0].train_loss.to_bits(), 0x7ff8_0000_0000_1234, "a NaN keeps its payload");
        assert_eq!(back.progress.best, None);
    }

    #[test]
    fn a_flipped_bit_anywhere_is_noticed() {
        let bytes = small().to_bytes();
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut flipped = bytes.clone();
                flipped[at] ^= 1 << bit;
                let error = Checkpoint::from_bytes(&flipped).unwrap_err();
                let as_expected = match at {
                    0..8 => error == CheckpointError::NotOne,
                    8..12 => matches!(error, CheckpointError::Format { known: 2, .. }),
                    _ => error == damaged("its digest is another"),
                };
                assert!(as_expected, "byte {at}, bit {bit}: {error}");
            }
        }
    }

    #[test]
    fn a_file_that_is_cut_or_goes_on_is_noticed() {
        let bytes = small().to_bytes();
        for n in 0..bytes.len() {
            assert!(Checkpoint::from_bytes(&bytes[..n]).is_err(), "{n} bytes");
        }
        for more in [0, 1] {
            let longer = [bytes.as_slice(), &[more]].concat();
            assert_eq!(Checkpoint::from_bytes(&longer).unwrap_err(), damaged("its digest is another"));
        }
        assert_eq!(
            Checkpoint::from_bytes(b"{}").unwrap_err().to_string(),
            "this is no checkpoint of a training; train from the start"
        );
    }

    #[test]
    fn a_header_that_does_not_fit_its_file_is_an_error_even_under_a_valid_digest() {
        let bytes = small().to_bytes();
        let body = &bytes[44..];
        let sealed = |body: &[u8]| [&bytes[..12], blake3::hash(body).as_bytes().as_slice(), body].concat();
        assert_eq!(sealed(body), bytes);
        let message = |body: &[u8]| Checkpoint::from_bytes(&sealed(body)).unwrap_err().to_string();
        let because = |reason| format!("the checkpoint is torn or damaged: {reason}; train from the start");
        assert_eq!(message(&[body, &[0]].concat()), because("it is longer than its header says"));
        for n in 0..body.len() {
            assert!(Checkpoint::from_bytes(&sealed(&body[..n])).is_err(), "{n} bytes");
        }
        let mut endless = body.to_vec();
        endless[..8].fill(0xff);
        assert_eq!(message(&endless), because("it ends too early"));
        let text = String::from_utf8_lossy(&body[8..]).into_owned();
        let huge = text.replace("\"vector_lengths\":[3,", &format!("\"vector_lengths\":[{},", usize::MAX));
        let header = &huge.as_bytes()[..huge.rfind("}]}").unwrap() + 3];
        let huge = [&(header.len() as u64).to_le_bytes(), header].concat();
        assert_eq!(message(&huge), because("it ends too early"));
    }
}
