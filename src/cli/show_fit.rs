//! `xrun show RUN --trial N` and `xrun show RUN:FIT`: what was tried, and how training went.

use super::Exit;
use super::failure::Failure;
use super::output::{duration, print, table};
use super::record_args::ShowArguments;
use super::run::number;
use super::sparkline::{is_utf8, sparkline};
use crate::comparison::recorded_objective;
use crate::metric::Metric;
use crate::store::{EpochLine, FitFolds, FitPath, OutcomeRecord, RecordedFit, RunEntry, TidyKind};
use crate::wording::count;

/// A line of the run's table of trials.
struct Tried {
    outer: Option<usize>,
    inner: Option<usize>,
    trial: usize,
    state: String,
    /// `value`, those of other objectives, `violation` and `reason`, as far as they are there.
    results: Vec<(String, String)>,
    parameters: Vec<(String, String)>,
}

/// One trial, of every study that has it or of those that are meant.
pub(super) fn show_trial(run: &RunEntry, trial: usize, arguments: &ShowArguments) -> Result<Exit, Failure> {
    let tried = tried(run)?;
    let is_meant = |line: &&Tried| {
        let matches = |asked: Option<usize>, there: Option<usize>| asked.is_none() || asked == there;
        line.trial == trial && matches(arguments.outer, line.outer) && matches(arguments.inner, line.inner)
    };
    let meant: Vec<&Tried> = tried.iter().filter(is_meant).collect();
    if meant.is_empty() {
        let in_folds = arguments.outer.is_some() || arguments.inner.is_some();
        return Err(no_trial(run, trial, in_folds, &tried));
    }
    let metric = recorded_objective(run).ok();
    let shown = meant.iter().map(|line| Shown::read(run, line)).collect::<Result<Vec<_>, Failure>>()?;
    if arguments.json {
        let trials: Vec<serde_json::Value> = shown.iter().map(Shown::json).collect();
        print(&serde_json::json!({ "run": run.manifest.run, "metric": metric, "trials": trials }).to_string());
    } else {
        let texts: Vec<String> = shown.iter().map(|shown| shown.text(run, metric.as_deref())).collect();
        print(&texts.join("\n\n"));
    }
    Ok(Exit::Ok)
}

fn no_trial(run: &RunEntry, trial: usize, in_folds: bool, tried: &[Tried]) -> Failure {
    let id = &run.manifest.run;
    let failure = Failure::new(
        Exit::NotFound,
        format!("the run {id} has no trial {trial} that has ended{}", if in_folds { " in these folds" } else { "" }),
    );
    let last = tried.iter().map(|line| line.trial).max();
    failure.hint(match last {
        None => "none of its trials has ended".to_owned(),
        Some(last) => format!("its trials are numbered from 0 to {last}; `xrun export {id} --what trials` lists them"),
    })
}

/// The trials that have ended.
fn tried(run: &RunEntry) -> Result<Vec<Tried>, Failure> {
    let Some(table) = run.tables(TidyKind::Trials).pop() else { return Ok(Vec::new()) };
    let table = table.open()?;
    let header = table.header().to_vec();
    let of = |line: Vec<String>| {
        let cell = |name: &str| header.iter().position(|column| column == name).map_or("", |at| line[at].as_str());
        let n_results = header.iter().position(|column| column == "reason").map_or(header.len(), |at| at + 1);
        let cells = |from: usize, to: usize| -> Vec<(String, String)> {
            let filled = header.iter().zip(&line).take(to).skip(from).filter(|(_, cell)| !cell.is_empty());
            filled.map(|(name, cell)| (name.clone(), cell.clone())).collect()
        };
        Tried {
            outer: cell("outer").parse().ok(),
            inner: cell("inner").parse().ok(),
            trial: cell("trial").parse().unwrap_or_default(),
            state: cell("state").to_owned(),
            results: cells(4, n_results),
            parameters: cells(n_results, header.len()),
        }
    };
    Ok(table.lines()?.into_iter().map(of).collect())
}

/// A trial with its fits.
struct Shown<'a> {
    tried: &'a Tried,
    fits: Vec<(FitPath, Option<RecordedFit>, Vec<EpochLine>)>,
    /// The final that has its values, if one has.
    last: Option<String>,
}

impl<'a> Shown<'a> {
    fn read(run: &RunEntry, tried: &'a Tried) -> Result<Self, Failure> {
        let is_of = |fit: &FitPath| {
            let FitFolds { outer, inner, trial } = fit.place();
            trial == Some(tried.trial) && outer == tried.outer && (tried.inner.is_none() || inner == tried.inner)
        };
        let read = |path: FitPath| {
            let fit = run.fit(&path)?;
            let epochs = epochs(fit.as_ref())?;
            Ok((path, fit, epochs))
        };
        let fits = run.fits().into_iter().filter(is_of).map(read).collect::<Result<_, Failure>>()?;
        let finals = run.summary.iter().flat_map(|summary| &summary.finals);
        let last = finals
            .filter(|last| last.outer == tried.outer && last.inner == tried.inner && last.trial == Some(tried.trial))
            .map(|last| last.fit.clone())
            .next();
        Ok(Self { tried, fits, last })
    }

