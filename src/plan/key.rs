//! The key of a fit: a hash of everything that can change one of its numbers, and of nothing else.
//!
//! Two fits of one key give the same weights, predictions and metrics bit for bit, so one can stand for the other.
//! Names, paths, the numbers of workers and threads, the position of a device and the id of a run are not in it.

use crate::data::{Cells, Dataset, Features};
use crate::numerics;
use crate::seed;
use crate::spec::{FitConfig, Role};
use crate::split::{TestRows, TrainValidation};

/// Hexadecimal digits of a key: 128 bits, so that no two fits that anybody ever trains share one by chance.
const DIGITS: usize = 32;

/// The key of a fit on these rows, on devices of this class: 32 hexadecimal digits.
///
/// It covers the config's [canonical form](FitConfig::canonical), the names of the classes and the kinds of the
/// columns, position and [digest](Dataset::row_digests) of each row in the fit's order (a row's augmentation is drawn
/// from its position), the [numerics version](numerics::VERSION), the [seed version](seed::VERSION) and the device
/// class. Test rows count for finals alone: a trial never sees them. `inputs` are digests of the files that a program's
/// result depends on, in the order of the config; there are none of a model or a formula.
///
/// # Panics
/// If a row is not one of the data's.
#[must_use]
pub fn fit_key(
    config: &FitConfig,
    data: Option<&Dataset>,
    rows: &TrainValidation,
    test: Option<&TestRows>,
    device_class: &str,
    inputs: &[String],
) -> String {
    key_under(numerics::VERSION, config, data, rows, test, device_class, inputs)
}

fn key_under(
    numerics: &str,
    config: &FitConfig,
    data: Option<&Dataset>,
    rows: &TrainValidation,
    test: Option<&TestRows>,
    device_class: &str,
    inputs: &[String],
) -> String {
    let mut key = Key(blake3::Hasher::new_derive_key("xrun fit key 1"));
    key.text(numerics);
    key.text(seed::VERSION);
    key.text(device_class);
    key.text(&config.canonical());
    match data {
        Some(data) => {
            key.kinds(data);
            let test = test.filter(|_| config.role() == Role::Final).map(TestRows::rows);
            for (part, rows) in
                [("train", Some(&rows.train[..])), ("validation", Some(&rows.validation[..])), ("test", test)]
            {
                key.rows(part, data, rows.unwrap_or_default());
            }
        }
        None => key.text("no data"),
    }
    if !inputs.is_empty() {
        key.text("inputs");
        inputs.iter().for_each(|digest| key.text(digest));
    }
    key.0.finalize().to_hex()[..DIGITS].to_owned()
}

/// A key under construction; texts and lists are preceded by their length.
struct Key(blake3::Hasher);

impl Key {
    fn number(&mut self, number: usize) {
        self.0.update(&(number as u64).to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        self.number(text.len());
        self.0.update(text.as_bytes());
    }

    /// What all rows have in common: the classes, and the kind of their features.
    fn kinds(&mut self, data: &Dataset) {
        self.number(data.classes().len());
        data.classes().iter().for_each(|class| self.text(class));
        match data.features() {
            Features::Pictures(pictures) => {
                self.text("pictures");
                self.number(pictures.size());
                // The keys of pictures in colour are older than grey pictures.
                if pictures.channels() != 3 {
                    self.number(pictures.channels());
                }
            }
            Features::Table(table) => {
                self.text("table");
                self.number(table.columns().len());
                for column in table.columns() {
                    self.text(column.name());
                    self.text(match column.cells() {
                        Cells::Numeric(_) => "numeric",
                        Cells::Categorical { .. } => "categorical",
                    });
                }
            }
            Features::None => self.text("none"),
        }
    }

    fn rows(&mut self, part: &str, data: &Dataset, rows: &[usize]) {
        self.text(part);
        self.number(rows.len());
        for &row in rows {
            self.number(row);
            self.0.update(&data.row_digests()[row]);
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::spec::check;
    use crate::spec::vocabulary;
    use crate::spec::{Make, Origin, Tree};

    /// `sphere([1.0])` as a trial.
    fn formula() -> FitConfig {
        let build = |name: &str, given: Vec<(&str, Tree<std::convert::Infallible>)>| -> Make<_> {
            let given: BTreeMap<_, _> = given.into_iter().map(|(field, tree)| (field.to_owned(), tree)).collect();
            check::build(vocabulary::find(name).unwrap(), given, Origin::Xrun).unwrap()
        };
        let sphere = build("sphere", vec![("x", Tree::List(vec![Tree::Float(1.0)]))]);
        let word = |text: &str| Tree::Text(text.to_owned());
        let fields = vec![
            ("name", word("a")),
            ("labels", Tree::List(vec![word("study"), word("trial 0")])),
            ("role", word("trial")),
            ("objective", Tree::Make(sphere)),
        ];
        FitConfig::new(build("fit", fields)).unwrap()
    }

    #[test]
    fn another_numerics_version_device_class_or_input_is_another_key() {
        let config = formula();
        let nothing = TrainValidation { train: Vec::new(), validation: Vec::new() };
        let key = |numerics: &str, class: &str| key_under(numerics, &config, None, &nothing, None, class, &[]);
        let of_now = key(numerics::VERSION, "x86_64 avx512f");
        assert_eq!(of_now, fit_key(&config, None, &nothing, None, "x86_64 avx512f", &[]));
        let with = |digest: &str| fit_key(&config, None, &nothing, None, "x86_64 avx512f", &[digest.to_owned()]);
        assert!(of_now != with("a") && with("a") != with("b"), "an input is a part of the key");
        assert_eq!(of_now.len(), 32);
        assert!(of_now.bytes().all(|digit| digit.is_ascii_hexdigit()), "{of_now}");
        assert_ne!(of_now, key("2", "x86_64 avx512f"));
        assert_ne!(of_now, key(numerics::VERSION, "x86_64 avx2+fma"));
        assert_ne!(key("ab", "c"), key("a", "bc"), "texts keep their borders");
    }
}
