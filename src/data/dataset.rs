//! An open data set.

use std::fmt::Write as _;
use std::sync::{Arc, OnceLock};

use rayon::prelude::*;

use super::error::DataError;
use super::fingerprint::Fingerprint;
use super::pictures::Pictures;
use super::table::Table;
use super::target::{Target, range};
use crate::metric::Task;
use crate::wording::count;

/// What is known about the rows beside their target.
#[derive(Debug)]
pub enum Features {
    /// A picture a row.
    Pictures(Pictures),
    /// A line of a table a row.
    Table(Table),
    /// Nothing.
    None,
}

/// Rows with their targets, ids and features. Cloning shares the content.
#[derive(Clone, Debug)]
pub struct Dataset(Arc<Content>);

#[derive(Debug)]
struct Content {
    rows: Rows,
    features: Features,
    fingerprint: String,
    row_digests: OnceLock<Vec<[u8; 32]>>,
}

/// Everything about the rows but their features; the lists are equally long.
#[derive(Debug)]
pub(super) struct Rows {
    /// Names that stay the same when other rows come or go.
    pub(super) ids: Vec<String>,
    /// What is to be told of each.
    pub(super) target: Target,
    /// Group of each row, numbered from 0 without gaps.
    pub(super) groups: Option<Vec<usize>>,
    /// Whether each row is one of the test rows that the data set comes with, if it comes with some.
    pub(super) official_test: Option<Vec<bool>>,
}

impl Dataset {
    pub(super) fn new(rows: Rows, features: Features) -> Self {
        assert_eq!(rows.ids.len(), rows.target.n_rows(), "a target for each id");
        let fingerprint = fingerprint(&rows, &features);
        Self(Arc::new(Content { rows, features, fingerprint, row_digests: OnceLock::new() }))
    }

    /// `n` rows of one class, without features.
    pub(super) fn without_features(n: usize) -> Result<Self, DataError> {
        if n == 0 {
            return Err(DataError::NoRows);
        }
        let rows = Rows {
            ids: (0..n).map(|row| format!("row-{row}")).collect(),
            target: Target::Classes { names: vec!["row".to_owned()], rows: vec![0; n] },
            groups: None,
            official_test: None,
        };
        Ok(Self::new(rows, Features::None))
    }

    /// Number of rows; at least 1.
    #[must_use]
    pub fn n(&self) -> usize {
        self.0.rows.ids.len()
    }

    /// What is to be told of the rows, and what is true of each.
    #[must_use]
    pub fn target(&self) -> &Target {
        &self.0.rows.target
    }

    /// What a model is to tell of a row.
    #[must_use]
    pub fn task(&self) -> Task {
        self.target().task()
    }

    /// The class of each row, an index of [`Dataset::classes`]; empty where a number is to be told.
    #[must_use]
    pub fn targets(&self) -> &[usize] {
        match self.target() {
            Target::Classes { rows, .. } => rows,
            Target::Numbers(_) => &[],
        }
    }

    /// The names of the classes. Of two, the second is the positive one. There are none where a number is to be told, and
    /// so it is in every record: no classes, a regression.
    #[must_use]
    pub fn classes(&self) -> &[String] {
        match self.target() {
            Target::Classes { names, .. } => names,
            Target::Numbers(_) => &[],
        }
    }

    /// A name for each row, unlike all others: a file name, `drawn-000012` or `row-17` (from 0).
    #[must_use]
    pub fn ids(&self) -> &[String] {
        &self.0.rows.ids
    }

    /// The group of each row, from 0 without gaps, if the data set has groups.
    #[must_use]
    pub fn groups(&self) -> Option<&[usize]> {
        self.0.rows.groups.as_deref()
    }

    /// Whether each row is one of the test rows that the data set comes with; none if it comes without.
    #[must_use]
    pub fn official_test(&self) -> Option<&[bool]> {
        self.0.rows.official_test.as_deref()
    }

    /// What is known about the rows.
    #[must_use]
    pub fn features(&self) -> &Features {
        &self.0.features
    }

