//! `xrun predict`: what a trained model says of pictures, or of rows of tables.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::Exit;
use super::args::PredictArguments;
use super::failure::Failure;
use super::machine::{Devices, use_threads};
use super::output::{duration, print, say, table};
use super::run::{number, working_project};
use crate::runner::{Prediction, ShippedModel};
use crate::settings;
use crate::store::ModelFolder;
use crate::wording::count;

/// Pictures that are decoded and predicted at once: they bound the memory that is needed.
const AT_ONCE: usize = 256;

/// Files of a folder that are taken for pictures.
const PICTURES: [&str; 4] = ["jpg", "jpeg", "png", "gif"];

/// A picture or a row, and what is said of it.
struct Line {
    path: String,
    /// Position in its table, from 0.
    row: Option<usize>,
    said: Result<Prediction, String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Table,
    Csv,
    Json,
}

pub(super) fn predict(arguments: &PredictArguments) -> Result<Exit, Failure> {
    let settings = settings::load(&working_project(), &arguments.settings.flags())?.settings;
    let folder = ModelFolder::find(&settings.results, &arguments.model)?;
    if let Some(missing) = arguments.paths.iter().find(|path| !path.exists()) {
        return Err(Failure::new(Exit::Usage, format!("there is no file or folder {}", missing.display())));
    }
    use_threads(settings.threads);
    let devices = Devices::choose(&settings, true)?;
    let model = ShippedModel::open(&folder, &devices.open)?;
    let form = match (arguments.json, arguments.csv) {
        (true, _) => Form::Json,
        (_, true) => Form::Csv,
        _ => Form::Table,
    };
    let mut sheet = Sheet::new(&model, form);
    let clock = Instant::now();
    if model.takes_tables() {
        for path in &arguments.paths {
            of_table(&model, path, &mut sheet)?;
        }
    } else {
        let files = pictures(&arguments.paths)?;
        for files in files.chunks(AT_ONCE) {
            for (file, said) in files.iter().zip(model.pictures(files)?) {
                sheet.add(Line { path: file.display().to_string(), row: None, said });
            }
        }
    }
    let seconds = clock.elapsed().as_secs_f64();
    sheet.finish();
    let what = if model.takes_tables() { "row" } else { "picture" };
    #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^53")]
    let each = seconds / sheet.n.max(1) as f64;
    say(&format!("{} in {}, {} each", count(sheet.n, what), duration(seconds), short(each)));
    if sheet.n_unread == 0 {
        return Ok(Exit::Ok);
    }
    say(&format!("error: {} could not be read", count(sheet.n_unread, what)));
    Ok(Exit::FailedTrials)
}

fn of_table(model: &ShippedModel, path: &Path, sheet: &mut Sheet<'_>) -> Result<(), Failure> {
    if path.is_dir() {
        return Err(Failure::new(Exit::Usage, format!("{} is a folder, and the model takes tables", path.display()))
            .hint("name CSV files with the columns that it was trained on"));
    }
    let (rows, unknown) = model.table(path)?;
    if !unknown.is_empty() {
        let names: Vec<String> = unknown.iter().map(|name| format!("`{name}`")).collect();
        say(&format!("note: {}: passed over, the model does not know them: {}", path.display(), names.join(", ")));
    }
    for (row, said) in rows.into_iter().enumerate() {
        sheet.add(Line { path: path.display().to_string(), row: Some(row), said });
    }
    Ok(())
}

/// The files that are named, and the pictures below the folders that are, in the order of their paths.
fn pictures(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    for path in paths {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let n_before = files.len();
        let refused = |at: &Path, error: &std::io::Error| {
            Failure::new(Exit::Usage, format!("cannot read the folder {}: {error}", at.display()))
        };
        let mut found = Vec::new();
        let mut folders = vec![path.clone()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).map_err(|error| refused(&folder, &error))? {
                let entry = entry.map_err(|error| refused(&folder, &error))?;
                let kind = entry.file_type().map_err(|error| refused(&folder, &error))?;
                let path = entry.path();
                // A link to a folder may lead back to one above it.
                if kind.is_dir() {
                    folders.push(path);
                } else if path.is_file() && is_picture(&path) {
                    found.push(path);
                }
            }
        }
        found.sort();
        files.extend(found);
        if files.len() == n_before {
            let names = PICTURES.map(|extension| format!(".{extension}")).join(", ");
            return Err(Failure::new(Exit::Usage, format!("found no picture ({names}) in {}", path.display())));
        }
    }
    Ok(files)
}

fn is_picture(path: &Path) -> bool {
    let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
    extension.is_some_and(|extension| PICTURES.contains(&extension.as_str()))
}

