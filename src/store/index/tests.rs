use std::fs;

use super::*;
use crate::store::journal::{Event, Journal};

/// A folder of results with runs that are only what the index looks at.
struct Results {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

impl Results {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        Self { path: folder.path().to_owned(), _folder: folder }
    }

    /// A finished run with a fit for each key, in `trial-000` and so on.
    fn run(&self, name: &str, keys: &[&str]) -> &Self {
        let run = self.path.join(name);
        fs::create_dir_all(&run).expect("the folder can be made");
        let mut journal = Journal::create(run.join("journal.jsonl")).expect("the folder is new");
        for (index, key) in keys.iter().enumerate() {
            journal.append(&fit(index, key, None)).expect("there is room");
        }
        let experiment = name.split('/').next().expect("a name");
        let id = name.split('/').nth(1).expect("a name");
        fs::write(run.join("run.json"), manifest(experiment, id)).expect("the folder is there");
        self.summary(name, 0.5);
        self
    }

    fn summary(&self, name: &str, accuracy: f64) {
        let summary = serde_json::json!({
            "experiment": "e", "status": "complete", "n_fits": 2, "n_failed_trials": 0, "objective": "maximize accuracy",
            "studies": [], "finals": [], "test": {"accuracy": {"mean": accuracy, "std": null, "per_outer": [accuracy]}},
        });
        fs::write(self.path.join(name).join("summary.json"), summary.to_string()).expect("the folder is there");
    }

    /// Id, status and accuracy of every run; errors as their texts.
    fn lines(&self) -> Vec<String> {
        let line = |run: Result<RunLine, StoreError>| match run {
            Ok(run) => {
                assert!(run.path.ends_with(Path::new(&run.experiment).join(&run.run)), "{run:?}");
                let accuracy = run.found.map_or_else(String::new, |found| found.test["accuracy"].to_string());
                format!("{} {} {accuracy}", run.run, run.status)
            }
            Err(error) => error.to_string(),
        };
        runs(&self.path).expect("the folder can be read").into_iter().map(line).collect()
    }

    /// Where the fits with a key are, below the results.
    fn fits(&self, key: &str) -> Vec<String> {
        let index = FitIndex::load(&self.path).expect("the folder can be read");
        let below = |path: PathBuf| path.strip_prefix(&self.path).expect("inside").to_string_lossy().into_owned();
        index.get(key).map(below).collect()
    }

    fn index_files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let entries = fs::read_dir(folder(&self.path)).expect("it was written");
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("it can be read").path()).collect();
        paths.sort();
        paths.into_iter().map(|path| (path.clone(), fs::read(path).expect("it can be read"))).collect()
    }
}

fn fit(index: usize, key: &str, failed: Option<&str>) -> Event {
    Event::FitFinished {
        fit: format!("trial-{index:03}"),
        key: key.to_owned(),
        started: "2026-01-02T03:04:05Z".to_owned(),
        seconds: 1.0,
        reused: None,
        failed: failed.map(str::to_owned),
    }
}

fn manifest(experiment: &str, id: &str) -> String {
    serde_json::json!({
        "format": 1, "run": id, "experiment": experiment, "started": "", "xrun_version": "", "xrun_commit": null,
        "seed_version": "", "seed": "1", "command": [], "project_root": "", "sources": [], "data_fingerprint": null,
        "data": null, "device": "cpu", "device_class": "", "threads": 1, "host": "", "os": "", "git": null, "plan": "",
        "n_fits": 2,
    })
    .to_string()
}

#[test]
fn runs_of_all_experiments_are_in_the_order_of_their_ids() {
    let results = Results::new();
    results.run("b/20260101-000000-0000", &[]).run("a/20260102-000000-0000", &[]).run("c/20260101-000000-0001", &[]);
    fs::create_dir_all(results.path.join(".scratch/x")).expect("the folder can be made");
    fs::write(results.path.join(".scratch/x/run.json"), "{}").expect("the folder is there");
    let wanted =
        ["20260101-000000-0000 complete 0.5", "20260101-000000-0001 complete 0.5", "20260102-000000-0000 complete 0.5"];
    assert_eq!(results.lines(), wanted);
    assert_eq!(results.lines(), wanted, "from the index");
}

#[test]
fn the_index_answers_without_opening_a_run() {
    let results = Results::new();
    results.run("a/1", &["k"]);
    let (lines, fits) = (results.lines(), results.fits("k"));
    let before = results.index_files();
    // Of the same length, so that only a look into it would tell.
    for name in ["run.json", "summary.json", "journal.jsonl"] {
        let path = results.path.join("a/1").join(name);
        let length = fs::metadata(&path).expect("it is there").len();
        fs::write(path, vec![b'x'; usize::try_from(length).expect("small")]).expect("it can be written");
    }
    assert_eq!((results.lines(), results.fits("k")), (lines, fits));
    assert_eq!(results.index_files(), before, "nothing changed, nothing is written");
}

#[test]
fn what_changed_is_read_again() {
    let results = Results::new();
    results.run("a/1", &["k"]).run("a/2", &["k"]);
    assert_eq!(results.fits("k"), ["a/2/trial-000", "a/1/trial-000"]);
    fs::remove_file(results.path.join("a/2/summary.json")).expect("it was written");
    assert_eq!(results.lines(), ["1 complete 0.5", "2 unfinished "]);
    let (mut journal, _) = Journal::open(results.path.join("a/2/journal.jsonl")).expect("nobody writes it");
    assert_eq!(results.lines(), ["1 complete 0.5", "2 running "]);
    journal.append(&fit(1, "k", None)).expect("there is room");
    journal.append(&Event::RunInterrupted { reason: "signal 2".to_owned() }).expect("there is room");
    assert_eq!(results.fits("k"), ["a/2/trial-000", "a/2/trial-001", "a/1/trial-000"]);
    drop(journal);
    assert_eq!(results.lines(), ["1 complete 0.5", "2 interrupted "]);
    let (mut journal, _) = Journal::open(results.path.join("a/2/journal.jsonl")).expect("nobody writes it");
    journal.append(&Event::RunResumed).expect("there is room");
    drop(journal);
    assert_eq!(results.lines(), ["1 complete 0.5", "2 unfinished "]);
    results.summary("a/2", 0.75);
    assert_eq!(results.lines(), ["1 complete 0.5", "2 complete 0.75"]);
}

