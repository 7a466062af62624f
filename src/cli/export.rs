//! `xrun export`: the tables of runs put together as one.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use super::Exit;
use super::failure::Failure;
use super::output::say;
use super::record_args::{ExportArguments, Exported};
use super::run::working_project;
use crate::settings;
use crate::store::{self, RunEntry, TidyKind, TidyTable};
use crate::wording::count;

/// Columns that tell where a line belongs; those of the recorded table with the same name are these.
const PLACE: [&str; 4] = ["run", "outer", "inner", "trial"];

/// A recorded table and the run it is of.
struct Part<'a> {
    run: &'a str,
    table: TidyTable,
}

pub(super) fn export(arguments: &ExportArguments) -> Result<Exit, Failure> {
    let settings = settings::load(&working_project(), &arguments.settings.flags())?.settings;
    let mut runs: Vec<RunEntry> = Vec::new();
    for asked in &arguments.runs {
        let run = store::find(&settings.results, asked)?;
        if !runs.iter().any(|earlier| earlier.path == run.path) {
            runs.push(run);
        }
    }
    let kind = TidyKind::from(arguments.what);
    let parts: Vec<Part<'_>> = runs
        .iter()
        .flat_map(|run| run.tables(kind).into_iter().map(|table| Part { run: &run.manifest.run, table }))
        .collect();
    if parts.is_empty() {
        let what = format!("{:?}", arguments.what).to_lowercase();
        return Err(Failure::new(Exit::Usage, format!("there are no {what} in {}", count(runs.len(), "run")))
            .hint("a run has them when its first fit has ended; an objective that is a formula has no predictions"));
    }
    let header = header(&parts, arguments.what)?;
    let written = match &arguments.output {
        None => write(BufWriter::new(io::stdout().lock()), &header, &parts),
        Some(path) => {
            let file = File::create(path).map_err(|error| refused(path, &error))?;
            write(BufWriter::new(file), &header, &parts)
        }
    };
    match (written, &arguments.output) {
        (Ok(n), Some(path)) => {
            say(&format!("{} of {} in {}", count(n, "line"), count(runs.len(), "run"), path.display()));
            Ok(Exit::Ok)
        }
        (Ok(_), None) => Ok(Exit::Ok),
        (Err(Unwritten::Store(error)), _) => Err(error.into()),
        // A reader that went away has had enough.
        (Err(Unwritten::Refused(error)), None) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Exit::Ok),
        (Err(Unwritten::Refused(error)), None) => Err(refused(Path::new("standard output"), &error)),
        (Err(Unwritten::Refused(error)), Some(path)) => Err(refused(path, &error)),
    }
}

fn refused(path: &Path, error: &io::Error) -> Failure {
    Failure::new(Exit::Failed, format!("cannot write {}: {error}", path.display()))
        .hint("name a file in a folder that is there and can be written, with -o FILE")
}

/// Where a line belongs, then every column that some table has, in the order in which they come up.
fn header(parts: &[Part<'_>], what: Exported) -> Result<Vec<String>, Failure> {
    let of_fit: &[&str] = match what {
        Exported::Trials => &[],
        Exported::Epochs => &["fit"],
        Exported::Predictions => &["fit", "part"],
    };
    let mut header: Vec<String> = PLACE.iter().chain(of_fit).map(|name| (*name).to_owned()).collect();
    for part in parts {
        for name in names(part.table.open()?.header()) {
            if !header.contains(&name) {
                header.push(name);
            }
        }
    }
    Ok(header)
}

/// The columns of a table; a parameter that is called like a column before it is told apart.
fn names(recorded: &[String]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for name in recorded {
        let is_taken = name == "run" || names.contains(name);
        names.push(if is_taken { format!("params.{name}") } else { name.clone() });
    }
    names
}

/// Why not all was written.
enum Unwritten {
    Store(store::StoreError),
    Refused(io::Error),
}

impl From<store::StoreError> for Unwritten {
    fn from(error: store::StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<io::Error> for Unwritten {
    fn from(error: io::Error) -> Self {
        Self::Refused(error)
    }
}

impl From<csv::Error> for Unwritten {
    fn from(error: csv::Error) -> Self {
        Self::Refused(match error.into_kind() {
            csv::ErrorKind::Io(error) => error,
            other => io::Error::other(format!("{other:?}")),
        })
    }
}

/// The number of lines below the header.
fn write(to: impl Write, header: &[String], parts: &[Part<'_>]) -> Result<usize, Unwritten> {
    let mut writer = csv::Writer::from_writer(to);
    writer.write_record(header)?;
    let mut n = 0;
    for part in parts {
        let place = part.table.place();
        let number = |number: Option<usize>| number.map(|number| number.to_string()).unwrap_or_default();
        let of_table = |name: &str| match name {
            "run" => part.run.to_owned(),
            "outer" => number(place.outer),
            "inner" => number(place.inner),
            "trial" => number(place.trial),
            "fit" => part.table.fit.as_ref().map(|fit| fit.as_str().to_owned()).unwrap_or_default(),
            "part" => part.table.part.unwrap_or_default().to_owned(),
            _ => String::new(),
        };
        let mut table = part.table.open()?;
        let own = names(table.header());
        let columns: Vec<Option<usize>> =
            header.iter().map(|name| own.iter().position(|column| column == name)).collect();
        let fixed: Vec<String> = header.iter().map(|name| of_table(name)).collect();
        while let Some(line) = table.next_line()? {
            let cells = columns.iter().zip(&fixed).map(|(column, fixed)| column.map_or(fixed.as_str(), |at| &line[at]));
            writer.write_record(cells)?;
            n += 1;
        }
    }
    writer.flush()?;
    Ok(n)
}
