//! What a run found, for people: one page that needs nothing else, and its figures as files.
//!
//! It takes recorded runs, finished or not, and gives HTML, SVG and PNG. Nothing is trained, and nothing is read but the
//! run's folder and, for small pictures of rows, the data set it names. Statistics that decide are those of the record;
//! what is computed here is for the eye.
//!
//! A report is made of the record and is no part of it: equal records give equal bytes, and no result depends on it.

mod across;
mod answer;
mod chart;
mod compare;
mod estimate;
mod figure;
mod origin;
mod page;
mod pictures;
mod rates;
mod record;
mod text;

use std::path::Path;

use chart::raster::Raster;
use figure::Figure;
use page::Part;
use pictures::Pictures;
use record::Run;

use crate::data::Dataset;
use crate::store::{RunEntry, StoreError};

/// A report about one run or several.
#[derive(Debug)]
pub struct Report {
    runs: Vec<(Run, Vec<Figure>)>,
}

/// A figure in two forms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FigureFile {
    /// Its name without an ending: the figure and, if there are several charts in it, the chart; before them the number of the
    /// run if there are several. Unlike all others of the report.
    pub name: String,
    /// As SVG, in the light theme, with its rules inside.
    pub svg: String,
    /// As PNG, two pixels for one.
    pub png: Vec<u8>,
}

impl Report {
    /// Reads runs and draws their figures. Pictures of rows are looked for in the data set of the run by way of the cache
    /// folder, and left out if they are not there.
    ///
    /// # Errors
    /// A record cannot be read or is damaged.
    pub fn read(runs: Vec<RunEntry>, cache: &Path) -> Result<Self, StoreError> {
        let runs = runs.into_iter().map(|entry| {
            let run = Run::read(entry)?;
            let figures = figure::all(&run, &Pictures::open(&run, cache));
            Ok((run, figures))
        });
        Ok(Self { runs: runs.collect::<Result<_, StoreError>>()? })
    }

    /// Reads the run that has just ended, on these data.
    ///
    /// # Errors
    /// The record cannot be read or is damaged.
    pub fn of_run(entry: RunEntry, data: Option<&Dataset>) -> Result<Self, StoreError> {
        let run = Run::read(entry)?;
        let figures = figure::all(&run, &Pictures::of(&run, data));
        Ok(Self { runs: vec![(run, figures)] })
    }

    /// The page about all these runs of an experiment together.
    ///
    /// # Errors
    /// A record cannot be read or is damaged.
    pub fn across(experiment: &str, runs: Vec<RunEntry>) -> Result<String, StoreError> {
        across::across(experiment, runs)
    }

    /// The page.
    #[must_use]
    pub fn html(&self) -> String {
        let parts: Vec<Part<'_>> = self.runs.iter().map(|(run, figures)| Part { run, figures }).collect();
        page::page(&parts)
    }

    /// Every chart as a file of its own, in the order of the page.
    #[must_use]
    pub fn figures(&self) -> Vec<FigureFile> {
        let raster = Raster::new();
        let mut files: Vec<FigureFile> = Vec::new();
        for (index, (_, figures)) in self.runs.iter().enumerate() {
            for (figure, chart) in
                figures.iter().flat_map(|figure| figure.charts.iter().map(move |chart| (figure, chart)))
            {
                let run = if self.runs.len() > 1 { format!("run{}-", index + 1) } else { String::new() };
                let chart_name =
                    if chart.name.is_empty() { String::new() } else { format!("-{}", text::slug(&chart.name)) };
                let base = format!("{run}{}{chart_name}", figure.id);
                // Names of parameters may differ in characters alone that file names do without.
                let taken = |name: &str| files.iter().any(|file| file.name == name);
                let name = std::iter::once(base.clone())
                    .chain((2..).map(|number| format!("{base}-{number}")))
                    .find(|name| !taken(name))
                    .unwrap_or(base);
                files.push(FigureFile { name, svg: chart.file(), png: raster.png(chart) });
            }
        }
        files
    }
}
