//! Compares JSON values, name by name.

use serde_json::Value;

use super::difference::{Difference, Extent, Place, distance};
use super::ulps::Precision;

/// A value that two trees do not share.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Changed {
    /// As in `finals.0.test.roc_auc`.
    pub(super) name: String,
    /// In the first tree, if it is there.
    pub(super) a: Option<Value>,
    /// In the second tree, if it is there.
    pub(super) b: Option<Value>,
}

/// The values that differ, and how many there are in all. Keys go in the order of the alphabet.
pub(super) fn changes(a: &Value, b: &Value) -> (Vec<Changed>, usize) {
    let mut walk = Walk { changed: Vec::new(), n: 0 };
    walk.visit(Some(a), Some(b), "");
    (walk.changed, walk.n)
}

/// The first value that differs; none when all are equal.
pub(super) fn compare(recorded: &Value, found: &Value) -> Option<Difference> {
    let (changed, n) = changes(recorded, found);
    let mut extent = Extent { n: n - changed.len(), ..Extent::NONE };
    let distances: Vec<_> = changed
        .iter()
        .map(|change| {
            let number = |value: &Option<Value>| value.as_ref().filter(|value| value.is_number())?.as_f64();
            let is_whole =
                [&change.a, &change.b].iter().all(|value| value.as_ref().is_some_and(|v| v.is_i64() || v.is_u64()));
            let (ulps, relative) = match (number(&change.a), number(&change.b)) {
                (Some(a), Some(b)) if !is_whole => distance(a, b, Precision::F64),
                _ => (None, None),
            };
            extent.count(true, relative);
            ulps
        })
        .collect();
    let first = changed.into_iter().next()?;
    let text = |value: Option<Value>| value.map(|value| value.to_string());
    let difference = Difference::plain(Place::Value { name: first.name }, text(first.a), text(first.b));
    Some(Difference { ulps: distances.into_iter().next().flatten(), extent: Some(extent), ..difference })
}

struct Walk {
    changed: Vec<Changed>,
    n: usize,
}

impl Walk {
    fn visit(&mut self, a: Option<&Value>, b: Option<&Value>, name: &str) {
        let below = |part: &str| if name.is_empty() { part.to_owned() } else { format!("{name}.{part}") };
        match (a, b) {
            (Some(Value::Object(a)), Some(Value::Object(b))) => {
                let mut keys: Vec<&String> = a.keys().chain(b.keys()).collect();
                keys.sort();
                keys.dedup();
                for key in keys {
                    self.visit(a.get(key), b.get(key), &below(key));
                }
            }
            (Some(Value::Array(a)), Some(Value::Array(b))) => {
                for index in 0..a.len().max(b.len()) {
                    self.visit(a.get(index), b.get(index), &below(&index.to_string()));
                }
            }
            _ => {
                self.n += 1;
                if a != b {
                    self.changed.push(Changed { name: name.to_owned(), a: a.cloned(), b: b.cloned() });
                }
            }
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::replay::ulps::Ulps;

    #[test]
    fn the_first_value_is_named_by_its_path() {
        let a = json!({ "finals": [{ "test": { "auc": 0.75, "n": 3 } }], "status": "complete" });
        let b = json!({ "finals": [{ "test": { "auc": 0.5, "n": 3 } }], "status": "complete", "more": 1 });
        let difference = compare(&a, &b).unwrap();
        assert_eq!(difference.place.to_string(), "finals.0.test.auc");
        // From 0.5 to 1 there are 2^52 steps; 0.75 is half way.
        assert_eq!(difference.ulps, Some(Ulps { n: 1 << 51, precision: Precision::F64 }));
        let extent = difference.extent.unwrap();
        assert_eq!((extent.n_different, extent.n), (2, 4));
        assert!((extent.largest_relative.unwrap() - 1.0 / 3.0).abs() < 1e-15);
        assert_eq!(compare(&a, &a), None);
    }

    #[test]
    fn another_kind_and_a_shorter_list_are_differences() {
        let difference = compare(&json!({ "a": [1, 2] }), &json!({ "a": [1] })).unwrap();
        assert_eq!((difference.place.to_string().as_str(), difference.found), ("a.1", None));
        let difference = compare(&json!({ "a": { "b": 1 } }), &json!({ "a": null })).unwrap();
        assert_eq!((difference.place.to_string().as_str(), difference.found.as_deref()), ("a", Some("null")));
        assert_eq!(compare(&json!({ "n": 1 }), &json!({ "n": 2 })).unwrap().ulps, None);
    }
}