#[test]
fn runs_that_come_and_go_by_hand_come_and_go_in_the_index() {
    let results = Results::new();
    results.run("a/1", &["k"]).run("a/2", &["k"]);
    assert_eq!((results.lines().len(), results.fits("k").len()), (2, 2));
    fs::remove_dir_all(results.path.join("a/1")).expect("it was made");
    assert_eq!(n_stale(&results.path), 1);
    assert_eq!(results.lines(), ["2 complete 0.5"]);
    assert_eq!(results.fits("k"), ["a/2/trial-000"]);
    assert_eq!(n_stale(&results.path), 0);
    // A copy has a name of its own, and the journal of the original.
    fs::create_dir_all(results.path.join("b/3")).expect("the folder can be made");
    for name in ["run.json", "summary.json", "journal.jsonl"] {
        fs::copy(results.path.join("a/2").join(name), results.path.join("b/3").join(name)).expect("it can be copied");
    }
    fs::write(results.path.join("b/3/run.json"), manifest("b", "2")).expect("the folder is there");
    assert_eq!(results.lines(), ["2 complete 0.5", "3 complete 0.5"]);
    assert_eq!(results.fits("k"), ["b/3/trial-000", "a/2/trial-000"]);
}

#[test]
fn a_damaged_index_is_made_again() {
    let results = Results::new();
    results.run("a/1", &["k"]).run("a/2", &["l"]);
    let wanted = (results.lines(), results.fits("k"), results.fits("l"));
    let files = results.index_files();
    assert_eq!(files.len(), 2);
    for (path, bytes) in &files {
        for at in (0..bytes.len()).step_by(7) {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            fs::write(path, changed).expect("it can be written");
            assert_eq!((results.lines(), results.fits("k"), results.fits("l")), wanted, "byte {at}");
        }
        fs::write(path, &bytes[..bytes.len() / 2]).expect("it can be written");
        assert_eq!((results.lines(), results.fits("k"), results.fits("l")), wanted);
        assert_eq!(results.index_files(), files, "as it was");
    }
    fs::remove_dir_all(folder(&results.path)).expect("it was written");
    assert_eq!((results.lines(), results.fits("k"), results.fits("l")), wanted);
    assert_eq!(results.index_files(), files);
}

#[test]
fn an_index_that_cannot_be_written_is_done_without() {
    let results = Results::new();
    fs::write(folder(&results.path), "in its place").expect("the folder is there");
    results.run("a/1", &["k"]);
    for _ in 0..2 {
        assert_eq!(results.lines(), ["1 complete 0.5"]);
        assert_eq!(results.fits("k"), ["a/1/trial-000"]);
    }
}

#[test]
fn fits_that_ended_and_have_a_key_are_offered_as_they_ended_last() {
    let results = Results::new();
    results.run("a/1", &["k", "", "l"]);
    let (mut journal, _) = Journal::open(results.path.join("a/1/journal.jsonl")).expect("nobody writes it");
    journal.append(&fit(2, "n", None)).expect("there is room");
    journal.append(&fit(3, "m", Some("a loss that is no number"))).expect("there is room");
    assert_eq!(results.fits("k"), ["a/1/trial-000"]);
    assert_eq!(results.fits(""), [""; 0]);
    assert_eq!(results.fits("l"), [""; 0], "it was done again under another key");
    assert_eq!(results.fits("n"), ["a/1/trial-002"]);
    assert_eq!(results.fits("m"), ["a/1/trial-003"], "it would fail again");
    assert_eq!(results.fits("kk"), [""; 0]);
}

#[test]
fn a_damaged_run_is_an_error_in_its_place_and_offers_no_fits() {
    let results = Results::new();
    results.run("a/1", &["k"]).run("a/2", &["k"]).run("a/3", &["k"]);
    fs::write(results.path.join("a/2/run.json"), "{").expect("it can be written");
    let journal = results.path.join("a/3/journal.jsonl");
    let text = fs::read_to_string(&journal).expect("it was written");
    fs::write(&journal, format!("{text}{text}")).expect("it can be written");
    for _ in 0..2 {
        let lines = results.lines();
        assert_eq!(lines[0], "1 complete 0.5");
        assert!(lines[1].starts_with(&format!("{} is damaged", results.path.join("a/2/run.json").display())));
        assert_eq!(lines[2], "3 complete 0.5", "what it found does not hang on its journal");
        assert_eq!(results.fits("k"), ["a/2/trial-000", "a/1/trial-000"]);
    }
    fs::remove_file(results.path.join("a/3/summary.json")).expect("it was written");
    let lines = results.lines();
    assert!(lines[2].starts_with(&format!("{} is damaged: line 2 ", journal.display())), "{lines:?}");
}

#[test]
fn paths_of_fits_are_absolute() {
    let results = Results::new();
    results.run("a/1", &["k"]);
    let index = FitIndex::load(&results.path).expect("the folder can be read");
    assert_eq!(index.get("k").collect::<Vec<_>>(), [results.path.join("a/1/trial-000")]);
    assert!(results.path.is_absolute());
}
