//! Errors on their way to the terminal, each with its exit code.

use std::io::ErrorKind;
use std::path::Path;

use super::Exit;
use crate::device::{DeviceError, UnknownDevice};
use crate::fetch::FetchError;
use crate::runner::{AskError, FinalizeRunError, RunError, ShippedError};
use crate::script::{Diagnostic, Place};
use crate::settings::{self, SettingsError};
use crate::spec::vocabulary::nearest;
use crate::store::{FindError, ModelFolderError, RecordError, StoreError};

/// An error as it is printed, and how the program ends.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) message: String,
    pub(super) place: Option<Place>,
    pub(super) hint: Option<String>,
    pub(super) exit: Exit,
}

impl Failure {
    pub(super) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { message: message.into(), place: None, hint: None, exit }
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl From<Diagnostic> for Failure {
    fn from(diagnostic: Diagnostic) -> Self {
        Self { message: diagnostic.message, place: diagnostic.place, hint: diagnostic.hint, exit: Exit::Usage }
    }
}

impl From<SettingsError> for Failure {
    fn from(error: SettingsError) -> Self {
        let failure = Self::new(Exit::Usage, error.to_string());
        match &error {
            SettingsError::Unknown { near: Some(near), .. } => failure.hint(format!("did you mean `{near}`?")),
            SettingsError::Unknown { near: None, .. } => {
                failure.hint(format!("the settings are {}", settings::KEYS.join(", ")))
            }
            _ => failure.hint("`xrun settings` shows each setting and where it comes from"),
        }
    }
}

impl From<UnknownDevice> for Failure {
    fn from(error: UnknownDevice) -> Self {
        Self::new(Exit::Usage, error.to_string())
    }
}

impl From<DeviceError> for Failure {
    fn from(error: DeviceError) -> Self {
        Self::new(Exit::Usage, error.to_string())
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let failure = Self::new(Exit::Failed, error.to_string());
        match error {
            StoreError::Write { .. } => failure
                .hint("free some space or choose another folder with --results DIR; earlier runs are as they were"),
            StoreError::Read { .. } | StoreError::Damaged { .. } => failure,
            StoreError::Missing { .. } => failure.hint("put back a copy, or remove the run with `xrun rm`"),
            StoreError::Locked { .. } => Self { exit: Exit::Locked, ..failure },
        }
    }
}

impl From<FindError> for Failure {
    fn from(error: FindError) -> Self {
        match error {
            FindError::NotFound { .. } => Self::new(Exit::NotFound, error.to_string()).hint("`xrun ls` lists the runs"),
            FindError::Ambiguous { .. } => Self::new(Exit::NotFound, error.to_string()).hint("give more of the id"),
            FindError::NoManifest { .. } => Self::new(Exit::NotFound, error.to_string())
                .hint("put back a copy of run.json; a folder that never had one holds nothing to go on with"),
            FindError::Joint { .. } => Self::new(Exit::Usage, error.to_string()).hint("name one of them"),
            FindError::NoExperiment { ref asked, ref experiments, .. } => {
                let near = nearest(asked, experiments.iter().map(String::as_str));
                let hint = near.map(|near| format!("did you mean `{near}`?"));
                Self::new(Exit::NotFound, error.to_string())
                    .hint(hint.unwrap_or_else(|| "`xrun ls` lists the runs and their experiments".to_owned()))
            }
            FindError::SeveralExperiments { ref experiments } => {
                let example = experiments.first().map_or("NAME", String::as_str);
                Self::new(Exit::Usage, error.to_string()).hint(format!("say which, as in {example}@best"))
            }
            FindError::NothingToRank { .. } => Self::new(Exit::NotFound, error.to_string())
                .hint("name a run by its id, as `xrun ls` lists them; `xrun resume` goes on with one that was stopped"),
            FindError::Elsewhere { .. } => Self::new(Exit::Usage, error.to_string())
                .hint("name the folder its experiment lies in with --results DIR"),
            FindError::Store(error) => error.into(),
        }
    }
}

impl From<RecordError> for Failure {
    fn from(error: RecordError) -> Self {
        match error {
            RecordError::Run(error) => error.into(),
            RecordError::NoFit { .. } => Self::new(Exit::NotFound, error.to_string()),
        }
    }
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Store(error) => error.into(),
            RunError::WarmStart(_) => Self::new(Exit::Usage, error.to_string())
                .hint("name another run, as `xrun ls` lists them, or leave `warm_start` out"),
            RunError::Network(diagnostic) => (*diagnostic).into(),
            RunError::Final { .. } => Self::new(Exit::Failed, error.to_string()),
            RunError::Refused { ref path, .. } => Self::new(Exit::Failed, error.to_string())
                .hint(format!("free some space or mend what is named here; what is recorded is kept; {}", go_on(path))),
            RunError::Worker { ref path, .. } => {
                Self::new(Exit::Failed, error.to_string()).hint(format!("what is recorded is kept; {}", go_on(path)))
            }
            RunError::Interrupted { signal, ref path } => {
                let exit = if signal == 15 { Exit::Terminated } else { Exit::Interrupted };
                Self::new(exit, "stopped; what is recorded is kept").hint(go_on(path))
            }
            RunError::Data(_)
            | RunError::Weights(_)
            | RunError::Split(_)
            | RunError::SplitFile { .. }
            | RunError::ReadSplits { .. }
            | RunError::Config(_) => Self::new(Exit::Usage, error.to_string()),
        }
    }
}

