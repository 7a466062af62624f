//! What an entry of the catalogue says, and where it lies.

use std::path::{Path, PathBuf};

use super::checksum::Checksum;

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Rows to learn from.
    DataSet,
    /// Tensors of a trained network.
    Weights,
}

impl Kind {
    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::DataSet => "data set",
            Self::Weights => "weights",
        }
    }
}

/// Something that can be fetched under a name.
#[derive(Debug)]
pub struct Entry {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) title: &'static str,
    pub(super) licence: &'static str,
    /// Where its files go, below the folder of data sets and weights.
    pub(super) folder: &'static str,
    pub(super) files: &'static [Remote],
    /// The line for a script, with `{}` for the place.
    pub(super) line: &'static str,
}

/// A published file.
#[derive(Debug)]
pub struct Remote {
    /// Its name on disk, and on a mirror.
    pub(super) name: &'static str,
    /// Addresses, asked in this order.
    pub(super) urls: &'static [&'static str],
    pub(super) size_bytes: u64,
    pub(super) checksum: Checksum,
    /// What a `.gz` that is kept packed unpacks to: the same content may have been packed by another program.
    pub(super) content: Option<Content>,
    pub(super) unpack: Option<Unpack>,
}

/// What a `.gz` unpacks to.
#[derive(Debug)]
pub(super) struct Content {
    pub(super) size_bytes: u64,
    pub(super) checksum: Checksum,
}

/// What is taken out of a `.tar.gz`.
#[derive(Debug)]
pub(super) struct Unpack {
    /// The file or folder in the archive that is kept.
    pub(super) take: &'static str,
    /// Its name on disk.
    pub(super) to: &'static str,
    /// Bounds of what the whole archive may hold.
    pub(super) most_bytes: u64,
    pub(super) most_entries: usize,
    /// What is in it when it is whole.
    pub(super) holds: &'static [Holds],
}

/// Something by which a whole copy is known.
#[derive(Debug)]
pub(super) enum Holds {
    /// A file of this size in the folder.
    File(&'static str, u64),
    /// At least this many files whose names end so in the folder below.
    Count(&'static str, &'static str, usize),
    /// The file itself has this size and checksum.
    Itself(u64, Checksum),
}

impl Entry {
    /// Its name on the command line.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// What it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// What it is, in words.
    #[must_use]
    pub fn title(&self) -> &'static str {
        self.title
    }

    /// Its licence, or whom to cite.
    #[must_use]
    pub fn licence(&self) -> &'static str {
        self.licence
    }

    /// Its files.
    #[must_use]
    pub fn files(&self) -> &'static [Remote] {
        self.files
    }

    /// Bytes to fetch.
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        self.files.iter().map(|file| file.size_bytes).sum()
    }

    /// What a script names: the folder of a data set, the file of weights.
    #[must_use]
    pub fn place(&self, data: &Path) -> PathBuf {
        let folder = data.join(self.folder);
        match (self.kind, self.files) {
            (Kind::Weights, [file]) => folder.join(file.place()),
            // CIFAR-10 lies in the folder that its archive brings.
            (Kind::DataSet, [file]) => folder.join(file.place()),
            _ => folder,
        }
    }

    /// The line of a script that uses it at this place.
    #[must_use]
    pub fn line(&self, place: &Path) -> String {
        self.line.replace("{}", &place.display().to_string())
    }

    /// How it comes without a network: which file to put where.
    #[must_use]
    pub fn by_hand(&self, data: &Path) -> String {
        let folder = data.join(self.folder);
        let files = self.files.iter().filter(|file| !folder.join(file.place()).exists());
        let lines = files.filter_map(|file| {
            let url = file.urls.first()?;
            Some(format!("\n  {url}\n    as {}", folder.join(file.name).display()))
        });
        format!(
            "to do it by hand, save{}\n  then `xrun data verify {name}` checks it, and `xrun data fetch {name}` takes and unpacks what is there",
            lines.collect::<String>(),
            name = self.name
        )
    }
}

impl Remote {
    /// Its name on disk, and on a mirror.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Its addresses, in the order in which they are asked.
    #[must_use]
    pub fn urls(&self) -> &'static [&'static str] {
        self.urls
    }

    /// The name of what is left of it: itself, or what it is unpacked to.
    pub(super) fn place(&self) -> &'static str {
        self.unpack.as_ref().map_or(self.name, |unpack| unpack.to)
    }
}
