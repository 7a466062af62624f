//! The record of runs: damage is named, one process writes a run, the index is a cache, and removing breaks nothing.

mod support;

use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};

use support::{Project, sphere};

/// A project with `n` finished runs of a tiny experiment; their ids in the order in which they ran.
fn project_with_runs(n: usize) -> (Project, Vec<String>) {
    let project = Project::new().script(&sphere("", "uniform(0.0, 1.0)"));
    let ids = (0..n).map(|_| {
        let output = project.xrun(["experiment.rhai", "--quiet", "--json", "--fresh"]);
        output.code(0);
        output.json()["run"].as_str().expect("an id").to_owned()
    });
    let ids = ids.collect();
    (project, ids)
}

/// Where a run lies in its project.
fn folder(id: &str) -> PathBuf {
    Path::new("results/a").join(id)
}

/// The ids and statuses of `xrun ls`.
fn listed(project: &Project) -> Vec<(String, String)> {
    let output = project.xrun(["ls", "--json"]);
    output.code(0).stderr_is("");
    let runs = output.stdout.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"));
    let text = |value: &serde_json::Value| value.as_str().expect("a text").to_owned();
    runs.map(|run| (text(&run["run"]), text(&run["status"]))).collect()
}

fn ids(project: &Project) -> Vec<String> {
    listed(project).into_iter().map(|(id, _)| id).collect()
}

fn size(path: &Path) -> u64 {
    let found = fs::metadata(path).expect("it is there");
    if found.is_dir() {
        fs::read_dir(path).expect("it can be read").map(|entry| size(&entry.expect("it can be read").path())).sum()
    } else {
        found.len()
    }
}

/// As the program says it, for what is this small.
fn told(bytes: u64) -> String {
    if bytes < 1000 { format!("{bytes} bytes") } else { format!("{:.1} kB", bytes as f64 / 1e3) }
}

#[test]
fn a_flipped_byte_of_a_journal_is_named_with_its_line() {
    let (project, ids) = project_with_runs(1);
    let journal = folder(&ids[0]).join("journal.jsonl");
    let whole = fs::read(project.path(&journal)).expect("it was written");
    let shown = project.xrun(["show"]).stdout;
    for at in (0..whole.len()).step_by(whole.len() / 12).chain([whole.len() - 1]) {
        let line = whole[..at].iter().filter(|&&byte| byte == b'\n').count() + 1;
        let mut changed = whole.clone();
        changed[at] ^= 0x04;
        fs::write(project.path(&journal), &changed).expect("it can be written");
        let output = project.xrun(["show"]);
        output.code(1);
        assert_eq!(output.stdout, shown, "what else is recorded is shown");
        let said =
            format!("error: [PROJECT]/{} is damaged: line {line} ", output.redact(&journal.display().to_string()));
        assert!(output.redact(&output.stderr).starts_with(&said), "byte {at}: {output}");
        assert_eq!(fs::read(project.path(&journal)).expect("it is there"), changed, "it is left alone");
    }
    fs::write(project.path(&journal), &whole).expect("it can be written");
    project.xrun(["show"]).code(0).stderr_is("");
}

#[test]
fn a_line_taken_out_of_a_journal_is_named() {
    let (project, ids) = project_with_runs(1);
    let journal = folder(&ids[0]).join("journal.jsonl");
    let text = project.read(&journal);
    let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
    lines.remove(1);
    project.write(&journal, &lines.concat());
    let wanted = "error: [PROJECT]/results/a/[RUN]/journal.jsonl is damaged: line 2 does not fit its check: it was changed, \
                  or a line before it was removed or moved; put back a copy of the journal, or remove the run with `xrun rm`\n";
    project.xrun(["show"]).code(1).stderr_is(wanted);
    // An unfinished run has nothing but its journal to tell how far it came.
    fs::remove_file(project.path(folder(&ids[0]).join("summary.json"))).expect("it was written");
    project
        .xrun(["ls"])
        .code(0)
        .stdout_is("")
        .stderr_is(&format!("{}no runs in [PROJECT]/results\n", wanted.replace("error", "warning")));
    project.xrun(["rm", &ids[0]]).code(0);
    assert!(project.runs("a").is_empty());
}

#[test]
fn a_run_cut_short_while_it_wrote_is_unfinished_and_shown() {
    let (project, ids) = project_with_runs(1);
    let run = folder(&ids[0]);
    fs::remove_file(project.path(run.join("summary.json"))).expect("it was written");
    let text = project.read(run.join("journal.jsonl"));
    let last = text.trim_end().rfind('\n').expect("many lines") + 1;
    for length in [last + 1, last + 30, text.len() - 1] {
        project.write(run.join("journal.jsonl"), &text[..length]);
        assert_eq!(listed(&project), [(ids[0].clone(), "unfinished".to_owned())]);
        let output = project.xrun(["show"]);
        output.code(0).stderr_is("");
        assert!(output.stdout.contains("it did not come to its end; go on with it: xrun resume "), "{output}");
        assert_eq!(project.read(run.join("journal.jsonl")).len(), length, "a reader changes nothing");
    }
}