    /// A hash, in hexadecimal, of features, targets, groups and ids in their order. It does not depend on
    /// where the data lie or when they were written.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.0.fingerprint
    }

    /// A hash of each row `[row]`: its id, the name of its class or its number, and its features. It depends on no other row, nor on
    /// the row's position. Groups are not in it: they decide which rows are used, never what is computed from a row.
    ///
    /// Computed when it is first asked for.
    #[must_use]
    pub fn row_digests(&self) -> &[[u8; 32]] {
        self.0.row_digests.get_or_init(|| (0..self.n()).into_par_iter().map(|row| self.row_digest(row)).collect())
    }

    /// A hash of the features of each row `[row]`, equal for rows that a model cannot tell apart; none without features.
    #[must_use]
    pub fn feature_digests(&self) -> Option<Vec<[u8; 32]>> {
        let digest = |row| {
            let mut digest = Fingerprint::of_features();
            self.add_features_to(row, &mut digest);
            digest.digest()
        };
        match self.features() {
            Features::None => None,
            Features::Pictures(_) | Features::Table(_) => Some((0..self.n()).into_par_iter().map(digest).collect()),
        }
    }

    fn row_digest(&self, row: usize) -> [u8; 32] {
        let mut digest = Fingerprint::of_row();
        digest.bytes(self.ids()[row].as_bytes());
        self.target().add_row_to(row, &mut digest);
        self.add_features_to(row, &mut digest);
        digest.digest()
    }

    fn add_features_to(&self, row: usize, digest: &mut Fingerprint) {
        match self.features() {
            Features::Pictures(pictures) => {
                digest.bytes(b"picture");
                digest.number(pictures.size());
                digest.bytes(pictures.picture(row));
            }
            Features::Table(table) => {
                digest.bytes(b"table");
                table.add_row_to(row, digest);
            }
            Features::None => digest.bytes(b"none"),
        }
    }

    /// One line for people, such as `480 pictures 64x64, 240 cat / 240 dog`.
    #[must_use]
    pub fn describe(&self) -> String {
        let n = self.n();
        let mut text = match self.features() {
            Features::Pictures(p) => {
                let noun = if p.channels() == 1 { "grey picture" } else { "picture" };
                format!("{} {size}x{size}", count(n, noun), size = p.size())
            }
            Features::Table(table) => {
                let numeric = table.columns().iter().filter(|c| c.is_numeric()).count();
                let categorical = table.columns().len() - numeric;
                format!("{}, {numeric} numeric and {categorical} categorical columns", count(n, "row"))
            }
            Features::None => return format!("{} without features", count(n, "row")),
        };
        match self.target() {
            Target::Classes { names, rows } => describe_classes(names, rows, &mut text),
            Target::Numbers(rows) => {
                let (least, mean, largest) = range(rows);
                let _ = write!(text, ", target {least:?} to {largest:?}, mean {mean:.4}");
            }
        }
        if let Some(last) = self.groups().and_then(|groups| groups.iter().max()) {
            let _ = write!(text, ", {}", count(last + 1, "group"));
        }
        if let Some(official_test) = self.official_test() {
            let _ =
                write!(text, ", {} of them for the official test", official_test.iter().filter(|&&test| test).count());
        }
        text
    }
}

fn describe_classes(names: &[String], rows: &[usize], text: &mut String) {
    let mut counts = vec![0; names.len()];
    rows.iter().for_each(|&class| counts[class] += 1);
    if counts.len() <= 5 {
        let parts: Vec<String> = counts.iter().zip(names).map(|(n, class)| format!("{n} {class}")).collect();
        let _ = write!(text, ", {}", parts.join(" / "));
    } else {
        let least = counts.iter().min().copied().unwrap_or(0);
        let most = counts.iter().max().copied().unwrap_or(0);
        let _ = write!(text, ", {} classes of {least} to {most}", counts.len());
    }
}