impl From<FinalizeRunError> for Failure {
    fn from(error: FinalizeRunError) -> Self {
        let failure = Self::new(Exit::Usage, error.to_string());
        match error {
            FinalizeRunError::Unfinished { run } => failure.hint(format!("go on with it: xrun resume {run}")),
            FinalizeRunError::Failed { .. } | FinalizeRunError::OneFit { .. } | FinalizeRunError::Experiment { .. } => {
                failure
            }
        }
    }
}

impl From<ModelFolderError> for Failure {
    fn from(error: ModelFolderError) -> Self {
        let message = error.to_string();
        match error {
            ModelFolderError::Record(error) => error.into(),
            ModelFolderError::Store(error) => error.into(),
            ModelFolderError::NotFinalized { run } => Self::new(Exit::Usage, message).hint(format!(
                "xrun finalize {run} makes it; a final is named by its folder, as in {run}:outer-0/inner-0/final"
            )),
            ModelFolderError::Unfinished { run } => {
                Self::new(Exit::Usage, message).hint(format!("go on with it: xrun resume {run}"))
            }
            ModelFolderError::NoWeights { .. } => Self::new(Exit::Usage, message),
        }
    }
}

impl From<ShippedError> for Failure {
    fn from(error: ShippedError) -> Self {
        let message = error.to_string();
        match error {
            ShippedError::Store(error) => error.into(),
            ShippedError::Train(_) => Self::new(Exit::Failed, message),
            ShippedError::Config(_) | ShippedError::NoNetwork(_) | ShippedError::Data(_) => {
                Self::new(Exit::Usage, message)
            }
        }
    }
}

impl From<FetchError> for Failure {
    fn from(error: FetchError) -> Self {
        let failure = Self::new(Exit::Failed, error.to_string());
        match error {
            FetchError::Unknown { near, .. } => {
                let hint = near.map(|near| format!("did you mean `{near}`?"));
                Self { exit: Exit::Usage, ..failure }
                    .hint(hint.unwrap_or_else(|| "`xrun data ls` lists the names".to_owned()))
            }
            FetchError::Locked { .. } => Self { exit: Exit::Locked, ..failure },
            FetchError::Checksum { .. } => failure.hint(
                "try again, or a mirror with --url; if it stays so, the publisher has changed the file and xrun must learn the new one",
            ),
            FetchError::Archive { .. } => failure.hint("nothing of it was kept but the archive; do not use it"),
            FetchError::Write { source, .. } => failure.hint(match source.kind() {
                ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
                    "free some space or choose another folder with --into DIR; running it again goes on where it stopped"
                }
                _ => "choose a folder that can be written with --into DIR, or mend the permissions of this one",
            }),
            FetchError::Http { .. }
            | FetchError::Different { .. }
            | FetchError::Incomplete { .. }
            | FetchError::Read { .. } => failure,
        }
    }
}

impl From<AskError> for Failure {
    fn from(error: AskError) -> Self {
        let failure = Self::new(Exit::Usage, error.to_string());
        match error {
            AskError::Run(error) => error.into(),
            AskError::Store(error) => error.into(),
            AskError::NotExternal { .. } => {
                failure.hint("`xrun SCRIPT` runs it; to tell values, set objective: external(#{...})")
            }
            AskError::OtherConfig { run } => failure.hint(format!(
                "give the script as it was, or its own: `xrun show {run}` has the path of its config.rhai"
            )),
            AskError::Waits { needs, .. } | AskError::AllAsked { needs, .. } => {
                failure.hint(format!("if whoever evaluated trial {needs} is gone: xrun ask SCRIPT --again {needs}"))
            }
            AskError::NotAsked { .. }
            | AskError::Told { .. }
            | AskError::Epoch { .. }
            | AskError::PastTheLast { .. } => failure,
        }
    }
}

fn go_on(run: &Path) -> String {
    format!("go on with: xrun resume {}", run.display())
}
