//! The arguments of the commands that look through recorded runs.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::args::{SettingFlags, pictures};
use crate::store::TidyKind;

const LS: &str = "\
Names, in the filter, --sort and --columns:
  id name state started fits objective note path
  best            value of the best trials, by validation rows
  metrics.NAME    a metric of validation rows; validation.NAME is the same
  test.NAME       a metric of test rows; not for --sort
  params.NAME     a param, a value of the config, or what the searches chose
  tags.NAME       a tag; tags: all of them

The best value and the metrics are means over the outer folds. Whoever picks a run by its test rows has nothing left \
to judge it by. The end of a param's name will do where it is the only one: params.lr for \
params.train.fit.optimizer.lr.

A filter compares a name with a number, a text in quotes, true or false: == != < <= > >=, joined by and, or, not, ( ). \
A name alone asks whether a run has it; a comparison with what a run lacks does not hold. Where studies chose several \
values of a parameter, it must hold for each. Dates are compared as far as they are written: started >= \"2026-11\".";

const BEST: &str = "\
The value is that of the best trials on validation rows: the mean over the outer folds, the studies of one averaged \
first. Runs that miss the constraints come after those that meet them. Test rows have no say. Compared are the runs \
that have ended, with the data, folds and objective of the latest of them; of equal ones the older is the best. A \
value that was searched for flatters, and the more so the more trials there were: judge the run by its test rows, once.

A model made by xrun finalize counts as an experiment of its own: where one was made, xrun best and @best need a NAME, \
as in xrun best orchard and orchard@best.";

const TAG: &str = "\
Tags and notes lie in the run's folder, as notes.json. They are no part of what was found: nothing is compared with \
them, and they can be changed at any time, also while the run goes on.";

const NOTE: &str = "\
It lies in the run's folder, as notes.json, and is no part of what was found. xrun show and xrun ls show it.";

const EXPORT: &str = "\
Every line begins with run, outer, inner and trial, which are empty where there is none: a final is of no trial. \
Columns that only some of the runs have are empty in the others. A parameter that is called like a column before it is \
params.NAME. Cells are as they were recorded, to the last digit. \
There is no Parquet: what reads it reads CSV, too, and the libraries that write it would be a large part of xrun.

What follows in a line:
  trials         of a trial: state, value, reason and the values tried
  epochs         of an epoch: fit, epoch, phase, train.loss, validation.METRIC
  predictions    of a row that a fit predicted: fit, part (validation or test),
                 id, target, predicted, p.CLASS";

#[derive(Debug, Args)]
#[command(after_help = LS)]
pub(super) struct ListArguments {
    /// Only runs that meet this
    #[arg(value_name = "FILTER")]
    pub(super) filter: Option<String>,

    /// In this order, with - the largest first; runs without the value come last [default: started]
    #[arg(long, value_name = "[-]NAME", allow_hyphen_values = true)]
    pub(super) sort: Option<String>,

    /// Show these names
    #[arg(long, value_name = "NAME,...")]
    pub(super) columns: Option<String>,

    /// No more than so many: the first by --sort, else the latest
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub(super) limit: Option<usize>,

    /// Print one JSON object a run, and, where all runs are listed, one for each joined record of variants
    #[arg(long, conflicts_with = "csv")]
    pub(super) json: bool,

    /// Print CSV, with numbers to their last digit
    #[arg(long)]
    pub(super) csv: bool,

    #[command(flatten)]
    pub(super) settings: SettingFlags,
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(n @ 1..) => Ok(n),
        _ => Err("it must be a whole number from 1 on".to_owned()),
    }
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("of a script").args(["model", "augment"]))]
pub(super) struct ShowArguments {
    /// An id, the beginning of one, a path, @latest, @best or NAME@best; a fit as RUN:outer-0/inner-0/final; with --model or
    /// --augment a script, too
    #[arg(value_name = "RUN|FIT", default_value = "@latest")]
    pub(super) run: String,

    /// With --model or --augment: sets a param, fixes a parameter, or replaces what stands at a path
    #[arg(value_name = "KEY=VALUE", requires = "of a script")]
    pub(super) overrides: Vec<String>,

