//! The arguments.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::record_args::{
    BestArguments, ExportArguments, ListArguments, NoteArguments, ShowArguments, TagArguments, UntagArguments,
};
use crate::settings::Flags;

pub(super) const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  the run failed, or its record could not be written
  2  wrong usage or config, or an input is missing
  3  the run finished, but some of its trials failed; or predict could not read everything
  4  a replay gave something else than what was recorded
  5  there is no such run
  6  the run is being written by another process
  130, 143  stopped by Ctrl-C or SIGTERM; xrun resume goes on";

/// Runs an experiment script: nested cross-validation with hyperparameter search, recorded so that it can be run again.
#[derive(Debug, Parser)]
#[command(
    name = "xrun",
    version = version(),
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    override_usage = "xrun [OPTIONS] SCRIPT [KEY=VALUE]...\n       xrun COMMAND",
    after_help = EXIT_CODES,
    disable_help_subcommand = true,
)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) command: Option<Command>,

    #[command(flatten)]
    pub(super) run: RunArguments,
}

fn version() -> &'static str {
    match option_env!("XRUN_COMMIT") {
        Some("") | None => env!("CARGO_PKG_VERSION"),
        Some(_) => concat!(env!("CARGO_PKG_VERSION"), " (", env!("XRUN_COMMIT"), ")"),
    }
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Evaluate a script, check the shapes of its network and show its space, without training
    Check(ScriptArguments),
    /// Show what can be set in a script, with default, help and what it accepts, and what is searched
    Params(ScriptArguments),
    /// Show what a run would do: data, folds, studies, fits
    Plan(PlanArguments),
    /// Give the next trial of an external objective: any program can evaluate it
    Ask(AskArguments),
    /// Take the value of a trial that was asked for
    Tell(TellArguments),
    /// Go on with a run that was stopped
    Resume(ResumeArguments),
    /// List the recorded runs, those that meet a filter, in the order and with the columns that are asked for
    Ls(ListArguments),
    /// Show a recorded run, a trial or a fit of it, with --model the layers of a network, with --augment its pictures
    Show(ShowArguments),
    /// Name the run of an experiment that is best on validation rows
    Best(BestArguments),
    /// Mark a run with tags, or show those it has
    Tag(TagArguments),
    /// Take tags off a run
    Untag(UntagArguments),
    /// Write a note about a run
    Note(NoteArguments),
    /// Write the trials, epochs or predictions of runs as one CSV table
    Export(ExportArguments),
    /// Write a page about recorded runs: results, curves, the search, where they come from
    Report(ReportArguments),
    /// Train a recorded run or fit again and compare every file: RUN, or RUN:outer-0/inner-0/final
    Replay(ReplayArguments),
    /// Make the model to ship of a run: its inner search again, on all rows
    Finalize(FinalizeArguments),
    /// Say what a model makes of pictures, folders of pictures, or rows of CSV files
    Predict(PredictArguments),
    /// Show what two recorded runs or fits differ in: config, provenance, results
    Diff(DiffArguments),
    /// Hold recorded runs against each other in one test metric, paired by their outer folds where these are the same
    Compare(CompareArguments),
    /// Remove recorded runs
    Rm(RemoveArguments),
    /// Remove what nobody needs: pieces of files, checkpoints of fits that ended, scratch folders
    Gc(CollectArguments),
    /// List, fetch and check published data sets and weights
    #[command(subcommand)]
    Data(super::data_args::DataCommand),
    /// Say whether this machine is ready: settings, folders, disk, data, devices; with --device, test that one
    Doctor(DoctorArguments),
    /// Show each setting and where it comes from
    Settings(SettingFlags),
    /// Print the completions for a shell: commands, flags, runs, and the params of a script
    Completions(CompletionsArguments),
    /// Write the manual pages into a folder
    Man(ManArguments),
    #[command(name = "__probe", hide = true)]
    Probe { device: String },
    #[command(name = crate::program::COMMAND, hide = true)]
    Guard,
    #[command(name = "__worker", hide = true)]
    Worker(WorkerArguments),
}

/// A script and what to change in it.
#[derive(Debug, Args)]
pub(super) struct ScriptArguments {
    /// The experiment script
    #[arg(value_name = "SCRIPT")]
    pub(super) script: PathBuf,

