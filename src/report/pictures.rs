//! Small pictures of rows, for a data set that consists of pictures.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use image::imageops::FilterType;
use image::{DynamicImage, GrayImage, ImageFormat, RgbImage};

use super::record::Run;
use crate::data::{self, Dataset, Features};
use crate::spec::data::DataSpec;

/// Height and width of a small picture in pixels.
const SIZE: u32 = 88;

/// The pictures of a run's rows, if they could be had.
#[derive(Debug, Default)]
pub(crate) struct Pictures {
    data: Option<Dataset>,
    rows: BTreeMap<String, usize>,
}

impl Pictures {
    /// Opens the data of a run if they are pictures. That they are gone is no error: a report does without.
    pub(crate) fn open(run: &Run, cache: &Path) -> Self {
        let spec = run.data().filter(|spec| !matches!(spec, DataSpec::CsvTable(_) | DataSpec::Rows { .. }));
        let is_needed = run.finals.iter().any(|last| last.test.is_some());
        let data = spec.filter(|_| is_needed).and_then(|spec| data::open(spec, cache).ok());
        Self::of(run, data.as_ref())
    }

    /// Those of open data, if they are still what the run has seen.
    pub(crate) fn of(run: &Run, data: Option<&Dataset>) -> Self {
        let recorded = run.entry.manifest.data_fingerprint.as_deref();
        let Some(data) = data.filter(|data| recorded == Some(data.fingerprint())) else { return Self::default() };
        let rows = data.ids().iter().enumerate().map(|(row, id)| (id.clone(), row)).collect();
        Self { data: Some(data.clone()), rows }
    }

    /// A row's picture as a JPEG in a `data:` address.
    pub(crate) fn address(&self, id: &str) -> Option<String> {
        let Features::Pictures(pictures) = self.data.as_ref()?.features() else { return None };
        let pixels = pictures.picture(*self.rows.get(id)?).to_vec();
        let size = u32::try_from(pictures.size()).ok()?;
        let picture = if pictures.channels() == 1 {
            DynamicImage::ImageLuma8(GrayImage::from_raw(size, size, pixels)?)
        } else {
            DynamicImage::ImageRgb8(RgbImage::from_raw(size, size, pixels)?)
        };
        let picture = if size > SIZE { picture.resize(SIZE, SIZE, FilterType::Triangle) } else { picture };
        let mut bytes = Cursor::new(Vec::new());
        picture.write_to(&mut bytes, ImageFormat::Jpeg).ok()?;
        Some(format!("data:image/jpeg;base64,{}", STANDARD.encode(bytes.get_ref())))
    }
}