    fn text(&self, run: &RunEntry, metric: Option<&str>) -> String {
        let Tried { outer, inner, trial, state, results, parameters } = self.tried;
        let folds = [("outer", outer), ("inner", inner)].map(|(kind, fold)| fold.map(|fold| format!("{kind} {fold}")));
        let of: Vec<String> = folds.into_iter().flatten().collect();
        let of = if of.is_empty() { String::new() } else { format!(" of {}", of.join(", ")) };
        let mut lines = vec![
            format!("{} {}: trial {trial}{of}", run.manifest.experiment, run.manifest.run),
            format!("state    {state}"),
        ];
        for (name, text) in results {
            let value = text.parse().map_or_else(|_| text.clone(), number);
            let metric =
                metric.filter(|_| name == "value").map_or_else(String::new, |metric| format!(" validation.{metric}"));
            lines.push(format!("{name:<8} {value}{metric}"));
        }
        lines.extend(self.last.iter().map(|last| format!("final    {last} has these values")));
        if !parameters.is_empty() {
            let rows: Vec<Vec<String>> =
                parameters.iter().map(|(name, value)| vec![name.clone(), value.clone()]).collect();
            lines.push(format!("\n{}", table(&["parameter", "value"].map(str::to_owned), &rows)));
        }
        if !self.fits.is_empty() {
            lines.push(format!("\n{}", self.fits_table(metric)));
        }
        lines.join("\n")
    }

    fn fits_table(&self, metric: Option<&str>) -> String {
        let curve_of = metric.map_or_else(|| "train.loss".to_owned(), |metric| format!("validation.{metric}"));
        let header = ["fit", "status", "score", "epochs"].map(str::to_owned).into_iter();
        let header: Vec<String> = header.chain([format!("{curve_of} by epoch")]).collect();
        let row = |(path, fit, epochs): &(FitPath, Option<RecordedFit>, Vec<EpochLine>)| {
            let outcome = fit.as_ref().map(RecordedFit::outcome);
            let status = outcome.map_or("not ended", |outcome| outcome.status.as_str());
            let score = outcome.and_then(|outcome| outcome.score).map_or_else(|| "-".to_owned(), number);
            let n_epochs = outcome.map_or_else(|| "-".to_owned(), |outcome| outcome.n_epochs.to_string());
            let curve = curves(epochs).into_iter().find(|(name, _)| *name == curve_of).map(|(_, curve)| curve);
            vec![path.as_str().to_owned(), status.to_owned(), score, n_epochs, drawn(&curve.unwrap_or_default())]
        };
        table(&header, &self.fits.iter().map(row).collect::<Vec<_>>())
    }

    fn json(&self) -> serde_json::Value {
        let Tried { outer, inner, trial, state, results, parameters } = self.tried;
        let object = |cells: &[(String, String)]| -> serde_json::Map<String, serde_json::Value> {
            cells.iter().map(|(name, text)| (name.clone(), scalar(text))).collect()
        };
        let fits: Vec<serde_json::Value> =
            self.fits.iter().map(|(path, fit, epochs)| fit_json(path.as_str(), fit.as_ref(), epochs)).collect();
        serde_json::json!({
            "outer": outer, "inner": inner, "trial": trial, "state": state, "results": object(results),
            "parameters": object(parameters), "final": self.last, "fits": fits,
        })
    }
}

/// One fit: what it came to, and its curves.
pub(super) fn show_fit(run: &RunEntry, path: &str, json: bool) -> Result<Exit, Failure> {
    let fit = run.fit(&FitPath::recorded(path))?;
    let epochs = epochs(fit.as_ref())?;
    if json {
        print(&fit_json(path, fit.as_ref(), &epochs).to_string());
        return Ok(Exit::Ok);
    }
    let mut lines = vec![format!("{} {}:{path}", run.manifest.experiment, run.manifest.run)];
    match fit.as_ref().map(RecordedFit::outcome) {
        None => lines.push(format!("status   not ended; if nobody trains it: xrun resume {}", run.manifest.run)),
        Some(outcome) => lines.extend(described(outcome)),
    }
    if !epochs.is_empty() {
        let header = ["by epoch", "first", "last", "lowest", "highest", ""].map(str::to_owned);
        let rows: Vec<Vec<String>> = curves(&epochs).into_iter().map(|(name, curve)| curve_row(name, &curve)).collect();
        lines.push(format!("\n{}", table(&header, &rows)));
    }
    lines.push(format!("\ntrain it again: xrun {}", run.path.join(path).join("config.rhai").display()));
    print(&lines.join("\n"));
    Ok(Exit::Ok)
}

