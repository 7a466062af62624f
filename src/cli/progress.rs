//! What is shown while a run goes on: bars on a terminal, plain lines elsewhere.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::Path;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::output::{duration, say};
use super::run::number;
use crate::metric::Metric;
use crate::runner::{Effort, FitFailure, FitLine, Progress};
use crate::wording::count;

/// Shows progress on standard error.
#[derive(Debug)]
pub(super) struct Terminal {
    quiet: bool,
    bars: Option<Bars>,
    n_fits: usize,
    n_done: usize,
    /// Whether each fit has a line: a search of many quick fits would be nothing but lines; the bar and the best say enough.
    has_lines: bool,
    /// What each worker is at.
    labels: BTreeMap<usize, String>,
}

#[derive(Debug)]
struct Bars {
    all: MultiProgress,
    fits: ProgressBar,
    /// For each worker, the epochs of its fit.
    epochs: Vec<ProgressBar>,
    /// The batches of the epoch, as long as there is one worker.
    batches: Option<ProgressBar>,
}

impl Terminal {
    pub(super) fn new(quiet: bool) -> Self {
        let is_terminal = std::io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
        let bars = (!quiet && is_terminal && std::env::var_os("CI").is_none()).then(Bars::new);
        Self { quiet, bars, n_fits: 0, n_done: 0, has_lines: true, labels: BTreeMap::new() }
    }

    /// Takes the bars away.
    pub(super) fn finish(&mut self) {
        if let Some(bars) = self.bars.take() {
            let _ = bars.all.clear();
        }
    }

    fn line(&self, text: &str) {
        match &self.bars {
            _ if self.quiet => {}
            Some(bars) => {
                let _ = bars.all.println(text);
            }
            None => say(text),
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the template is a constant").progress_chars("━╸ ")
}

impl Bars {
    fn new() -> Self {
        let all = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
        let fits = all.add(
            ProgressBar::new(0).with_style(style("fits    {bar:28} {pos}/{len}  {elapsed} elapsed, {eta} left  {msg}")),
        );
        fits.enable_steady_tick(Duration::from_millis(500));
        Self { all, fits, epochs: Vec::new(), batches: None }
    }

    fn start(&mut self, n_fits: usize, n_workers: usize) {
        self.fits.set_length(n_fits as u64);
        let epochs = || self.all.add(ProgressBar::new(0).with_style(style("epochs  {bar:28} {pos}/{len}  {msg}")));
        self.epochs = (0..n_workers).map(|_| epochs()).collect();
        self.batches = (n_workers == 1)
            .then(|| self.all.add(ProgressBar::new(0).with_style(style("batches {bar:28} {pos}/{len}"))));
    }
}

impl Progress for Terminal {
    fn run_started(&mut self, path: &Path, arithmetic: &str, n_fits: usize, n_workers: usize) {
        self.n_fits = n_fits;
        self.has_lines = n_fits <= 200;
        let workers = if n_workers > 1 { format!(", {n_workers} workers") } else { String::new() };
        self.line(&format!("{arithmetic}{workers}\n{}", path.display()));
        if let Some(bars) = &mut self.bars {
            bars.start(n_fits, n_workers);
        }
    }

    fn fit_started(&mut self, worker: usize, label: &str, n_epochs: usize) {
        if let Some(bars) = &self.bars {
            let bar = &bars.epochs[worker];
            bar.reset();
            bar.set_length(n_epochs as u64);
            bar.set_message(label.to_owned());
            self.labels.insert(worker, label.to_owned());
        }
    }

    fn batch(&mut self, _worker: usize, done: usize, total: usize) {
        if let Some(batches) = self.bars.as_ref().and_then(|bars| bars.batches.as_ref()) {
            batches.set_length(total as u64);
            batches.set_position(done as u64);
        }
    }

    fn epoch(
        &mut self,
        worker: usize,
        epoch: usize,
        phase: &str,
        train_loss: Option<f64>,
        validation: &[(Metric, f64)],
    ) {
        if let Some(bars) = &self.bars {
            let bar = &bars.epochs[worker];
            bar.set_position(epoch as u64);
            let of = |wanted: Metric| validation.iter().find(|(metric, _)| *metric == wanted).map(|(_, value)| *value);
            let said = match (train_loss, of(Metric::LogLoss).or(of(Metric::Rmse))) {
                (None, _) => of(Metric::Value).map_or_else(String::new, |value| format!("value {}", number(value))),
                (Some(loss), None) => format!("train loss {}", number(loss)),
                (Some(loss), Some(other)) => format!("train loss {}, validation {}", number(loss), number(other)),
            };
            let label = self.labels.get(&worker).map_or("", String::as_str);
            bar.set_message(format!("{label}  {phase}: {said}"));
        }
    }

    fn fit_finished(&mut self, label: &str, result: &Result<FitLine, FitFailure>, effort: &Effort) {
        self.n_done += 1;
        if *effort == Effort::Kept {
            // It had its line when it was trained.
            return;
        }
        let effort = match effort {
            Effort::Trained { seconds } => format!("  {}", duration(*seconds)),
            Effort::Reused { run } => format!("  reused from {run}"),
            Effort::Kept | Effort::None => String::new(),
        };
        let said = match result {
            Ok(line) => {
                let score = line.score.map_or_else(String::new, |(metric, value)| {
                    let part = if line.is_test { "test" } else { "validation" };
                    format!("  {part}.{metric} {}", number(value))
                });
                let epochs = if line.is_pruned {
                    format!("pruned at epoch {} of {}", line.n_epochs, line.n_planned)
                } else if line.n_epochs < line.n_planned {
                    format!("{} of {} (stopped early)", line.n_epochs, count(line.n_planned, "epoch"))
                } else {
                    count(line.n_epochs, "epoch")
                };
                format!("{epochs}{score}")
            }
            Err(failure) => format!("failed: {failure}"),
        };
        if self.has_lines || result.is_err() {
            let width = self.n_fits.to_string().len();
            self.line(&format!("[{:>width$}/{}] {label}  {said}{effort}", self.n_done, self.n_fits));
        }
        if let Some(bars) = &self.bars {
            bars.fits.set_position(self.n_done as u64);
        }
    }

    fn fits_skipped(&mut self, n: usize) {
        self.n_fits -= n;
        if let Some(bars) = &self.bars {
            bars.fits.set_length(self.n_fits as u64);
        }
    }

    fn best(&mut self, study: &str, trial: usize, metric: Metric, value: f64) {
        let best = format!("best {metric} {} ({study}, trial {trial})", number(value));
        if let Some(bars) = &self.bars {
            bars.fits.set_message(best.clone());
        } else if !self.has_lines {
            self.line(&best);
        }
    }

    fn note(&mut self, message: &str) {
        self.line(message);
    }

    fn warn(&mut self, message: &str) {
        self.line(&format!("warning: {message}"));
    }
}