#[test]
fn a_run_that_is_being_written_is_running_and_is_not_removed() {
    let (project, ids) = project_with_runs(2);
    let run = folder(&ids[0]);
    let path = project.path(&run);
    fs::remove_file(path.join("summary.json")).expect("it was written");
    fs::write(path.join("run.json.partial"), "x").expect("it can be written");
    let writer = OpenOptions::new().append(true).open(path.join("journal.jsonl")).expect("it was written");
    writer.lock().expect("nobody has it");
    let status = |status: &str| vec![(ids[0].clone(), status.to_owned()), (ids[1].clone(), "complete".to_owned())];
    assert_eq!(listed(&project), status("running"));
    assert!(project.xrun(["show", &ids[0]]).stdout.contains("\nstatus   running\n"));
    let wanted = "error: [PROJECT]/results/a/[RUN] is being written by another process; wait for it to end\n";
    for arguments in [vec!["rm", &ids[0]], vec!["rm", &ids[1], &ids[0]], vec!["rm", "--dry-run", &ids[0]]] {
        project.xrun(arguments).code(6).stdout_is("").stderr_is(wanted);
    }
    project.xrun(["gc"]).code(0).stdout_is("there is nothing to remove\n");
    assert!(path.join("run.json.partial").exists());
    assert_eq!(project.runs("a").len(), 2, "if one cannot be removed, none is");
    drop(writer);
    assert_eq!(listed(&project), status("unfinished"));
    project.xrun(["rm", &ids[0]]).code(0);
    assert_eq!(project.runs("a"), [folder(&ids[1])]);
}

#[test]
fn rm_says_what_it_removed_and_removes_the_empty_experiment() {
    let (project, ids) = project_with_runs(3);
    let lines = |word: &str, ids: &[&String]| -> String {
        ids.iter()
            .map(|id| format!("{word} [PROJECT]/results/a/[RUN] ({})\n", told(size(&project.path(folder(id))))))
            .collect()
    };
    let before = project.contents("results/a");
    project.xrun(["rm", "--dry-run", &ids[2], "@latest"]).code(0).stdout_is(&lines("would remove", &[&ids[2]]));
    assert_eq!(project.contents("results/a"), before);
    let wanted = lines("removed", &[&ids[0], &ids[2]]);
    let path = project.path(folder(&ids[0])).display().to_string();
    project.xrun(["rm", "@latest", &path]).code(0).stdout_is(&wanted).stderr_is("");
    assert_eq!(self::ids(&project), [ids[1].clone()]);
    project.xrun(["rm", &ids[1][..ids[1].len() - 1]]).code(0);
    assert!(!project.path("results/a").exists());
    project.xrun(["ls"]).code(0).stderr_is("no runs in [PROJECT]/results\n");
}

#[test]
fn rm_refuses_what_it_cannot_find_or_must_not_touch() {
    let (project, ids) = project_with_runs(2);
    let hint = "hint: `xrun ls` lists the runs\n";
    let wanted = format!("error: there is no run `nothing` in [PROJECT]/results\n{hint}");
    project.xrun(["rm", &ids[0], "nothing"]).code(5).stdout_is("").stderr_is(&wanted);
    let wanted = "error: `2` could be [RUN], [RUN]\nhint: give more of the id\n";
    project.xrun(["rm", "2"]).code(5).stdout_is("").stderr_is(wanted);
    let moved = project.path("elsewhere");
    fs::create_dir_all(&moved).expect("the folder can be made");
    fs::rename(project.path(folder(&ids[0])), moved.join("run")).expect("it can be moved");
    let wanted = "error: [PROJECT]/elsewhere/run does not lie in [PROJECT]/results\n\
                  hint: name the folder its experiment lies in with --results DIR\n";
    project.xrun(["rm", "elsewhere/run"]).code(2).stdout_is("").stderr_is(wanted);
    assert!(moved.join("run/run.json").exists());
    let output = project.xrun(["rm"]);
    output.code(2);
    assert!(output.stderr.contains("<RUN>..."), "{output}");
    assert_eq!(self::ids(&project), [ids[1].clone()]);
}