/// What is printed: lines as they come, or at the end as a table.
struct Sheet<'a> {
    model: &'a ShippedModel,
    form: Form,
    rows: Vec<Vec<String>>,
    n: usize,
    n_unread: usize,
}

impl<'a> Sheet<'a> {
    fn new(model: &'a ShippedModel, form: Form) -> Self {
        let sheet = Self { model, form, rows: Vec::new(), n: 0, n_unread: 0 };
        if form == Form::Csv {
            sheet.print_csv(&sheet.header(true));
        }
        sheet
    }

    fn header(&self, has_errors: bool) -> Vec<String> {
        let row = self.model.takes_tables().then(|| "row".to_owned());
        let classes = self.model.classes().iter().map(|class| format!("p.{class}"));
        let label = if self.model.classes().is_empty() { "value" } else { "label" };
        let label = row.into_iter().chain([label.to_owned()]);
        std::iter::once("path".to_owned())
            .chain(label)
            .chain(classes)
            .chain(has_errors.then(|| "error".to_owned()))
            .collect()
    }

    fn add(&mut self, line: Line) {
        self.n += 1;
        self.n_unread += usize::from(line.said.is_err());
        match self.form {
            Form::Json => print(&self.json(&line).to_string()),
            Form::Csv => self.print_csv(&self.cells(&line, |p| format!("{p:?}"), |x| format!("{x:?}"), "")),
            Form::Table => self.rows.push(self.cells(&line, |p| number(f64::from(p)), number, "-")),
        }
    }

    fn finish(&mut self) {
        if self.form == Form::Table {
            let has_errors = self.n_unread > 0;
            if !has_errors {
                self.rows.iter_mut().for_each(|row| drop(row.pop()));
            }
            print(&table(&self.header(has_errors), &self.rows));
        }
    }

    fn cells(
        &self,
        line: &Line,
        probability: impl Fn(f32) -> String,
        value: impl Fn(f64) -> String,
        nothing: &str,
    ) -> Vec<String> {
        let mut cells = vec![line.path.clone()];
        cells.extend(line.row.map(|row| row.to_string()));
        match &line.said {
            Ok(Prediction::Class { class, probabilities }) => {
                cells.push(self.model.classes()[*class].clone());
                cells.extend(probabilities.iter().map(|&p| probability(p)));
                cells.push(String::new());
            }
            Ok(Prediction::Number(number)) => cells.extend([value(*number), String::new()]),
            Err(problem) => {
                cells.extend((0..=self.model.classes().len()).map(|_| nothing.to_owned()));
                cells.push(problem.clone());
            }
        }
        cells
    }

    fn json(&self, line: &Line) -> serde_json::Value {
        let mut value = serde_json::json!({ "path": line.path });
        if let Some(row) = line.row {
            value["row"] = row.into();
        }
        match &line.said {
            Ok(Prediction::Number(number)) => value["value"] = (*number).into(),
            Ok(Prediction::Class { class, probabilities }) => {
                let classes = self.model.classes();
                value["label"] = classes[*class].clone().into();
                let of_class = |(class, &p): (&String, &f32)| (class.clone(), exact(p).into());
                let probabilities: serde_json::Map<_, _> = classes.iter().zip(probabilities).map(of_class).collect();
                value["probabilities"] = probabilities.into();
            }
            Err(problem) => value["error"] = problem.clone().into(),
        }
        value
    }

    fn print_csv(&self, cells: &[String]) {
        let mut writer = csv::WriterBuilder::new().from_writer(Vec::new());
        writer.write_record(cells).expect("a line in memory can be written");
        let line = writer.into_inner().expect("a line in memory can be written");
        // A reader that went away is no error.
        let _ = std::io::stdout().lock().write_all(&line);
    }
}

/// The number whose shortest digits are those of `p`, for JSON knows double precision only.
fn exact(p: f32) -> f64 {
    format!("{p:?}").parse().expect("a number in digits is one")
}

/// The time of one item, which may be far below a millisecond.
fn short(seconds: f64) -> String {
    if seconds < 0.0095 { format!("{:.3} ms", seconds * 1e3) } else { duration(seconds) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probability_in_json_has_the_digits_of_single_precision() {
        for p in [0.1_f32, 1.0 / 3.0, 1e-9, 1.0, 0.0, f32::MIN_POSITIVE] {
            let text = serde_json::Value::from(exact(p)).to_string();
            assert_eq!(text.parse::<f32>(), Ok(p), "{text}");
        }
        assert_eq!(serde_json::Value::from(exact(0.1)).to_string(), "0.1");
    }
}
