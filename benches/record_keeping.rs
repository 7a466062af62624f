//! What thousands of runs cost: `cargo bench --bench record_keeping`. `benches/README.md` has what was measured.
//!
//! Makes a folder of 10,000 runs with 16 fits each and a journal of 100,000 events, and prints how long it takes to list
//! the runs, to load the index of fits, and to open the journal. Nothing is asserted: the times are the machine's.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use xrun::store::index::FitIndex;
use xrun::store::{Event, Journal, Manifest, MetricSummary, StudySummary, Summary};
use xrun::value::{Assignment, Value};

/// As in the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const N_RUNS: usize = 10_000;
const N_FITS: usize = 16;
const N_EVENTS: usize = 100_000;
const REPEATS: usize = 5;

fn main() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let results = folder.path().join("results");
    let made = time(|| {
        for run in 0..N_RUNS {
            make_run(&results, run);
        }
    });
    println!("{N_RUNS} runs with {N_FITS} fits each, made in {made:.1?}");
    let index = results.join(".index");
    print_times("xrun ls, index deleted", || {
        let _ = fs::remove_dir_all(&index);
        time(|| ls(&results))
    });
    print_times("xrun ls", || time(|| ls(&results)));
    print_times("xrun ls, one run changed", || {
        append_fit(&results, 0);
        time(|| ls(&results))
    });
    let by_name = ["name == 'experiment'", "--sort", "-best"];
    print_times("xrun ls, filter and order", || time(|| list(&results, &by_name)));
    let by_value = ["metrics.roc_auc > 0.9 and params.dropout < 1", "--sort", "-metrics.roc_auc"];
    list(&results, &by_value);
    print_times("xrun ls, filter by params", || time(|| list(&results, &by_value)));
    print_times("fits loaded, index deleted", || {
        let _ = fs::remove_dir_all(&index);
        time(|| load_fits(&results))
    });
    print_times("fits loaded", || time(|| load_fits(&results)));
    print_times("fits loaded, one run changed", || {
        append_fit(&results, 0);
        time(|| load_fits(&results))
    });

    let path = folder.path().join("journal.jsonl");
    let mut journal = Journal::create(path.clone()).expect("the folder is new");
    let written = time(|| {
        for number in 0..N_EVENTS {
            journal.append(&event(0, number)).expect("there is room");
        }
    });
    drop(journal);
    let size = fs::metadata(&path).expect("it was written").len();
    println!("a journal of {N_EVENTS} events, {:.1} MB, written in {written:.1?}", size as f64 / 1e6);
    print_times("journal opened", || {
        time(|| {
            let (_, recorded) = Journal::open(path.clone()).expect("it is whole");
            assert_eq!(recorded.len(), N_EVENTS);
        })
    });
}

fn time(work: impl FnOnce()) -> Duration {
    let clock = Instant::now();
    work();
    clock.elapsed()
}

fn print_times(what: &str, mut measure: impl FnMut() -> Duration) {
    let mut times: Vec<Duration> = (0..REPEATS).map(|_| measure()).collect();
    times.sort();
    println!("{what:<30} median {:>8.1?}, from {:.1?} to {:.1?}", times[REPEATS / 2], times[0], times[REPEATS - 1]);
}

fn ls(results: &Path) {
    list(results, &[]);
}

fn list(results: &Path, arguments: &[&str]) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xrun"));
    let listed = command.arg("ls").args(arguments).arg("--results").arg(results).stdout(Stdio::piped()).output();
    let listed = listed.expect("the program starts");
    assert!(listed.status.success());
    assert_eq!(listed.stdout.iter().filter(|&&byte| byte == b'\n').count(), N_RUNS + 1);
}

fn load_fits(results: &Path) {
    let index = FitIndex::load(results).expect("the folder can be read");
    assert_eq!(index.get(&key(N_RUNS / 2, 1)).count(), 1);
}

fn name(run: usize) -> String {
    format!("experiment_{}/20260101-{:06}-0000", run % 20, run)
}

