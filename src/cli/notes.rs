//! `xrun tag`, `xrun untag` and `xrun note`: what people say of a run.

use super::Exit;
use super::args::SettingFlags;
use super::failure::Failure;
use super::output::print;
use super::record_args::{NoteArguments, TagArguments, UntagArguments};
use super::run::working_project;
use crate::settings;
use crate::spec::vocabulary::nearest;
use crate::store::{self, Notes, RunEntry};

pub(super) fn tag(arguments: &TagArguments) -> Result<Exit, Failure> {
    let tags: Vec<(String, String)> = arguments.tags.iter().map(|text| parse(text)).collect::<Result<_, _>>()?;
    let run = find(&arguments.run, &arguments.settings)?;
    let notes = if tags.is_empty() { run.notes()? } else { run.change_notes(|notes| notes.tags.extend(tags))? };
    print(&tagged(&run, &notes));
    Ok(Exit::Ok)
}

pub(super) fn untag(arguments: &UntagArguments) -> Result<Exit, Failure> {
    let run = find(&arguments.run, &arguments.settings)?;
    let notes = run.notes()?;
    if let Some(unknown) = arguments.tags.iter().find(|name| !notes.tags.contains_key(*name)) {
        let failure = Failure::new(Exit::Usage, format!("the run {} has no tag `{unknown}`", run.manifest.run));
        return Err(match nearest(unknown, notes.tags.keys().map(String::as_str)) {
            Some(near) => failure.hint(format!("did you mean `{near}`?")),
            None => failure.hint(format!("`xrun tag {}` shows those it has", run.manifest.run)),
        });
    }
    let notes = run.change_notes(|notes| notes.tags.retain(|name, _| !arguments.tags.contains(name)))?;
    print(&tagged(&run, &notes));
    Ok(Exit::Ok)
}

pub(super) fn note(arguments: &NoteArguments) -> Result<Exit, Failure> {
    let run = find(&arguments.run, &arguments.settings)?;
    let text = arguments.text.trim().to_owned();
    let notes = run.change_notes(|notes| notes.note = text)?;
    let said = if notes.note.is_empty() { "no note" } else { &notes.note };
    print(&format!("{}  {said}", run.manifest.run));
    Ok(Exit::Ok)
}

fn find(asked: &str, flags: &SettingFlags) -> Result<RunEntry, Failure> {
    let settings = settings::load(&working_project(), &flags.flags())?.settings;
    Ok(store::find(&settings.results, asked)?)
}

fn tagged(run: &RunEntry, notes: &Notes) -> String {
    let tags = if notes.tags.is_empty() { "no tags".to_owned() } else { notes.tags_text() };
    format!("{}  {tags}", run.manifest.run)
}

fn parse(text: &str) -> Result<(String, String), Failure> {
    let (name, value) = text.split_once('=').unwrap_or((text, ""));
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if name.is_empty() || !name.chars().all(is_plain) {
        return Err(Failure::new(Exit::Usage, format!("`{name}` is no name of a tag"))
            .hint("names of tags are made of letters, digits, `_`, `-` and `.`, as in kind=ablation"));
    }
    if value.chars().any(char::is_control) {
        return Err(Failure::new(Exit::Usage, format!("the value of the tag `{name}` is not a line of text"))
            .hint("longer texts are for `xrun note`"));
    }
    Ok((name.to_owned(), value.to_owned()))
}
