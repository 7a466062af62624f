//! `xrun gc`: removes what nobody needs.

use super::Exit;
use super::args::CollectArguments;
use super::failure::Failure;
use super::output::{print, size};
use super::run::working_project;
use crate::settings;
use crate::store::Leftovers;

pub(super) fn gc(arguments: &CollectArguments) -> Result<Exit, Failure> {
    let settings = settings::load(&working_project(), &arguments.settings.flags())?.settings;
    let leftovers = Leftovers::collect(&settings.results, !arguments.dry_run)?;
    let removed = if arguments.dry_run { "would remove" } else { "removed" };
    for leftover in &leftovers.files {
        print(&format!("{removed} {} ({})", leftover.path.display(), size(leftover.size_bytes)));
    }
    match leftovers.n_stale {
        0 => {}
        1 => print(&format!("{removed} 1 run that is gone from the index")),
        n => print(&format!("{removed} {n} runs that are gone from the index")),
    }
    let total: u64 = leftovers.files.iter().map(|leftover| leftover.size_bytes).sum();
    match leftovers.files.len() {
        0 if leftovers.n_stale == 0 => print("there is nothing to remove"),
        0 | 1 => {}
        n => print(&format!("{removed} {n} files and folders, {} in all", size(total))),
    }
    Ok(Exit::Ok)
}
