//! The commits of a project's repository, as git lists them.

use std::path::Path;
use std::process::Command;

/// A commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// Its full name.
    pub id: String,
    /// Tags and branches that point to it, as git writes them; empty for most.
    pub names: String,
    /// The first line of its message.
    pub subject: String,
}

/// Why commits cannot be listed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommitsError {
    /// There is no git, or no repository with a commit.
    #[error("{folder} is in no git repository that has commits")]
    NoRepository {
        /// Where it was looked for.
        folder: String,
    },
    /// Two ends are needed.
    #[error("`{0}` is no range of commits; write it as FIRST..LAST, or FIRST.. for all up to the one checked out")]
    NoRange(String),
    /// Nothing has this name.
    #[error("git knows no commit called `{0}`")]
    Unknown(String),
}

/// The commits of a range, `FIRST..LAST` or `FIRST..`, the oldest first. Other than with git, the first one is in it.
///
/// # Errors
/// There is no repository around the folder, or an end of the range is no commit of it.
pub fn commits(folder: &Path, range: &str) -> Result<Vec<Commit>, CommitsError> {
    let (first, last) = range.split_once("..").ok_or_else(|| CommitsError::NoRange(range.to_owned()))?;
    // Three points are git's own range of another kind.
    if first.is_empty() || last.starts_with('.') {
        return Err(CommitsError::NoRange(range.to_owned()));
    }
    let none = || CommitsError::NoRepository { folder: folder.display().to_string() };
    git(folder, &["rev-parse", "HEAD"]).ok_or_else(none)?;
    let id = |name: &str| {
        // What begins with a hyphen would be an option.
        let found = if name.starts_with('-') {
            None
        } else {
            git(folder, &["rev-parse", "--verify", "--quiet", &format!("{name}^{{commit}}")])
        };
        found.map(|id| id.trim().to_owned()).ok_or_else(|| CommitsError::Unknown(name.to_owned()))
    };
    let (first, last) = (id(first)?, id(if last.is_empty() { "HEAD" } else { last })?);
    let list = |arguments: &[&str]| {
        let arguments: Vec<&str> = ["log", "--format=%H%x09%D%x09%s"].iter().chain(arguments).copied().collect();
        git(folder, &arguments).ok_or_else(none)
    };
    let text = list(&["-1", &first])? + list(&["--reverse", &format!("{first}..{last}")])?.as_str();
    let commit = |line: &str| {
        let mut parts = line.splitn(3, '\t').map(str::to_owned);
        Some(Commit { id: parts.next()?, names: parts.next()?, subject: parts.next()? })
    };
    Ok(text.lines().filter_map(commit).collect())
}

/// What git prints; none where it fails or is not there.
pub(super) fn git(folder: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").arg("-C").arg(folder).args(arguments).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}