    /// Sets a param, fixes a parameter, or replaces what stands at a path
    #[arg(value_name = "KEY=VALUE")]
    pub(super) overrides: Vec<String>,

    /// Of a script with variants, this one alone; can be given several times
    #[arg(long, value_name = "VARIANT")]
    pub(super) only: Vec<String>,

    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct RunArguments {
    /// The experiment script
    #[arg(value_name = "SCRIPT", required = true)]
    pub(super) script: Option<PathBuf>,

    /// Sets a param, fixes a parameter, or replaces what stands at a path
    #[arg(value_name = "KEY=VALUE")]
    pub(super) overrides: Vec<String>,

    /// Of a script with variants, this one alone; can be given several times
    #[arg(long, value_name = "VARIANT")]
    pub(super) only: Vec<String>,

    /// Print one JSON object at the end: run, path, status, n_fits, n_trained, n_reused, metrics; of variants record, path,
    /// status, variants
    #[arg(long)]
    pub(super) json: bool,

    /// Print nothing but the result
    #[arg(long, short)]
    pub(super) quiet: bool,

    /// Train every fit, even if one with the same key is recorded
    #[arg(long)]
    pub(super) fresh: bool,

    #[command(flatten)]
    pub(super) settings: SettingFlags,
}

#[derive(Debug, Args)]
pub(super) struct ResumeArguments {
    /// An id, the beginning of one, a path, or @latest
    #[arg(value_name = "RUN", default_value = "@latest")]
    pub(super) run: String,

    /// Says where the data are now, as in data=PATH
    #[arg(value_name = "KEY=VALUE")]
    pub(super) overrides: Vec<String>,

    /// Print one JSON object at the end, as a run does
    #[arg(long)]
    pub(super) json: bool,

    /// Print nothing but the result
    #[arg(long, short)]
    pub(super) quiet: bool,

    #[command(flatten)]
    pub(super) settings: SettingFlags,
}

#[derive(Debug, Args)]
pub(super) struct AskArguments {
    /// The experiment script, whose objective is external(#{...})
    #[arg(value_name = "SCRIPT")]
    pub(super) script: PathBuf,

    /// Sets a param, fixes a parameter, or replaces what stands at a path
    #[arg(value_name = "KEY=VALUE")]
    pub(super) overrides: Vec<String>,

    /// The run it belongs to [default: the latest of this very experiment; a new one if there is none]
    #[arg(long, value_name = "RUN", conflicts_with = "new")]
    pub(super) run: Option<String>,

    /// Begin a new run
    #[arg(long)]
    pub(super) new: bool,

    /// Give this trial once more, which was asked for and not told
    #[arg(long, value_name = "N", conflicts_with = "new")]
    pub(super) again: Option<usize>,

    /// Print one JSON object: run, path, n_trials, done, trial, assignment; at the end best
    #[arg(long)]
    pub(super) json: bool,

    #[command(flatten)]
    pub(super) settings: SettingFlags,
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("result").required(true).args(["value", "failed"]))]
pub(super) struct TellArguments {
    /// An id, the beginning of one, a path, or @latest
    #[arg(value_name = "RUN")]
    pub(super) run: String,

    /// The trial
    #[arg(long, value_name = "N")]
    pub(super) trial: usize,

    /// Its value; what is no finite number makes it a failed trial
    #[arg(long, value_name = "VALUE", allow_hyphen_values = true)]
    pub(super) value: Option<f64>,

    /// It failed, for this reason
    #[arg(long, value_name = "REASON", conflicts_with = "epoch")]
    pub(super) failed: Option<String>,

    /// The value is that after this epoch, from 1; the answer says whether to go on
    #[arg(long, value_name = "N")]
    pub(super) epoch: Option<usize>,

    /// Print one JSON object: run, trial, verdict (go_on, stop or ended)
    #[arg(long)]
    pub(super) json: bool,

    #[command(flatten)]
    pub(super) settings: SettingFlags,
}

#[derive(Debug, Args)]
pub(super) struct WorkerArguments {
    /// Threads of this worker
    #[arg(long)]
    pub(super) threads: usize,

    /// Its device
    #[arg(long)]
    pub(super) device: String,

