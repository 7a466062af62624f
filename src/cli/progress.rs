//! What is shown while a run goes on: bars on a terminal, plain lines elsewhere.

use std::io::IsTerminal;
use std::path::Path;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::output::duration;
use super::run::number;
use crate::metric::Metric;
use crate::runner::{FitFailure, FitLine, Progress};

/// Shows progress on standard error.
#[derive(Debug)]
pub(super) struct Terminal {
    quiet: bool,
    bars: Option<Bars>,
    n_fits: usize,
    n_done: usize,
}

#[derive(Debug)]
struct Bars {
    all: MultiProgress,
    fits: ProgressBar,
    epochs: ProgressBar,
    batches: ProgressBar,
}

impl Terminal {
    pub(super) fn new(quiet: bool) -> Self {
        let is_terminal = std::io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
        let bars = (!quiet && is_terminal && std::env::var_os("CI").is_none()).then(Bars::new);
        Self { quiet, bars, n_fits: 0, n_done: 0 }
    }

    /// Takes the bars away.
    pub(super) fn finish(&mut self) {
        if let Some(bars) = self.bars.take() {
            bars.batches.finish_and_clear();
            bars.epochs.finish_and_clear();
            bars.fits.finish_and_clear();
        }
    }

    fn line(&self, text: &str) {
        match &self.bars {
            _ if self.quiet => {}
            Some(bars) => {
                let _ = bars.all.println(text);
            }
            None => eprintln!("{text}"),
        }
    }
}

impl Bars {
    fn new() -> Self {
        let all = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
        let style = |template: &str| {
            ProgressStyle::with_template(template).expect("the template is a constant").progress_chars("━╸ ")
        };
        let fits = all.add(
            ProgressBar::new(0).with_style(style("fits    {bar:28} {pos}/{len}  {elapsed} elapsed, {eta} left  {msg}")),
        );
        let epochs = all.add(ProgressBar::new(0).with_style(style("epochs  {bar:28} {pos}/{len}  {msg}")));
        let batches = all.add(ProgressBar::new(0).with_style(style("batches {bar:28} {pos}/{len}")));
        fits.enable_steady_tick(Duration::from_millis(500));
        Self { all, fits, epochs, batches }
    }
}

impl Progress for Terminal {
    fn run_started(&mut self, path: &Path, arithmetic: &str, n_fits: usize) {
        self.n_fits = n_fits;
        self.line(&format!("{arithmetic}\n{}", path.display()));
        if let Some(bars) = &self.bars {
            bars.fits.set_length(n_fits as u64);
        }
    }

    fn fit_started(&mut self, label: &str, n_epochs: usize) {
        if let Some(bars) = &self.bars {
            bars.epochs.reset();
            bars.epochs.set_length(n_epochs as u64);
            bars.epochs.set_message(label.to_owned());
        }
    }

    fn batch(&mut self, done: usize, total: usize) {
        if let Some(bars) = &self.bars {
            bars.batches.set_length(total as u64);
            bars.batches.set_position(done as u64);
        }
    }

    fn epoch(&mut self, epoch: usize, phase: &str, train_loss: f64, validation: &[(Metric, f64)]) {
        if let Some(bars) = &self.bars {
            bars.epochs.set_position(epoch as u64);
            let loss = validation.iter().find(|(metric, _)| *metric == Metric::LogLoss);
            let loss = loss.map_or_else(String::new, |(_, loss)| format!(", validation {}", number(*loss)));
            bars.epochs.set_message(format!("{phase}: train loss {}{loss}", number(train_loss)));
        }
    }

    fn fit_finished(&mut self, label: &str, result: &Result<FitLine, FitFailure>, seconds: f64) {
        self.n_done += 1;
        let said = match result {
            Ok(line) => {
                let score = line.score.map_or_else(String::new, |(metric, value)| {
                    let part = if line.is_test { "test" } else { "validation" };
                    format!("  {part}.{metric} {}", number(value))
                });
                let epochs = if line.n_epochs < line.n_planned {
                    format!("{} of {} epochs (stopped early)", line.n_epochs, line.n_planned)
                } else if line.n_epochs == 1 {
                    "1 epoch".to_owned()
                } else {
                    format!("{} epochs", line.n_epochs)
                };
                format!("{epochs}{score}")
            }
            Err(failure) => format!("failed: {failure}"),
        };
        // A search of many quick fits would be nothing but lines; the bar and the best say enough.
        if self.n_fits <= 200 || result.is_err() {
            let width = self.n_fits.to_string().len();
            self.line(&format!("[{:>width$}/{}] {label}  {said}  {}", self.n_done, self.n_fits, duration(seconds)));
        }
        if let Some(bars) = &self.bars {
            bars.fits.set_position(self.n_done as u64);
        }
    }

    fn best(&mut self, study: &str, trial: usize, metric: Metric, value: f64) {
        let best = format!("best {metric} {} ({study}, trial {trial})", number(value));
        if let Some(bars) = &self.bars {
            bars.fits.set_message(best.clone());
        } else if self.n_fits > 200 {
            self.line(&best);
        }
    }
}