fn fingerprint(rows: &Rows, features: &Features) -> String {
    let mut fingerprint = Fingerprint::new();
    fingerprint.texts(&rows.ids);
    rows.target.add_to(&mut fingerprint);
    match &rows.groups {
        Some(groups) => fingerprint.numbers(groups),
        None => fingerprint.bytes(b"no groups"),
    }
    if let Some(official_test) = &rows.official_test {
        fingerprint.bytes(b"official test rows");
        fingerprint.numbers(&official_test.iter().map(|&is_test| usize::from(is_test)).collect::<Vec<_>>());
    }
    match features {
        Features::Pictures(pictures) => {
            fingerprint.bytes(b"pictures");
            fingerprint.number(pictures.size());
            if pictures.channels() != 3 {
                fingerprint.number(pictures.channels());
            }
            fingerprint.bytes(pictures.digest());
        }
        Features::Table(table) => {
            fingerprint.bytes(b"table");
            table.add_to(&mut fingerprint);
        }
        Features::None => fingerprint.bytes(b"none"),
    }
    fingerprint.finish()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::super::table::{Cells, Column};
    use super::*;

    #[test]
    fn rows_without_features_have_ids_and_one_class() {
        let rows = Dataset::without_features(3).unwrap();
        assert_eq!(rows.ids(), ["row-0", "row-1", "row-2"]);
        assert_eq!(rows.targets(), [0, 0, 0]);
        assert_eq!(rows.classes(), ["row"]);
        assert!(matches!(rows.features(), Features::None) && rows.groups().is_none());
        assert_eq!(rows.describe(), "3 rows without features");
        let other = Dataset::without_features(4).unwrap();
        assert_ne!(rows.fingerprint(), other.fingerprint());
        assert_eq!(
            Dataset::without_features(0).unwrap_err().to_string(),
            "the data set would have no rows; `n` must be at least 1"
        );
    }

    #[test]
    fn many_classes_are_summed_up() {
        let rows = Rows {
            ids: (0..7).map(|i| format!("{i}")).collect(),
            target: Target::Classes {
                names: (0..6).map(|i| format!("c{i}")).collect(),
                rows: vec![0, 1, 2, 3, 4, 5, 5],
            },
            groups: Some(vec![0, 1, 1, 0, 2, 2, 0]),
            official_test: None,
        };
        let table = Table::new(Vec::new());
        assert_eq!(
            Dataset::new(rows, Features::Table(table)).describe(),
            "7 rows, 0 numeric and 0 categorical columns, 6 classes of 1 to 2, 3 groups"
        );
    }

    /// Three rows of a table whose cells are given as text.
    fn table(classes: [&str; 3], weights: [Option<f64>; 3], colours: [Option<&str>; 3]) -> Dataset {
        let mut names: Vec<String> = classes.map(str::to_owned).to_vec();
        names.sort();
        names.dedup();
        let mut levels: Vec<String> = colours.iter().flatten().map(|&colour| colour.to_owned()).collect();
        levels.sort();
        levels.dedup();
        let level_of = |colour: &str| levels.iter().position(|level| level == colour);
        let rows = colours.iter().map(|colour| colour.and_then(level_of)).collect();
        let columns = vec![
            Column::new("weight", Cells::Numeric(weights.to_vec())),
            Column::new("colour", Cells::Categorical { levels: levels.clone(), rows }),
        ];
        let rows = Rows {
            ids: (0..3).map(|row| format!("row-{row}")).collect(),
            target: Target::Classes {
                rows: classes.iter().map(|class| names.iter().position(|name| name == class).unwrap()).collect(),
                names,
            },
            groups: None,
            official_test: None,
        };
        Dataset::new(rows, Features::Table(Table::new(columns)))
    }

    #[test]
    fn a_row_digest_changes_with_a_cell_or_the_class_of_its_row_alone() {
        let weights = [Some(1.0), None, Some(3.0)];
        let colours = [Some("red"), Some("blue"), None];
        let first = table(["a", "b", "b"], weights, colours);
        let changed = |other: Dataset| -> Vec<bool> {
            first.row_digests().iter().zip(other.row_digests()).map(|(a, b)| a != b).collect()
        };
        assert_eq!(changed(table(["a", "b", "b"], weights, colours)), [false; 3]);
        assert_eq!(changed(table(["a", "b", "b"], [Some(1.5), None, Some(3.0)], colours)), [true, false, false]);
        assert_eq!(changed(table(["a", "b", "b"], [Some(1.0), Some(0.0), Some(3.0)], colours)), [false, true, false]);
        // A category or a class that sorts before the others renumbers them; it is no change of another row.
        let amber = [Some("red"), Some("blue"), Some("amber")];
        assert_eq!(changed(table(["a", "b", "b"], weights, amber)), [false, false, true]);
        assert_eq!(changed(table(["0", "b", "b"], weights, colours)), [true, false, false]);
        assert_eq!(changed(table(["a", "b", "a"], weights, colours)), [false, false, true]);
    }

    #[test]
    fn one_pixel_changes_the_digest_of_its_row_alone() {
        let cache = tempfile::tempdir().unwrap();
        let open = |key: &str, brighter: Option<usize>| {
            let draw = |index: usize, out: &mut [u8]| {
                out.fill(u8::try_from(index).unwrap());
                out[17] += u8::from(brighter == Some(index));
                Ok(())
            };
            let pictures = super::super::picture_cache::open_or_make(
                cache.path(),
                key,
                3,
                super::super::pictures::Frame::rgb(8),
                draw,
            )
            .unwrap();
            let rows = Rows {
                ids: (0..3).map(|i| format!("{i}")).collect(),
                target: Target::Classes { names: vec!["a".to_owned(), "b".to_owned()], rows: vec![0, 1, 1] },
                groups: None,
                official_test: None,
            };
            Dataset::new(rows, Features::Pictures(pictures))
        };
        let (plain, brighter) = (open("plain", None), open("brighter", Some(1)));
        let changed: Vec<bool> = plain.row_digests().iter().zip(brighter.row_digests()).map(|(a, b)| a != b).collect();
        assert_eq!(changed, [false, true, false]);
    }

    #[test]
    fn a_data_set_can_be_shared_between_threads() {
        fn shared<T: Send + Sync + Clone>() {}
        shared::<Dataset>();
    }
}
