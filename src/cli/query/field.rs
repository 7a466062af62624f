//! What can be asked of a run, by name.

use std::collections::BTreeSet;

use super::{QueryError, Row};
use crate::metric::Metric;
use crate::spec::vocabulary::nearest;
use crate::value::Value;

/// Something a run may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Field {
    Id,
    Name,
    State,
    Started,
    Fits,
    Objective,
    Best,
    Note,
    Path,
    Tags,
    Tag(String),
    Validation(String),
    Test(String),
    Param(String),
}

/// What values of a field are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Number,
    Text,
    Date,
    State,
    /// Different ones in different runs.
    Any,
}

/// The fields without a name of their own, and the other words for them that tables and records use.
const PLAIN: [(&str, Field); 13] = [
    ("id", Field::Id),
    ("run", Field::Id),
    ("name", Field::Name),
    ("experiment", Field::Name),
    ("state", Field::State),
    ("status", Field::State),
    ("started", Field::Started),
    ("fits", Field::Fits),
    ("objective", Field::Objective),
    ("best", Field::Best),
    ("note", Field::Note),
    ("path", Field::Path),
    ("tags", Field::Tags),
];

const GROUPS: [&str; 5] = ["metrics", "validation", "test", "params", "tags"];

/// The names that the runs at hand have.
#[derive(Debug, Default)]
pub(in crate::cli) struct Known {
    validation: BTreeSet<String>,
    test: BTreeSet<String>,
    params: BTreeSet<String>,
    is_empty: bool,
}

impl Known {
    pub(in crate::cli) fn of(rows: &[Row]) -> Self {
        let mut known = Self { is_empty: rows.is_empty(), ..Self::default() };
        let add = |to: &mut BTreeSet<String>, name: &String| {
            if !to.contains(name) {
                to.insert(name.clone());
            }
        };
        for row in rows {
            row.values.validation.keys().for_each(|name| add(&mut known.validation, name));
            row.values.params.keys().for_each(|name| add(&mut known.params, name));
            let test = row.line.found.iter().flat_map(|found| found.test.keys());
            test.for_each(|name| add(&mut known.test, name));
        }
        known
    }

    /// The metric of this name, of validation or test rows.
    fn metric(&self, group: &str, name: &str) -> Result<String, QueryError> {
        let recorded = if group == "test" { &self.test } else { &self.validation };
        let known = recorded.iter().map(String::as_str).chain(Metric::ALL.map(Metric::name));
        if known.clone().any(|known| known == name) {
            return Ok(name.to_owned());
        }
        let hint = match nearest(name, known) {
            Some(near) => format!("did you mean `{group}.{near}`?"),
            None => format!("metrics are {}", Metric::ALL.map(Metric::name).join(", ")),
        };
        Err(QueryError::new(format!("there is no metric `{name}`"), 0..group.len() + 1 + name.len(), hint))
    }

    /// The parameter of this name, or the only one whose name ends so.
    fn param(&self, name: &str) -> Result<String, QueryError> {
        // Without runs there is nothing that could tell.
        if self.params.contains(name) || self.is_empty {
            return Ok(name.to_owned());
        }
        let ends_so = |known: &&String| known.strip_suffix(name).is_some_and(|before| before.ends_with('.'));
        let found: Vec<&str> = self.params.iter().filter(ends_so).map(String::as_str).collect();
        let at = 0.."params.".len() + name.len();
        match found.as_slice() {
            [only] => Ok((*only).to_owned()),
            [] => {
                let endings = |known: &'_ String| -> Vec<String> {
                    let dots = known.match_indices('.').map(|(dot, _)| known[dot + 1..].to_owned());
                    std::iter::once(known.clone()).chain(dots).collect()
                };
                let endings: Vec<String> = self.params.iter().flat_map(endings).collect();
                let hint = match nearest(name, endings.iter().map(String::as_str)) {
                    Some(near) => format!("did you mean `params.{near}`?"),
                    None => "`xrun check CONFIG` lists the parameters of a run's config.rhai".to_owned(),
                };
                Err(QueryError::new(format!("no run has a parameter `{name}`"), at, hint))
            }
            several => {
                let hint = format!(
                    "say which: {}",
                    several.iter().map(|name| format!("params.{name}")).collect::<Vec<_>>().join(", ")
                );
                Err(QueryError::new(format!("several parameters end with `{name}`"), at, hint))
            }
        }
    }
}

