//! What a program says of its result: a JSON object on a line of its own.

use std::collections::BTreeMap;

use serde_json::Value;

/// The numbers of one line.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// The epoch it is about, from 1; none for the result.
    pub epoch: Option<usize>,
    /// Every field that is a number, by name.
    pub numbers: BTreeMap<String, f64>,
}

/// Why a line is no report.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReportError {
    /// It begins like an object and is none.
    #[error("`{line}` is no JSON object ({reason})")]
    NoObject {
        /// The line.
        line: String,
        /// What the reader says.
        reason: String,
    },
    /// Its epoch is no number of an epoch.
    #[error("`{line}` has an `epoch` that is not a whole number from 1")]
    Epoch {
        /// The line.
        line: String,
    },
}

impl Report {
    /// Reads a line.
    ///
    /// # Errors
    /// It is no JSON object, as one that holds NaN is none, or its epoch is no number of an epoch.
    pub fn read(line: &str) -> Result<Self, ReportError> {
        let fields: serde_json::Map<String, Value> = serde_json::from_str(line)
            .map_err(|error| ReportError::NoObject { line: line.to_owned(), reason: error.to_string() })?;
        let epoch = match fields.get("epoch") {
            None => None,
            Some(epoch) => match epoch.as_u64().and_then(|epoch| usize::try_from(epoch).ok()) {
                Some(epoch) if epoch > 0 => Some(epoch),
                _ => return Err(ReportError::Epoch { line: line.to_owned() }),
            },
        };
        let numbers = fields.into_iter().filter(|(name, _)| name != "epoch");
        let numbers = numbers.filter_map(|(name, value)| Some((name, value.as_f64()?))).collect();
        Ok(Self { epoch, numbers })
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_kept_and_other_fields_passed_over() {
        let report = Report::read(r#"{"epoch": 3, "value": 0.5, "n": 7, "note": "x", "none": null}"#).unwrap();
        assert_eq!(report.epoch, Some(3));
        assert_eq!(report.numbers, BTreeMap::from([("value".to_owned(), 0.5), ("n".to_owned(), 7.0)]));
    }

    #[test]
    fn nan_is_no_json_and_an_epoch_counts_from_1() {
        let line = r#"{"value": NaN}"#;
        assert!(matches!(Report::read(line), Err(ReportError::NoObject { .. })));
        for line in [r#"{"epoch": 0}"#, r#"{"epoch": 1.5}"#, r#"{"epoch": "1"}"#] {
            assert_eq!(Report::read(line), Err(ReportError::Epoch { line: line.to_owned() }));
        }
    }
}
