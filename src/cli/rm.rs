//! `xrun rm`: removes recorded runs.

use super::Exit;
use super::args::RemoveArguments;
use super::failure::Failure;
use super::output::{print, size};
use super::run::working_project;
use crate::settings;
use crate::store::Removal;

pub(super) fn rm(arguments: &RemoveArguments) -> Result<Exit, Failure> {
    let settings = settings::load(&working_project(), &arguments.settings.flags())?.settings;
    // All of them are found and held before the first is removed: a mistake in one removes none.
    for removal in Removal::prepare(&settings.results, &arguments.runs)? {
        let told = format!("{} ({})", removal.path().display(), size(removal.size_bytes()));
        if arguments.dry_run {
            print(&format!("would remove {told}"));
        } else {
            removal.carry_out()?;
            print(&format!("removed {told}"));
        }
    }
    Ok(Exit::Ok)
}