#[test]
fn removing_a_run_leaves_what_another_took_over_from_it() {
    let (project, ids) = project_with_runs(2);
    let (first, second) = (project.path(folder(&ids[0])), project.path(folder(&ids[1])));
    for name in ["config.rhai", "metrics.csv", "outcome.json"] {
        fs::remove_file(second.join("trial-000").join(name)).expect("it was written");
        fs::hard_link(first.join("trial-000").join(name), second.join("trial-000").join(name))
            .expect("one file system");
    }
    let kept = project.contents(folder(&ids[1]));
    let shared = size(&first.join("trial-000"));
    let wanted = format!("removed [PROJECT]/results/a/[RUN] ({})\n", told(size(&first) - shared));
    project.xrun(["rm", &ids[0]]).code(0).stdout_is(&wanted);
    assert_eq!(project.contents(folder(&ids[1])), kept);
    project.xrun(["show", &ids[1]]).code(0).stderr_is("");
    let config = second.join("trial-000/config.rhai").display().to_string();
    project.xrun([config.as_str(), "--quiet"]).code(0);
}

#[test]
fn gc_removes_what_nobody_needs_and_nothing_else() {
    let (project, ids) = project_with_runs(2);
    let run = folder(&ids[0]);
    let before = project.contents("results/a");
    let needed = [run.join("imports/part.tmp"), run.join("trial-009/checkpoint.bin"), "results/a/own.tmp".into()];
    let unneeded = [
        run.join("run.json.partial"),
        run.join("trial-000/checkpoint.bin"),
        run.join("trial-000/checkpoint.bin.tmp"),
        run.join("trial-009/metrics.csv.partial"),
        "results/.scratch/replay/a/run/run.json".into(),
    ];
    for path in needed.iter().chain(&unneeded) {
        project.write(path, "12345");
    }
    project.write("results/.scratch/used/file", "1234");
    let used = File::open(project.path("results/.scratch/used")).expect("it was made");
    used.lock().expect("nobody has it");
    project.write("results/.scratch/written/a/run/journal.jsonl", "");
    let written = File::open(project.path("results/.scratch/written/a/run/journal.jsonl")).expect("it was made");
    written.lock().expect("nobody has it");
    let removed: [PathBuf; 5] = [
        unneeded[0].clone(),
        unneeded[1].clone(),
        unneeded[2].clone(),
        unneeded[3].clone(),
        "results/.scratch/replay".into(),
    ];
    let lines = |word: &str| -> String {
        let lines: String =
            removed.iter().map(|path| format!("{word} [PROJECT]/{} (5 bytes)\n", path.display())).collect();
        format!("{}{word} 5 files and folders, 25 bytes in all\n", lines.replace(&ids[0], "[RUN]"))
    };
    let all = project.contents("results");
    project.xrun(["gc", "--dry-run"]).code(0).stdout_is(&lines("would remove")).stderr_is("");
    assert_eq!(project.contents("results"), all);
    project.xrun(["gc"]).code(0).stdout_is(&lines("removed")).stderr_is("");
    assert!(removed.iter().all(|path| !project.path(path).exists()));
    let mut after = project.contents("results/a");
    for path in &needed {
        assert_eq!(after.remove(&project.path(path)).as_deref(), Some(b"12345".as_slice()), "{}", path.display());
    }
    assert_eq!(after, before);
    project.xrun(["gc"]).code(0).stdout_is("there is nothing to remove\n");
    drop((used, written));
    project.xrun(["gc"]).code(0);
    assert!(project.names("results/.scratch").is_empty());
}

#[test]
fn gc_drops_runs_that_are_gone_from_the_index() {
    let (project, ids) = project_with_runs(2);
    assert_eq!(self::ids(&project), ids);
    fs::remove_dir_all(project.path(folder(&ids[0]))).expect("it was made");
    for _ in 0..2 {
        project.xrun(["gc", "--dry-run"]).code(0).stdout_is("would remove 1 run that is gone from the index\n");
    }
    project.xrun(["gc"]).code(0).stdout_is("removed 1 run that is gone from the index\n");
    project.xrun(["gc"]).code(0).stdout_is("there is nothing to remove\n");
    assert_eq!(self::ids(&project), [ids[1].clone()]);
    project.xrun(["gc", "--results", "nothing"]).code(0).stdout_is("there is nothing to remove\n");
}

