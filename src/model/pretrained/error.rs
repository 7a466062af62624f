//! Why weights cannot be taken from a file.

use std::fmt;
use std::path::PathBuf;

use crate::spec::zoo::Published;
use crate::wording::count;

/// Names that are listed before the rest is counted.
const LISTED: usize = 3;

/// Why weights cannot be taken from a file.
#[derive(Debug, thiserror::Error)]
pub enum PretrainedError {
    /// The file is not there.
    #[error("there are no weights at {}; check the path, which counts from the project root", path.display())]
    Missing {
        /// The path.
        path: PathBuf,
    },
    /// A folder stands there.
    #[error("{} is a folder; name the .pth or .safetensors file that holds the weights", path.display())]
    Folder {
        /// The path.
        path: PathBuf,
    },
    /// The file cannot be read.
    #[error("cannot read the weights {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file begins like none that holds weights.
    #[error("{} holds no weights: it begins neither as a PyTorch file nor as safetensors; fetch the file again", path.display())]
    NotWeights {
        /// The file.
        path: PathBuf,
    },
    /// The file is not whole, or not what it says.
    #[error("{} is a torn or damaged {format}: {reason}; fetch the file again", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What it begins as.
        format: &'static str,
        /// How that is known.
        reason: String,
    },
    /// A pickle that wants something called.
    #[error(
        "{} is not taken: loading it in Python would call or name `{name}`, which no weights need; nothing of it was \
         executed; get the weights from where they were published", path.display()
    )]
    Calls {
        /// The file.
        path: PathBuf,
        /// What it wants called.
        name: String,
    },
    /// The tensors are not those of the network.
    #[error("{} does not hold the weights of {network}: {mismatch}", path.display())]
    OtherNetwork {
        /// The file.
        path: PathBuf,
        /// The network whose weights are wanted.
        network: Published,
        /// What differs.
        mismatch: Box<Mismatch>,
    },
    /// The weights are not those that were recorded.
    #[error(
        "the weights {} are not those that were recorded: digest {recorded} recorded, {found} found; use the same \
         weights, or take `digest` out of the backbone", path.display()
    )]
    OtherDigest {
        /// The file.
        path: PathBuf,
        /// As recorded.
        recorded: String,
        /// Of the file.
        found: String,
    },
}

/// How the tensors of a file differ from those of a network. Names are in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// Names of those that the file lacks.
    pub missing: Vec<String>,
    /// Names of those that the network lacks.
    pub surplus: Vec<String>,
    /// Those of another shape, each as a sentence.
    pub misshapen: Vec<String>,
    /// The network whose weights they are.
    pub really: Option<Published>,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(network) = self.really {
            return write!(f, "they are those of {network}; use {network}(...) as the backbone, or another file");
        }
        let mut parts = Vec::new();
        for (what, names) in [("missing", &self.missing), ("surplus", &self.surplus)] {
            if !names.is_empty() {
                parts.push(format!("{} {what} ({})", count(names.len(), "tensor"), listed(names)));
            }
        }
        if !self.misshapen.is_empty() {
            parts.push(format!(
                "{} of another shape ({})",
                count(self.misshapen.len(), "tensor"),
                listed(&self.misshapen)
            ));
        }
        write!(f, "{}; use a file of this network", parts.join(", "))
    }
}

/// The first few, and how many there are more.
fn listed(names: &[String]) -> String {
    let shown = names.iter().take(LISTED).map(String::as_str).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(LISTED) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