fn described(outcome: &OutcomeRecord) -> Vec<String> {
    let mut lines = vec![format!("status   {}", outcome.status)];
    lines.extend(outcome.reason.iter().map(|reason| format!("reason   {reason}")));
    lines.extend(outcome.pruned.map(|pruned| format!("pruned   after {}", count(pruned.epoch, "epoch"))));
    lines.extend(outcome.score.map(|score| format!("score    {}", number(score))));
    // A formula or a program has no scores to cut.
    let threshold = outcome.threshold.filter(|_| outcome.n_parameters.is_some());
    lines.extend(threshold.map(|threshold| format!("cut at   {}", number(threshold))));
    let kept: Vec<String> = outcome.kept_epochs.iter().map(|(phase, epoch)| format!("{phase} kept {epoch}")).collect();
    let kept = if kept.is_empty() { String::new() } else { format!("; {}", kept.join(", ")) };
    lines.push(format!("epochs   {} of {}{kept}", outcome.n_epochs, outcome.n_planned));
    let rows: Vec<String> = ["train", "validation", "test"]
        .iter()
        .filter_map(|part| outcome.n_rows.get(*part).filter(|n| **n > 0).map(|n| format!("{n} {part}")))
        .collect();
    if !rows.is_empty() {
        lines.push(format!("rows     {}", rows.join(", ")));
    }
    let reused = outcome.reused.as_ref().map_or_else(String::new, |from| format!(", taken over from {from}"));
    lines.push(format!("took     {}{reused}", duration(outcome.seconds)));
    let parts = [("validation", &outcome.validation), ("test", &outcome.test)];
    let there: Vec<_> = parts.into_iter().filter(|(_, metrics)| !metrics.is_empty()).collect();
    if !there.is_empty() {
        let names = ordered(there.iter().flat_map(|(_, metrics)| metrics.keys()));
        let header: Vec<String> =
            std::iter::once("metric").chain(there.iter().map(|(part, _)| *part)).map(str::to_owned).collect();
        let row = |name: String| {
            let values = there
                .iter()
                .map(|(_, metrics)| metrics.get(&name).map_or_else(|| "-".to_owned(), |value| number(*value)));
            std::iter::once(name.clone()).chain(values).collect()
        };
        lines.push(format!("\n{}", table(&header, &names.into_iter().map(row).collect::<Vec<Vec<_>>>())));
    }
    lines
}

fn epochs(fit: Option<&RecordedFit>) -> Result<Vec<EpochLine>, Failure> {
    let has_epochs = |fit: &&RecordedFit| fit.outcome().digests.contains_key("metrics.csv");
    Ok(fit.filter(has_epochs).map(RecordedFit::epochs).transpose()?.unwrap_or_default())
}

/// Each curve under its name: the loss, then the metrics in the order of reports.
fn curves(epochs: &[EpochLine]) -> Vec<(String, Vec<Option<f64>>)> {
    let loss: Vec<Option<f64>> = epochs.iter().map(|epoch| epoch.train_loss).collect();
    let metrics = ordered(epochs.iter().flat_map(|epoch| epoch.validation.keys())).into_iter().map(|metric| {
        let curve = epochs.iter().map(|epoch| epoch.validation.get(&metric).copied()).collect();
        (format!("validation.{metric}"), curve)
    });
    let loss = loss.iter().any(Option::is_some).then(|| ("train.loss".to_owned(), loss));
    loss.into_iter().chain(metrics).collect()
}

/// Names of metrics, each once, in the order of reports; those xrun does not know come last.
fn ordered<'a>(names: impl Iterator<Item = &'a String>) -> Vec<String> {
    let place = |name: &str| Metric::ALL.iter().position(|metric| metric.name() == name).unwrap_or(usize::MAX);
    let mut names: Vec<String> = names.cloned().collect();
    names.sort_by(|a, b| place(a).cmp(&place(b)).then(a.cmp(b)));
    names.dedup();
    names
}

fn curve_row(name: String, curve: &[Option<f64>]) -> Vec<String> {
    let there: Vec<f64> = curve.iter().flatten().copied().collect();
    let shown = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), number);
    let (first, last) = (there.first().copied(), there.last().copied());
    let extreme = |of: fn(f64, f64) -> f64| there.iter().copied().reduce(of);
    vec![
        name,
        shown(first),
        shown(last),
        shown(extreme(f64::min)),
        shown(extreme(f64::max)),
        sparkline(curve, is_utf8()),
    ]
}

/// A curve between its first and its last value; a single epoch is no curve.
fn drawn(curve: &[Option<f64>]) -> String {
    let there: Vec<f64> = curve.iter().flatten().copied().collect();
    match there.as_slice() {
        [] => "-".to_owned(),
        [only] => number(*only),
        [first, .., last] => format!("{} {} {}", number(*first), sparkline(curve, is_utf8()), number(*last)),
    }
}

fn fit_json(path: &str, fit: Option<&RecordedFit>, epochs: &[EpochLine]) -> serde_json::Value {
    let curves: serde_json::Map<String, serde_json::Value> =
        curves(epochs).into_iter().map(|(name, curve)| (name, serde_json::json!(curve))).collect();
    serde_json::json!({ "fit": path, "outcome": fit.map(RecordedFit::outcome), "curves": curves })
}

/// A cell of a table as JSON.
fn scalar(text: &str) -> serde_json::Value {
    match serde_json::from_str(text) {
        Ok(value @ (serde_json::Value::Number(_) | serde_json::Value::Bool(_))) => value,
        _ => serde_json::Value::String(text.to_owned()),
    }
}