#[test]
fn ls_is_right_whatever_happens_to_the_index() {
    let (project, ids) = project_with_runs(2);
    let listed = project.xrun(["ls"]).stdout;
    let index = project.path("results/.index");
    assert_eq!(project.names("results/.index"), ["runs.jsonl"]);
    let file = index.join("runs.jsonl");
    let whole = fs::read(&file).expect("it was written");
    for at in (0..whole.len()).step_by(whole.len() / 10) {
        let mut changed = whole.clone();
        changed[at] ^= 0x01;
        fs::write(&file, changed).expect("it can be written");
        assert_eq!(project.xrun(["ls"]).code(0).stderr_is("").stdout, listed, "byte {at}");
        assert_eq!(fs::read(&file).expect("it was written"), whole);
    }
    fs::remove_dir_all(&index).expect("it was made");
    assert_eq!(project.xrun(["ls"]).code(0).stderr_is("").stdout, listed);
    assert_eq!(fs::read(&file).expect("it was written"), whole);

    // A run that is removed by hand, and one that is put there by hand.
    let copy = Path::new("results/b").join(&ids[0]);
    for (path, bytes) in project.contents(folder(&ids[0])) {
        let below = path.strip_prefix(project.path(folder(&ids[0]))).expect("it lies there").to_owned();
        project.write(copy.join(below), &String::from_utf8(bytes).expect("no weights"));
    }
    assert_eq!(self::ids(&project), [ids[0].clone(), ids[0].clone(), ids[1].clone()]);
    let output = project.xrun(["show", &ids[0]]);
    let wanted = format!("error: `{}` could be [PROJECT]/results/a/[RUN], [PROJECT]/results/b/[RUN]\n", "[RUN]");
    assert!(output.code(5).redact(&output.stderr).starts_with(&wanted), "{output}");
    fs::remove_dir_all(project.path(folder(&ids[0]))).expect("it was made");
    assert_eq!(self::ids(&project), [ids[0].clone(), ids[1].clone()]);
    project.xrun(["show", &ids[0]]).code(0);
}

#[cfg(unix)]
#[test]
fn results_that_cannot_be_written_are_listed_all_the_same() {
    let (project, ids) = project_with_runs(2);
    for folder in ["results/a", "results"] {
        support::set_mode(&project.path(folder), 0o555);
    }
    let project = project.by_nobody();
    for _ in 0..2 {
        assert_eq!(self::ids(&project), ids);
    }
    assert!(!project.path("results/.index").exists());
    let output = project.xrun(["rm", &ids[0]]);
    output.code(1).stdout_is("");
    assert!(output.stderr.starts_with("error: cannot write "), "{output}");
    for folder in ["results", "results/a"] {
        support::set_mode(&project.path(folder), 0o755);
    }
    assert_eq!(project.xrun(["show", &ids[0]]).code(0).stderr, "");
}

/// A limit on the size of files stands in for a full disk; the signal that would end the program is ignored.
#[cfg(unix)]
#[test]
fn a_full_disk_leaves_a_journal_of_whole_lines() {
    let project = Project::new().script(&sphere("", "uniform(0.0, 1.0)").replace("trials: 2", "trials: 200"));
    for limit in [4, 8] {
        let project = Project::new().file("experiment.rhai", &project.read("experiment.rhai"));
        let project = project.under(&format!("trap '' XFSZ; ulimit -f {limit}"));
        project.xrun(["experiment.rhai", "--quiet"]).code(1).stdout_is("");
        let run = project.only_run("a");
        let journal = project.read(run.join("journal.jsonl"));
        assert!(journal.ends_with("\"}\n"), "{limit}: what was not written whole is taken back");
        assert!(journal.lines().count() > 4, "{limit}");
        let output = project.xrun(["show"]);
        output.code(0).stderr_is("");
        assert!(output.stdout.contains("\nstatus   unfinished\n"), "{output}");
    }
}

#[test]
fn a_clock_that_goes_backwards_loses_no_run() {
    let (project, ids) = project_with_runs(1);
    // A run of a time that is still to come, as a clock that was wrong leaves it.
    let later = "29990101-000000-0000";
    fs::rename(project.path(folder(&ids[0])), project.path(folder(later))).expect("it can be moved");
    assert_eq!(self::ids(&project), [later]);
    let output = project.xrun(["experiment.rhai", "--quiet", "--json", "--fresh"]);
    let new = output.code(0).json()["run"].as_str().expect("an id").to_owned();
    assert_eq!(self::ids(&project), [new.as_str(), later]);
    let latest = project.xrun(["show", "@latest", "--json"]).json();
    assert!(latest["path"].as_str().is_some_and(|path| path.ends_with(later)), "the last in the order of ids");
    project.xrun(["rm", &new]).code(0);
    assert_eq!(self::ids(&project), [later]);
}

#[cfg(unix)]
#[test]
fn results_behind_a_link_are_found_and_removed() {
    let (project, ids) = project_with_runs(1);
    fs::rename(project.path("results"), project.path("other")).expect("it can be moved");
    std::os::unix::fs::symlink(project.path("other"), project.path("results")).expect("a link can be made");
    assert_eq!(self::ids(&project), ids);
    let size = told(size(&project.path(folder(&ids[0]))));
    project.xrun(["rm", "@latest"]).code(0).stdout_is(&format!("removed [PROJECT]/other/a/[RUN] ({size})\n"));
    assert!(!project.path("other/a").exists());
}
