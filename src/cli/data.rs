//! `xrun data`: published data sets and weights, listed, fetched and checked.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Exit;
use super::data_args::{DataCommand, DataListArguments, FetchArguments, VerifyArguments};
use super::failure::Failure;
use super::output::{print, say, size, table};
use super::run::working_project;
use crate::fetch::{self, ENTRIES, Entry, FetchError, Patience, Presence, Watch};
use crate::settings;

pub(super) fn data(command: &DataCommand) -> Result<Exit, Failure> {
    match command {
        DataCommand::Ls(arguments) => ls(arguments),
        DataCommand::Fetch(arguments) => fetch(arguments),
        DataCommand::Verify(arguments) => verify(arguments),
    }
}

/// Paths below the project are shown, and recorded in scripts, relative to it: it is where scripts look.
fn shown<'a>(path: &'a Path, project: &Path) -> &'a Path {
    path.strip_prefix(project).unwrap_or(path)
}

fn ls(arguments: &DataListArguments) -> Result<Exit, Failure> {
    let project = working_project();
    let data = settings::load(&project, &arguments.folder.flags())?.settings.data;
    let state = |entry: &Entry| match fetch::presence(entry, &data) {
        Presence::Present => "present",
        Presence::Incomplete => "incomplete",
        Presence::Absent => "-",
    };
    if arguments.json {
        for entry in ENTRIES {
            let urls: Vec<&str> = entry.files().iter().flat_map(|file| file.urls()).copied().collect();
            let line = serde_json::json!({
                "name": entry.name(),
                "kind": entry.kind().word(),
                "title": entry.title(),
                "size_bytes": entry.size_bytes(),
                "path": entry.place(&data),
                "state": if state(entry) == "-" { "absent" } else { state(entry) },
                "licence": entry.licence(),
                "urls": urls,
            });
            print(&line.to_string());
        }
        return Ok(Exit::Ok);
    }
    let header = ["name", "size", "state", "path", "what", "licence"].map(str::to_owned);
    let rows: Vec<Vec<String>> = ENTRIES
        .iter()
        .map(|entry| {
            let path = entry.place(&data);
            vec![
                entry.name().to_owned(),
                size(entry.size_bytes()),
                state(entry).to_owned(),
                shown(&path, &project).display().to_string(),
                entry.title().to_owned(),
                entry.licence().to_owned(),
            ]
        })
        .collect();
    print(&table(&header, &rows));
    Ok(Exit::Ok)
}

fn fetch(arguments: &FetchArguments) -> Result<Exit, Failure> {
    let project = working_project();
    let data = settings::load(&project, &arguments.folder.flags())?.settings.data;
    // A mistake in one name fetches none.
    let entries = find(&arguments.names)?;
    let patience = Patience { stall: Duration::from_secs_f64(arguments.stall), ..Patience::default() };
    for entry in entries {
        let mut terminal = Terminal::new(arguments.quiet);
        let result = fetch::fetch(entry, &data, arguments.url.as_deref(), &patience, &mut terminal);
        terminal.finish();
        let place = result.map_err(|error| failure(error, entry, &data))?;
        print(&format!("{}  {}", entry.name(), place.display()));
        print(&format!("  licence: {}", entry.licence()));
        print(&format!("  in a script: {}", entry.line(shown(&place, &project))));
    }
    Ok(Exit::Ok)
}

fn find(names: &[String]) -> Result<Vec<&'static Entry>, FetchError> {
    names.iter().map(|name| fetch::find(name)).collect()
}

fn failure(error: FetchError, entry: &Entry, data: &Path) -> Failure {
    let is_network = matches!(error, FetchError::Http { .. });
    let failure = Failure::from(error);
    if is_network { failure.hint(format!("run it again to go on; {}", entry.by_hand(data))) } else { failure }
}

fn verify(arguments: &VerifyArguments) -> Result<Exit, Failure> {
    let data = settings::load(&working_project(), &arguments.folder.flags())?.settings.data;
    let entries: Vec<&Entry> = if arguments.names.is_empty() {
        ENTRIES.iter().filter(|entry| fetch::presence(entry, &data) != Presence::Absent).collect()
    } else {
        find(&arguments.names)?
    };
    if entries.is_empty() {
        say(&format!("nothing that was published is in {}", data.display()));
    }
    let mut wrong: Vec<PathBuf> = Vec::new();
    for entry in entries {
        for finding in fetch::verify(entry, &data)? {
            let path = finding.path.display();
            match &finding.result {
                Ok(by) => print(&format!("{}  {path}: ok, {by}", entry.name())),
                Err(what) => {
                    print(&format!("{}  {path}: WRONG, {what}", entry.name()));
                    wrong.push(finding.path);
                }
            }
        }
    }
    match wrong.as_slice() {
        [] => Ok(Exit::Ok),
        [one] => Err(Failure::new(Exit::Failed, format!("{} is not as published", one.display())).hint(AGAIN)),
        several => {
            Err(Failure::new(Exit::Failed, format!("{} files or folders are not as published", several.len()))
                .hint(AGAIN))
        }
    }
}

const AGAIN: &str = "`xrun data fetch NAME` gets what is missing; what is wrong must be moved away before";

/// Shows how fetching goes on: a bar on a terminal, lines elsewhere.
struct Terminal {
    quiet: bool,
    is_terminal: bool,
    bar: Option<ProgressBar>,
}

impl Terminal {
    fn new(quiet: bool) -> Self {
        let is_terminal = std::io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
        Self { quiet, is_terminal: is_terminal && std::env::var_os("CI").is_none(), bar: None }
    }

    fn finish(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

impl Watch for Terminal {
    fn begin(&mut self, name: &str, done: u64, total: u64) {
        if self.quiet {
            return;
        }
        if self.is_terminal {
            self.finish();
            let style =
                ProgressStyle::with_template("{msg} {bar:28} {bytes}/{total_bytes}  {bytes_per_sec}, {eta} left")
                    .expect("the template is a constant")
                    .progress_chars("━╸ ");
            let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr()).with_style(style);
            bar.set_message(name.to_owned());
            bar.set_position(done);
            bar.reset_eta();
            self.bar = Some(bar);
        } else if done > 0 {
            say(&format!("fetching {name} from byte {done} of {total}"));
        } else {
            say(&format!("fetching {name} ({})", size(total)));
        }
    }

    fn at(&mut self, done: u64) {
        if let Some(bar) = &self.bar {
            bar.set_position(done);
        }
    }

    fn note(&mut self, text: &str) {
        self.finish();
        if !self.quiet {
            say(text);
        }
    }
}
