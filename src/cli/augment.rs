//! `xrun show --augment`: what augmentation makes of a script's pictures.

use std::fs;
use std::io::{self, Cursor};
use std::path::{Path, PathBuf};

use image::{ImageFormat, RgbImage};

use super::Exit;
use super::failure::Failure;
use super::machine::use_threads;
use super::model::script_of;
use super::output::print;
use super::record_args::ShowArguments;
use super::run::evaluate;
use crate::runner;
use crate::script::Outcome;
use crate::train::AugmentSheet;
use crate::wording::count;

/// The first bytes of every PNG file.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

pub(super) fn show_augment(arguments: &ShowArguments) -> Result<Exit, Failure> {
    let flags = arguments.settings.flags();
    let script = script_of(arguments)?;
    let (evaluated, settings) = evaluate(&script, &arguments.overrides, &flags)?;
    let path = arguments.output.clone().unwrap_or_else(|| default_path(&evaluated.outcome));
    refuse_other_file(&path)?;
    use_threads(settings.threads);
    let prepared = runner::prepare(&evaluated, &settings.results, &settings.cache)?;
    let sheet = runner::augment_sheet(&prepared, arguments.n)?;
    write(&path, &sheet)?;
    let ids = prepared.data.as_ref().map_or(&[][..], |data| data.ids());
    let rows: Vec<&str> = sheet.rows().iter().map(|&row| ids[row].as_str()).collect();
    let augment: Vec<String> = sheet.augment().iter().map(ToString::to_string).collect();
    if arguments.json {
        let value = serde_json::json!({
            "path": path, "phase": sheet.phase(), "augment": augment, "epochs": sheet.epochs(), "rows": rows,
        });
        print(&value.to_string());
    } else {
        let (first, last) = (sheet.epochs().first(), sheet.epochs().last());
        let epochs = first.zip(last).map_or_else(String::new, |(first, last)| format!("epochs {first} to {last}"));
        print(&format!(
            "{}: {}, as they are and in {epochs}\nphase    {}\naugment  {}",
            path.display(),
            count(rows.len(), "picture"),
            sheet.phase(),
            augment.join(", "),
        ));
    }
    Ok(Exit::Ok)
}

fn default_path(outcome: &Outcome) -> PathBuf {
    let name = match outcome {
        Outcome::Experiment(experiment) => experiment.name(),
        Outcome::Fit(fit) => fit.name(),
    };
    PathBuf::from(format!("{name}_augment.png"))
}

/// A sheet can be drawn again, anything else cannot: only a PNG picture is written over.
fn refuse_other_file(path: &Path) -> Result<(), Failure> {
    match fs::read(path) {
        Ok(bytes) if bytes.starts_with(PNG) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Ok(_) => Err(Failure::new(Exit::Usage, format!("{} is there and is no PNG picture", path.display()))
            .hint("name another file with -o")),
        Err(error) => Err(cannot_write(path, &error)),
    }
}

fn write(path: &Path, sheet: &AugmentSheet) -> Result<(), Failure> {
    let (width, height, bytes) = sheet.image();
    let side = |pixels: usize| u32::try_from(pixels).expect("a sheet of at most 64 pictures a column");
    let image = RgbImage::from_raw(side(width), side(height), bytes).expect("three bytes a pixel");
    let mut png = Cursor::new(Vec::new());
    image.write_to(&mut png, ImageFormat::Png).expect("memory takes a picture");
    fs::write(path, png.into_inner()).map_err(|error| cannot_write(path, &error))
}

fn cannot_write(path: &Path, error: &io::Error) -> Failure {
    Failure::new(Exit::Failed, format!("cannot write {}: {error}", path.display()))
}
