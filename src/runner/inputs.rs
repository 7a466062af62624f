//! The files that a program's result was declared to depend on, as they were when the run began.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::RunError;
use crate::program;
use crate::script::Outcome;
use crate::spec::command::Program;
use crate::spec::fit::Learner;

/// Paths and digests of the files, in the order of the config; none without a program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inputs(Vec<(PathBuf, String)>);

impl Inputs {
    /// Reads the files of what is to be run, once it is sure that its program is there. Nothing is run.
    ///
    /// # Errors
    /// There is no such program or folder, or a file cannot be read.
    pub(super) fn read(outcome: &Outcome) -> Result<Self, RunError> {
        let program = match outcome {
            Outcome::Experiment(experiment) => experiment.program(),
            Outcome::Fit(fit) => match fit.learner() {
                Learner::Command(command) => Some(&command.program),
                Learner::Network { .. } | Learner::Formula(_) => None,
            },
        };
        let Some(Program { name, folder, inputs }) = program else { return Ok(Self::default()) };
        if !folder.is_dir() {
            return Err(RunError::Config(format!(
                "there is no folder {}, in which `{name}` is to be run; set objective.folder to one that is there",
                folder.display()
            )));
        }
        if program::find(name, folder).is_none() {
            let place = if name.contains('/') { folder.display().to_string() } else { "PATH".to_owned() };
            return Err(RunError::Config(format!(
                "there is no program `{name}` in {place}; install it, or give its path from the project root, with leave to \
                 run it"
            )));
        }
        inputs.iter().map(|path| Ok((path.clone(), digest(path)?))).collect::<Result<_, _>>().map(Self)
    }

    /// BLAKE3 of each file, in the order of the config.
    #[must_use]
    pub fn digests(&self) -> Vec<String> {
        self.0.iter().map(|(_, digest)| digest.clone()).collect()
    }

    /// BLAKE3 of each file by its path, for the record.
    #[must_use]
    pub fn recorded(&self) -> BTreeMap<String, String> {
        self.0.iter().map(|(path, digest)| (path.display().to_string(), digest.clone())).collect()
    }

    /// The first file that is not what a record says of it.
    #[must_use]
    pub fn changed_since(&self, recorded: &BTreeMap<String, String>) -> Option<&Path> {
        let is_changed =
            |(path, digest): &&(PathBuf, String)| recorded.get(&path.display().to_string()) != Some(digest);
        self.0.iter().find(is_changed).map(|(path, _)| path.as_path())
    }

    /// Checks that the files are what they were: what a fit's key says of them must hold while it is trained.
    pub(super) fn check(&self) -> Result<(), RunError> {
        for (path, before) in &self.0 {
            if digest(path)? != *before {
                return Err(RunError::Config(format!(
                    "{} was changed while the run went on: its fits would not be those of one program; put it back and \
                     resume, or run the config anew",
                    path.display()
                )));
            }
        }
        Ok(())
    }
}

fn digest(path: &Path) -> Result<String, RunError> {
    let bytes = std::fs::read(path)
        .map_err(|error| RunError::Config(format!("cannot read the input {}: {error}", path.display())))?;
    Ok(blake3::hash(&bytes).to_hex().to_string())
}
