//! An open data set.

use std::fmt::Write as _;
use std::sync::Arc;

use super::error::DataError;
use super::fingerprint::Fingerprint;
use super::pictures::Pictures;
use super::table::Table;

/// What is known about the rows beside their class.
#[derive(Debug)]
pub enum Features {
    /// A picture a row.
    Pictures(Pictures),
    /// A line of a table a row.
    Table(Table),
    /// Nothing.
    None,
}

/// Rows with their classes, ids and features. Cloning shares the content.
#[derive(Clone, Debug)]
pub struct Dataset(Arc<Content>);

#[derive(Debug)]
struct Content {
    rows: Rows,
    features: Features,
    fingerprint: String,
}

/// Everything about the rows but their features; the lists are equally long.
#[derive(Debug)]
pub(super) struct Rows {
    /// Names that stay the same when other rows come or go.
    pub(super) ids: Vec<String>,
    /// Names of the classes.
    pub(super) classes: Vec<String>,
    /// Class of each row, an index of `classes`.
    pub(super) targets: Vec<usize>,
    /// Group of each row, numbered from 0 without gaps.
    pub(super) groups: Option<Vec<usize>>,
}

impl Dataset {
    pub(super) fn new(rows: Rows, features: Features) -> Self {
        assert_eq!(rows.ids.len(), rows.targets.len(), "a class for each id");
        let fingerprint = fingerprint(&rows, &features);
        Self(Arc::new(Content { rows, features, fingerprint }))
    }

    /// `n` rows of one class, without features.
    pub(super) fn without_features(n: usize) -> Result<Self, DataError> {
        if n == 0 {
            return Err(DataError::NoRows);
        }
        let rows = Rows {
            ids: (0..n).map(|row| format!("row-{row}")).collect(),
            classes: vec!["row".to_owned()],
            targets: vec![0; n],
            groups: None,
        };
        Ok(Self::new(rows, Features::None))
    }

    /// Number of rows; at least 1.
    #[must_use]
    pub fn n(&self) -> usize {
        self.0.rows.ids.len()
    }

    /// The class of each row, an index of [`Dataset::classes`].
    #[must_use]
    pub fn targets(&self) -> &[usize] {
        &self.0.rows.targets
    }

    /// The names of the classes. Of two, the second is the positive one.
    #[must_use]
    pub fn classes(&self) -> &[String] {
        &self.0.rows.classes
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

    /// What is known about the rows.
    #[must_use]
    pub fn features(&self) -> &Features {
        &self.0.features
    }

    /// A hash, in hexadecimal, of features, classes, groups and ids in their order. It does not depend on
    /// where the data lie or when they were written.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.0.fingerprint
    }

    /// One line for people, such as `480 pictures 64x64, 240 cat / 240 dog`.
    #[must_use]
    pub fn describe(&self) -> String {
        let n = self.n();
        let mut text = match self.features() {
            Features::Pictures(p) => format!("{n} pictures {size}x{size}", size = p.size()),
            Features::Table(table) => {
                let numeric = table.columns().iter().filter(|c| c.is_numeric()).count();
                let categorical = table.columns().len() - numeric;
                format!("{n} rows, {numeric} numeric and {categorical} categorical columns")
            }
            Features::None => return format!("{n} rows without features"),
        };
        let mut counts = vec![0; self.classes().len()];
        self.targets().iter().for_each(|&class| counts[class] += 1);
        if counts.len() <= 5 {
            let of_class = counts.iter().zip(self.classes());
            let parts: Vec<String> = of_class.map(|(n, class)| format!("{n} {class}")).collect();
            let _ = write!(text, ", {}", parts.join(" / "));
        } else {
            let least = counts.iter().min().copied().unwrap_or(0);
            let most = counts.iter().max().copied().unwrap_or(0);
            let _ = write!(text, ", {} classes of {least} to {most}", counts.len());
        }
        if let Some(last) = self.groups().and_then(|groups| groups.iter().max()) {
            let _ = write!(text, ", {} groups", last + 1);
        }
        text
    }
}

fn fingerprint(rows: &Rows, features: &Features) -> String {
    let mut fingerprint = Fingerprint::new();
    fingerprint.texts(&rows.ids);
    fingerprint.texts(&rows.classes);
    fingerprint.numbers(&rows.targets);
    match &rows.groups {
        Some(groups) => fingerprint.numbers(groups),
        None => fingerprint.bytes(b"no groups"),
    }
    match features {
        Features::Pictures(pictures) => {
            fingerprint.bytes(b"pictures");
            fingerprint.number(pictures.size());
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
            classes: (0..6).map(|i| format!("c{i}")).collect(),
            targets: vec![0, 1, 2, 3, 4, 5, 5],
            groups: Some(vec![0, 1, 1, 0, 2, 2, 0]),
        };
        let table = Table::new(Vec::new());
        assert_eq!(
            Dataset::new(rows, Features::Table(table)).describe(),
            "7 rows, 0 numeric and 0 categorical columns, 6 classes of 1 to 2, 3 groups"
        );
    }

    #[test]
    fn a_data_set_can_be_shared_between_threads() {
        fn shared<T: Send + Sync + Clone>() {}
        shared::<Dataset>();
    }
}