    /// Folder of decoded pictures and of features of frozen networks
    #[arg(long)]
    pub(super) cache: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct PlanArguments {
    #[command(flatten)]
    pub(super) script: ScriptArguments,

    /// Show the steps, what each needs, which are up to date and which will run, and why; with --json as an object
    #[arg(long)]
    pub(super) graph: bool,

    /// With --graph: a tree for the terminal, or the text of a Mermaid flowchart
    #[arg(long, value_enum, requires = "graph", default_value_t = GraphFormat::Text, conflicts_with = "json")]
    pub(super) format: GraphFormat,

    #[command(flatten)]
    pub(super) settings: SettingFlags,
}

/// How a graph is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum GraphFormat {
    Text,
    Mermaid,
}

/// A number of pictures that fit on a sheet.
pub(super) fn pictures(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(n @ 1..=64) => Ok(n),
        _ => Err("it must be a whole number from 1 to 64".to_owned()),
    }
}

#[derive(Debug, Args)]
pub(super) struct ReportArguments {
    /// Ids, beginnings of them, paths, or @latest; several share a page
    #[arg(value_name = "RUN", default_value = "@latest")]
    pub(super) runs: Vec<String>,

    /// One page about all runs of this experiment together, in the order in which they began
    #[arg(long, value_name = "EXPERIMENT", conflicts_with_all = ["runs", "figures"], requires = "output")]
    pub(super) all: Option<String>,

    /// Where the page goes [default: report.html in the run's folder]
    #[arg(long, short, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,

    /// Write every figure as SVG and PNG into this folder, too
    #[arg(long, value_name = "DIR")]
    pub(super) figures: Option<PathBuf>,

    #[command(flatten)]
    pub(super) settings: SettingFlags,
}

#[derive(Debug, Args)]
pub(super) struct RemoveArguments {
    /// Ids, beginnings of them, paths, or @latest
    #[arg(value_name = "RUN", required = true)]
    pub(super) runs: Vec<String>,

    /// Say what would be removed, and remove nothing
    #[arg(long)]
    pub(super) dry_run: bool,

    #[command(flatten)]
    pub(super) settings: SettingFlags,
}

#[derive(Debug, Args)]
pub(super) struct ReplayArguments {
    /// A run, or a fit: the path of its folder, or RUN:FOLDER
    #[arg(value_name = "RUN|FIT", default_value = "@latest")]
    pub(super) record: String,

    /// Where the data are, if not where they were: data=PATH
    #[arg(value_name = "KEY=VALUE")]
    pub(super) overrides: Vec<String>,

    /// Print one JSON object: run, fit, equal, n_fits, n_epochs, n_files, altered, differences, causes
    #[arg(long)]
    pub(super) json: bool,

    /// Print nothing but the result
    #[arg(long, short)]
    pub(super) quiet: bool,

    /// Keep the folder of what was trained again, and print its path
    #[arg(long)]
    pub(super) keep: bool,

    #[command(flatten)]
    pub(super) settings: SettingFlags,
}

#[derive(Debug, Args)]
pub(super) struct FinalizeArguments {
    /// A run that ended: an id, the beginning of one, a path, or @latest
    #[arg(value_name = "RUN", default_value = "@latest")]
    pub(super) run: String,

    /// Where the data are, if not where they were: data=PATH
    #[arg(value_name = "KEY=VALUE")]
    pub(super) overrides: Vec<String>,

    /// Names the model, and the folder of its run [default: that of the run, with _final]
    #[arg(long, value_name = "NAME")]
    pub(super) name: Option<String>,

    /// Print one JSON object at the end, as a run does; with model, created_from, estimate
    #[arg(long)]
    pub(super) json: bool,

    /// Print nothing but the result
    #[arg(long, short)]
    pub(super) quiet: bool,

    /// Train every fit, even if one with the same key is recorded
    #[arg(long)]
    pub(super) fresh: bool,

    #[command(flatten)]
    pub(super) settings: SettingFlags,
}

#[derive(Debug, Args)]
pub(super) struct PredictArguments {
    /// A run of `xrun finalize`, the folder of a model, or a final: RUN:outer-0/inner-0/final
    #[arg(value_name = "MODEL")]
    pub(super) model: String,

    /// Pictures, folders of pictures, or CSV files with the columns that the model was trained on
    #[arg(value_name = "PATH", required = true)]
    pub(super) paths: Vec<PathBuf>,

    /// Print one JSON object a picture or row: path, row, label, probabilities, or error
    #[arg(long, conflicts_with = "csv")]
    pub(super) json: bool,

