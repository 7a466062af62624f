//! The arguments of `xrun data`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::settings::Flags;

#[derive(Debug, Subcommand)]
pub(super) enum DataCommand {
    /// List the data sets and weights that can be fetched, and which are there
    Ls(DataListArguments),
    /// Fetch data sets and weights from their publishers, check and unpack them; goes on with what was cut
    Fetch(FetchArguments),
    /// Hold what is there against what was published
    Verify(VerifyArguments),
}

#[derive(Debug, Args)]
pub(super) struct DataListArguments {
    /// Print one JSON object an entry: name, kind, title, size_bytes, path, state, licence, urls
    #[arg(long)]
    pub(super) json: bool,

    #[command(flatten)]
    pub(super) folder: DataFolder,
}

#[derive(Debug, Args)]
pub(super) struct FetchArguments {
    /// Names, as `xrun data ls` lists them
    #[arg(value_name = "NAME", required = true)]
    pub(super) names: Vec<String>,

    /// A mirror: the address of a folder that has the files under their names
    #[arg(long, value_name = "BASE")]
    pub(super) url: Option<String>,

    /// Seconds without a byte after which a server counts as stalled
    #[arg(long, value_name = "SECONDS", default_value_t = 60.0, value_parser = seconds)]
    pub(super) stall: f64,

    /// Print nothing but the result
    #[arg(long, short)]
    pub(super) quiet: bool,

    #[command(flatten)]
    pub(super) folder: DataFolder,
}

#[derive(Debug, Args)]
pub(super) struct VerifyArguments {
    /// Names, as `xrun data ls` lists them [default: all that are there]
    #[arg(value_name = "NAME")]
    pub(super) names: Vec<String>,

    #[command(flatten)]
    pub(super) folder: DataFolder,
}

#[derive(Debug, Args)]
pub(super) struct DataFolder {
    /// Folder of data sets and weights [default: the setting `data`, data/ in the project]
    #[arg(long, value_name = "DIR")]
    into: Option<PathBuf>,
}

impl DataFolder {
    pub(super) fn flags(&self) -> Flags {
        Flags { data: self.into.clone(), ..Flags::default() }
    }
}

fn seconds(text: &str) -> Result<f64, String> {
    let seconds = text.parse::<f64>().ok().filter(|seconds| (0.001..=86_400.0).contains(seconds));
    seconds.ok_or_else(|| "it must be a number of seconds from 0.001 to 86400".to_owned())
}