fn key(run: usize, number: usize) -> String {
    blake3::hash(format!("{run} {number}").as_bytes()).to_hex().to_string()
}

/// The events of a trial in turns: it is suggested, and its fit ends.
fn event(run: usize, number: usize) -> Event {
    if number.is_multiple_of(2) {
        Event::TrialSuggested { study: "outer 0, inner 1".to_owned(), trial: number / 2, assignment: assignment() }
    } else {
        Event::FitFinished {
            fit: format!("outer-0/inner-1/trial-{:03}", number / 2),
            key: key(run, number),
            started: "2026-01-02T03:04:05.678Z".to_owned(),
            seconds: 12.345,
            reused: None,
            failed: None,
        }
    }
}

fn append_fit(results: &Path, run: usize) {
    let path = results.join(name(run)).join("journal.jsonl");
    let (mut journal, recorded) = Journal::open(path).expect("nobody writes it");
    journal.append(&event(run, recorded.len())).expect("there is room");
}

fn assignment() -> Assignment {
    let names = ["train.full.optimizer.lr", "train.full.optimizer.weight_decay", "model.head.0.units", "dropout"];
    names.into_iter().map(|name| (name.to_owned(), Value::Float(0.012_345_678_901_234_567))).collect()
}

fn make_run(results: &Path, run: usize) {
    let folder = results.join(name(run));
    fs::create_dir_all(&folder).expect("the folder can be made");
    let mut journal = Journal::create(folder.join("journal.jsonl")).expect("the folder is new");
    for number in 0..2 * N_FITS {
        journal.append(&event(run, number)).expect("there is room");
    }
    let mut id = name(run);
    let id = id.split_off(id.find('/').map_or(0, |slash| slash + 1));
    let write = |name: &str, text: String| fs::write(folder.join(name), text).expect("the folder is there");
    write("run.json", serde_json::to_string_pretty(&manifest(id)).expect("text keys"));
    write("summary.json", serde_json::to_string_pretty(&summary()).expect("text keys"));
}

fn manifest(run: String) -> Manifest {
    serde_json::from_value(serde_json::json!({
        "format": Manifest::FORMAT, "run": run, "experiment": "experiment", "started": "2026-01-02T03:04:05Z",
        "xrun_version": "0.1.0", "seed_version": "1", "seed": "1", "command": ["xrun", "experiment.rhai"],
        "project_root": "/home/user/project", "sources": [], "device": "cpu", "device_class": "x86_64 avx2",
        "threads": 2, "host": "host", "os": "linux", "plan": "2 x 2 x (3 + 1) = 16 fits", "n_fits": N_FITS,
    }))
    .expect("every field that is needed is there")
}

fn summary() -> Summary {
    let study = |outer, inner| StudySummary {
        ended: None,
        outer: Some(outer),
        inner: Some(inner),
        n_complete: 3,
        n_infeasible: None,
        n_pruned: None,
        n_failed: 0,
        best_trial: Some(1),
        best_value: Some(0.912_345_678_901_234_5),
        best_violation: 0.0,
        best_assignment: assignment(),
        history: Vec::new(),
        importance: BTreeMap::new(),
        other_importance: BTreeMap::new(),
        slices: BTreeMap::new(),
        front: Vec::new(),
    };
    let metric = MetricSummary::of(vec![0.89, 0.91]);
    let names = ["accuracy", "balanced_accuracy", "roc_auc", "log_loss", "f1", "precision", "recall"];
    Summary {
        experiment: "experiment".to_owned(),
        status: "complete".to_owned(),
        n_fits: N_FITS,
        n_pruned: None,
        n_epochs_saved: None,
        n_failed_trials: 0,
        objective: Some("maximize roc_auc".to_owned()),
        other_objectives: Vec::new(),
        constraints: Vec::new(),
        studies: vec![study(0, 0), study(0, 1), study(1, 0), study(1, 1)],
        finals: Vec::new(),
        test: names.into_iter().map(|name| (name.to_owned(), metric.clone())).collect::<BTreeMap<_, _>>(),
        n_test_evaluations: 4,
    }
}
