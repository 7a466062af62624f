//! The runs of a project's commits, for `xrun compare --git`: known from their manifests, nothing is checked out.

use std::collections::BTreeSet;
use std::path::Path;

use super::Exit;
use super::failure::Failure;
use super::output::table;
use super::query::readable;
use crate::store::{self, Commit, CommitsError, RunEntry};
use crate::wording::count;

/// Characters of a commit's name and of its message that are shown.
const SHORT: usize = 10;
const SUBJECT: usize = 50;

/// A commit with the newest run that was made of it.
pub(super) struct Version {
    commit: Commit,
    pub(super) run: RunEntry,
}

impl Version {
    fn id(&self) -> String {
        let changed = self.run.manifest.git.as_ref().is_some_and(|git| git.dirty);
        format!("{:.SHORT$}{}", self.commit.id, if changed { "+" } else { "" })
    }
}

/// The commits of a range that have finished runs of one experiment, the oldest first.
pub(super) fn versions(
    results: &Path,
    project: &Path,
    range: &str,
    experiment: Option<&str>,
) -> Result<Vec<Version>, Failure> {
    let commits = store::commits(project, range)?;
    let complete = readable(results)?.into_iter().filter(|line| line.status == "complete");
    let mut runs: Vec<RunEntry> = complete.map(|line| RunEntry::read(&line.path)).collect::<Result<_, _>>()?;
    let commit_of = |run: &RunEntry| run.manifest.git.as_ref().map(|git| git.commit.clone());
    runs.retain(|run| commit_of(run).is_some_and(|id| commits.iter().any(|commit| commit.id == id)));
    // A model to ship was never tested.
    runs.retain(|run| run.manifest.finalizes.is_none());
    let names: BTreeSet<&str> = runs.iter().map(|run| run.manifest.experiment.as_str()).collect();
    let names: Vec<&str> = names.into_iter().collect();
    let name = match (experiment, names.as_slice()) {
        (Some(name), several) if several.is_empty() || several.contains(&name) => name.to_owned(),
        (None, [only]) => (*only).to_owned(),
        (None, []) => return Err(too_few(range, &commits, 0, "a run")),
        (_, several) => {
            let message = format!("the commits of {range} have runs of {}", several.join(", "));
            return Err(Failure::new(Exit::Usage, message).hint("choose one with --experiment NAME"));
        }
    };
    runs.retain(|run| run.manifest.experiment == name);
    // Of several runs the newest, but one of changed files only where there is no other.
    runs.sort_by_key(|run| {
        let is_clean = run.manifest.git.as_ref().is_some_and(|git| !git.dirty);
        (is_clean, run.manifest.started.clone(), run.manifest.run.clone())
    });
    let newest = |commit: Commit| {
        let run = runs.iter().rev().find(|run| commit_of(run).as_deref() == Some(commit.id.as_str()))?.clone();
        Some(Version { commit, run })
    };
    let versions: Vec<Version> = commits.clone().into_iter().filter_map(newest).collect();
    if versions.len() < 2 {
        return Err(too_few(range, &commits, versions.len(), &format!("a finished run of {name}")));
    }
    Ok(versions)
}

fn too_few(range: &str, commits: &[Commit], n: usize, what: &str) -> Failure {
    let with = if n == 1 { "1 has".to_owned() } else { format!("{n} have") };
    let message = format!("of the {} of {range}, {with} {what}", count(commits.len(), "commit"));
    Failure::new(Exit::Usage, message)
        .hint("two are needed: check out another commit, run the experiment there, and come back")
}

impl From<CommitsError> for Failure {
    fn from(error: CommitsError) -> Self {
        let failure = Self::new(Exit::Usage, error.to_string());
        match error {
            CommitsError::Unknown(_) => failure.hint("git log and git tag list what there is"),
            CommitsError::NoRepository { .. } | CommitsError::NoRange(_) => failure,
        }
    }
}

/// Which run stands for which commit.
pub(super) fn text(versions: &[Version]) -> String {
    let rows: Vec<Vec<String>> = versions
        .iter()
        .map(|version| {
            let subject: String = version.commit.subject.chars().take(SUBJECT).collect();
            vec![version.id(), version.run.manifest.run.clone(), version.commit.names.clone(), subject]
        })
        .collect();
    let mut text = table(&["commit", "run", "names", "message"].map(str::to_owned), &rows);
    if versions.iter().any(|version| version.id().ends_with('+')) {
        text.push_str("\n+ its files had been changed when the run began");
    }
    text
}

pub(super) fn json(versions: &[Version]) -> serde_json::Value {
    let version = |version: &Version| {
        serde_json::json!({
            "commit": version.commit.id,
            "names": version.commit.names,
            "subject": version.commit.subject,
            "changed": version.run.manifest.git.as_ref().is_some_and(|git| git.dirty),
            "run": version.run.manifest.run,
        })
    };
    versions.iter().map(version).collect()
}