    /// Print CSV: path, row, label, p.CLASS, error
    #[arg(long)]
    pub(super) csv: bool,

    #[command(flatten)]
    pub(super) settings: SettingFlags,
}

#[derive(Debug, Args)]
pub(super) struct CollectArguments {
    /// Say what would be removed, and remove nothing
    #[arg(long)]
    pub(super) dry_run: bool,

    #[command(flatten)]
    pub(super) settings: SettingFlags,
}

#[derive(Debug, Args)]
pub(super) struct DiffArguments {
    /// A run or a fit, as `xrun replay` takes it
    #[arg(value_name = "A")]
    pub(super) a: String,

    /// Another one
    #[arg(value_name = "B")]
    pub(super) b: String,

    /// Show ids, times and places of the runs too
    #[arg(long)]
    pub(super) all: bool,

    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,

    #[command(flatten)]
    pub(super) settings: SettingFlags,
}

#[derive(Debug, Args)]
pub(super) struct CompareArguments {
    /// Runs, the baseline first; RUN:METRIC names the metric too
    #[arg(value_name = "RUN", required_unless_present = "git", num_args = 1..)]
    pub(super) runs: Vec<String>,

    /// Compare the newest runs of the commits from FIRST to LAST [default: the one checked out], as in v1.0..
    #[arg(long, value_name = "FIRST..LAST", conflicts_with_all = ["runs", "baseline"])]
    pub(super) git: Option<String>,

    /// With --git, the experiment whose runs are compared, if there are several
    #[arg(long, value_name = "NAME", requires = "git")]
    pub(super) experiment: Option<String>,

    /// The test metric [default: what the runs searched on]; one that is not recorded is computed from the predictions
    #[arg(long, value_name = "NAME")]
    pub(super) metric: Option<String>,

    /// The run that the others are held against [default: the first]
    #[arg(long, value_name = "RUN")]
    pub(super) baseline: Option<String>,

    /// Say how probable it is that the difference is within this limit
    #[arg(long, value_name = "LIMIT", allow_hyphen_values = true)]
    pub(super) rope: Option<f64>,

    /// Fail with 2 where runs cannot be paired, instead of showing each alone
    #[arg(long)]
    pub(super) paired: bool,

    /// Print one JSON object: metric, direction, rope, baseline, runs, pairs; with --git versions, too
    #[arg(long)]
    pub(super) json: bool,

    #[command(flatten)]
    pub(super) settings: SettingFlags,
}

#[derive(Debug, Args)]
pub(super) struct CompletionsArguments {
    /// The shell
    #[arg(value_enum)]
    pub(super) shell: Shell,
}

/// A shell that can be completed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Shell {
    Bash,
    Zsh,
    Fish,
    Powershell,
}

#[derive(Debug, Args)]
pub(super) struct ManArguments {
    /// The folder, which is made if need be; pages in it are written over
    #[arg(value_name = "DIR")]
    pub(super) folder: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct DoctorArguments {
    #[command(flatten)]
    pub(super) settings: SettingFlags,
}

#[derive(Debug, Args)]
pub(super) struct SettingFlags {
    /// Folder of the run folders [default: results/ in the project]
    #[arg(long, value_name = "DIR")]
    results: Option<PathBuf>,

    /// Folder of decoded pictures and of features of frozen networks [default: the user's cache folder]
    #[arg(long, value_name = "DIR")]
    cache: Option<PathBuf>,

    /// What training runs on: auto, cpu, wgpu, wgpu:N, cuda, cuda:N; cuda:0,1 gives them to the workers in turn
    #[arg(long, value_name = "DEVICE")]
    device: Option<String>,

    /// Threads of all fits together; 0 for all cores
    #[arg(long, value_name = "N")]
    threads: Option<usize>,

    /// Fits trained at once, each by a process of its own if more than 1; the results do not depend on it [default: 1]
    #[arg(long, value_name = "N")]
    workers: Option<usize>,

    /// How often a fit is tried again whose worker was lost [default: 2]
    #[arg(long, value_name = "N")]
    retries: Option<usize>,
}

impl SettingFlags {
    pub(super) fn flags(&self) -> Flags {
        Flags {
            results: self.results.clone(),
            cache: self.cache.clone(),
            data: None,
            device: self.device.clone(),
            threads: self.threads,
            workers: self.workers,
            retries: self.retries,
        }
    }
}