impl Field {
    /// The field of a name.
    pub(in crate::cli) fn find(name: &str, known: &Known) -> Result<Self, QueryError> {
        if let Some((_, field)) = PLAIN.iter().find(|(plain, _)| *plain == name) {
            return Ok(field.clone());
        }
        match name.split_once('.').filter(|(_, rest)| !rest.is_empty()) {
            Some((group @ ("metrics" | "validation"), metric)) => Ok(Self::Validation(known.metric(group, metric)?)),
            Some(("test", metric)) => Ok(Self::Test(known.metric("test", metric)?)),
            Some(("params", param)) => Ok(Self::Param(known.param(param)?)),
            Some(("tags", tag)) => Ok(Self::Tag(tag.to_owned())),
            Some((group, rest)) => {
                let near = nearest(group, GROUPS).map(|near| format!("{near}.{rest}"));
                Err(unknown(name, near))
            }
            None => {
                let plain = PLAIN.iter().map(|(name, _)| *name);
                let near = nearest(name, plain).map(str::to_owned);
                let metric =
                    || Metric::ALL.iter().find(|metric| metric.name() == name).map(|_| format!("metrics.{name}"));
                Err(unknown(name, near.or_else(metric)))
            }
        }
    }

    /// Whether names like this are looked up in what is kept apart from the list of runs.
    pub(in crate::cli) fn needs_values(text: &str) -> bool {
        ["metrics.", "validation.", "params."].iter().any(|group| text.contains(group))
    }

    /// What a run has: nothing, one value, or the several that its studies chose.
    pub(in crate::cli) fn of(&self, row: &Row) -> Vec<Value> {
        let text = |text: &str| if text.is_empty() { Vec::new() } else { vec![Value::Text(text.to_owned())] };
        let number = |number: Option<&f64>| number.map(|number| Value::Float(*number)).into_iter().collect();
        let found = row.line.found.as_ref();
        match self {
            Self::Id => text(&row.line.run),
            Self::Name => text(&row.line.experiment),
            Self::State => text(&row.line.status),
            Self::Started => text(&row.line.started),
            Self::Fits => vec![Value::Int(i64::try_from(row.line.n_fits).unwrap_or(i64::MAX))],
            Self::Objective => text(found.and_then(|found| found.objective.as_deref()).unwrap_or_default()),
            Self::Best => number(found.and_then(|found| found.best.as_ref())),
            Self::Note => text(&row.notes.note),
            Self::Path => text(&row.line.path.to_string_lossy()),
            Self::Tags => text(&row.notes.tags_text()),
            // A tag without a value is there all the same.
            Self::Tag(tag) => row.notes.tags.get(tag).map(|value| Value::Text(value.clone())).into_iter().collect(),
            Self::Validation(metric) => number(row.values.validation.get(metric)),
            Self::Test(metric) => number(found.and_then(|found| found.test.get(metric))),
            Self::Param(name) => row.values.params.get(name).cloned().unwrap_or_default(),
        }
    }

    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::Fits | Self::Best | Self::Validation(_) | Self::Test(_) => Kind::Number,
            Self::Started => Kind::Date,
            Self::State => Kind::State,
            Self::Id | Self::Name | Self::Objective | Self::Note | Self::Path | Self::Tags => Kind::Text,
            Self::Tag(_) | Self::Param(_) => Kind::Any,
        }
    }
}

fn unknown(name: &str, near: Option<String>) -> QueryError {
    let hint = near.map_or_else(
        || format!("names are {}, and those that begin with {}.", plain_names(), GROUPS.join(". ")),
        |near| format!("did you mean `{near}`?"),
    );
    QueryError::new(format!("runs have no `{name}`"), 0..name.len(), hint)
}

fn plain_names() -> String {
    let mut seen = Vec::new();
    let first = |field: &Field| {
        let is_new = !seen.contains(field);
        seen.push(field.clone());
        is_new
    };
    let mut first = first;
    PLAIN.iter().filter(|(_, field)| first(field)).map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

/// Values in one cell.
pub(in crate::cli) fn several(values: &[Value], between: &str) -> String {
    values.iter().map(ToString::to_string).collect::<Vec<_>>().join(between)
}