    /// Show the layers of the network: what each gives, its parameters and multiply-adds
    #[arg(long)]
    pub(super) model: bool,

    /// Draw a sheet of the first training pictures: a row each, as they are and as the first epochs augment them
    #[arg(long)]
    pub(super) augment: bool,

    /// With --augment: how many pictures
    #[arg(long, value_name = "N", requires = "augment", default_value_t = 8, value_parser = pictures)]
    pub(super) n: usize,

    /// With --augment: the PNG file; another PNG is written over [default: NAME_augment.png]
    #[arg(long, short, value_name = "FILE.png", requires = "augment")]
    pub(super) output: Option<PathBuf>,

    /// Show one metric alone; one that is not recorded is computed from the predictions, without training
    #[arg(long, value_name = "NAME", conflicts_with = "model")]
    pub(super) metric: Option<String>,

    /// Show this trial: its values, and the curve of each of its fits; of every study, or of those that --outer and --inner
    /// name
    #[arg(long, value_name = "N", conflicts_with_all = ["of a script", "metric"])]
    pub(super) trial: Option<usize>,

    /// With --trial: of this outer fold
    #[arg(long, value_name = "N", requires = "trial")]
    pub(super) outer: Option<usize>,

    /// With --trial: of this inner fold
    #[arg(long, value_name = "N", requires = "trial")]
    pub(super) inner: Option<usize>,

    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,

    #[command(flatten)]
    pub(super) settings: SettingFlags,
}

#[derive(Debug, Args)]
#[command(after_help = BEST)]
pub(super) struct BestArguments {
    /// The experiment [default: the only one]
    #[arg(value_name = "EXPERIMENT")]
    pub(super) experiment: Option<String>,

    /// Print the run's id alone
    #[arg(long, conflicts_with = "json")]
    pub(super) id: bool,

    /// Print one JSON object: experiment, objective, run, path, best, violation, n_ranked, n_without_value, n_elsewhere
    #[arg(long)]
    pub(super) json: bool,

    #[command(flatten)]
    pub(super) settings: SettingFlags,
}

#[derive(Debug, Args)]
#[command(after_help = TAG)]
pub(super) struct TagArguments {
    /// An id, the beginning of one, a path, @latest, or NAME@best
    #[arg(value_name = "RUN")]
    pub(super) run: String,

    /// The tags; one that is there gets the new value
    #[arg(value_name = "NAME[=VALUE]")]
    pub(super) tags: Vec<String>,

    #[command(flatten)]
    pub(super) settings: SettingFlags,
}

#[derive(Debug, Args)]
pub(super) struct UntagArguments {
    /// An id, the beginning of one, a path, @latest, or NAME@best
    #[arg(value_name = "RUN")]
    pub(super) run: String,

    /// The names of the tags
    #[arg(value_name = "NAME", required = true)]
    pub(super) tags: Vec<String>,

    #[command(flatten)]
    pub(super) settings: SettingFlags,
}

#[derive(Debug, Args)]
#[command(after_help = NOTE)]
pub(super) struct NoteArguments {
    /// An id, the beginning of one, a path, @latest, or NAME@best
    #[arg(value_name = "RUN")]
    pub(super) run: String,

    /// What to say of it, in place of what was said before
    #[arg(value_name = "TEXT", allow_hyphen_values = true)]
    pub(super) text: String,

    #[command(flatten)]
    pub(super) settings: SettingFlags,
}

#[derive(Debug, Args)]
#[command(after_help = EXPORT)]
pub(super) struct ExportArguments {
    /// Ids, beginnings of them, paths, @latest, or NAME@best
    #[arg(value_name = "RUN", required = true)]
    pub(super) runs: Vec<String>,

    /// What there is a line of
    #[arg(long, value_name = "KIND")]
    pub(super) what: Exported,

    /// Write to this file, not to standard output
    #[arg(long, short, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,

    #[command(flatten)]
    pub(super) settings: SettingFlags,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Exported {
    Trials,
    Epochs,
    Predictions,
}

impl From<Exported> for TidyKind {
    fn from(what: Exported) -> Self {
        match what {
            Exported::Trials => Self::Trials,
            Exported::Epochs => Self::Epochs,
            Exported::Predictions => Self::Predictions,
        }
    }
}
