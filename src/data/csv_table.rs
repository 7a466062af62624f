//! Tables in CSV files: a header line, commas, UTF-8. Spaces around cells do not count.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;

use csv::{ErrorKind, Position, ReaderBuilder, StringRecord, Trim};

use super::dataset::{Dataset, Features, Rows};
use super::error::DataError;
use super::subset;
use super::table::{Cells, Column, Table};
use super::target::Target;
use crate::spec::data::{CsvTableSpec, TableTask};

/// Opens the table `spec` names, or as many of its rows as it asks for.
///
/// A column holds numbers if every cell that is not missing is one, else categories; a column without any
/// value counts as numbers. Classes and groups are numbered in the order of their names.
pub(super) fn open(spec: &CsvTableSpec) -> Result<Dataset, DataError> {
    let file = RawTable::read(&spec.path)?;
    let roles = Roles::settle(spec, &file)?;
    let (target, used) = match spec.task {
        TableTask::Classification => {
            let (names, rows) = file.named(roles.target, "target", spec)?;
            if let [class] = &names[..] {
                return Err(DataError::OneClass { path: spec.path.clone(), class: class.clone() });
            }
            let used = subset::rows(&rows, &names, spec.n, spec.seed)?;
            (Target::Classes { names, rows: taken(&rows, &used) }, used)
        }
        TableTask::Regression => {
            let numbers = file.numbers(roles.target, spec)?;
            let used = subset::any_rows(numbers.len(), spec.n, spec.seed);
            let numbers = taken(&numbers, &used);
            if numbers.iter().all(|number| *number == numbers[0]) {
                return Err(DataError::OneNumber { path: spec.path.clone(), n: numbers.len(), number: numbers[0] });
            }
            (Target::Numbers(numbers), used)
        }
    };
    let groups = match roles.group {
        Some(column) => Some(without_gaps(&taken(&file.named(column, "group", spec)?.1, &used))),
        None => None,
    };
    let columns: Result<Vec<Column>, DataError> = roles
        .features
        .iter()
        .map(|&(column, categorical)| Ok(file.column(column, categorical, spec)?.taken(&used)))
        .collect();
    let ids = used.iter().map(|row| format!("row-{row}")).collect();
    let rows = Rows { ids, target, groups, official_test: None };
    Ok(Dataset::new(rows, Features::Table(Table::new(columns?))))
}

/// Those of the rows that are used.
fn taken<T: Clone>(rows: &[T], used: &[usize]) -> Vec<T> {
    used.iter().map(|&row| rows[row].clone()).collect()
}

/// The groups numbered from 0, in the same order.
fn without_gaps(groups: &[usize]) -> Vec<usize> {
    let known: BTreeSet<usize> = groups.iter().copied().collect();
    let known: Vec<usize> = known.into_iter().collect();
    groups.iter().filter_map(|group| known.binary_search(group).ok()).collect()
}

/// The cells as text.
pub(super) struct RawTable {
    pub(super) header: Vec<String>,
    rows: Vec<Row>,
}

struct Row {
    /// Line in the file, from 1.
    line: u64,
    cells: StringRecord,
}

impl RawTable {
    pub(super) fn read(path: &Path) -> Result<Self, DataError> {
        let bytes = fs::read(path).map_err(|source| DataError::TableUnreadable { path: path.to_owned(), source })?;
        let unreadable = |error| table_error(path, &bytes, error);
        let mut reader = ReaderBuilder::new().trim(Trim::All).from_reader(&bytes[..]);
        let header: Vec<String> = reader.headers().map_err(unreadable)?.iter().map(str::to_owned).collect();
        let mut seen = BTreeSet::new();
        if let Some(column) = header.iter().find(|name| !seen.insert(*name)) {
            return Err(DataError::ColumnTwice { path: path.to_owned(), column: column.clone() });
        }
        let mut rows = Vec::new();
        for cells in reader.records() {
            let cells = cells.map_err(unreadable)?;
            let line = cells.position().map_or(1, |start| line_at(&bytes, start));
            rows.push(Row { line, cells });
        }
        if rows.is_empty() {
            return Err(DataError::TableEmpty { path: path.to_owned() });
        }
        Ok(Self { header, rows })
    }

    /// Number of rows; at least 1.
    pub(super) fn n(&self) -> usize {
        self.rows.len()
    }

    /// The cells of a column with their lines, `None` where the value is missing.
    pub(super) fn cells(&self, column: usize, missing: &[String]) -> impl Iterator<Item = (u64, Option<&str>)> {
        self.rows.iter().map(move |row| {
            let cell = &row.cells[column];
            let missing = cell.is_empty() || missing.iter().any(|text| text == cell);
            (row.line, (!missing).then_some(cell))
        })
    }

    /// The cells of the column called `name` with their lines, none of which may be missing.
    pub(super) fn texts(&self, path: &Path, name: &str) -> Result<Vec<(u64, &str)>, DataError> {
        let column = self.header.iter().position(|column| column == name).ok_or_else(|| DataError::ColumnNotFound {
            path: path.to_owned(),
            column: name.to_owned(),
            role: "list",
            columns: self.header.clone(),
        })?;
        let missing = |line| DataError::CellMissing {
            path: path.to_owned(),
            line,
            column: name.to_owned(),
            role: if name == "path" { "picture" } else { "class" },
        };
        self.cells(column, &[]).map(|(line, cell)| Ok((line, cell.ok_or_else(|| missing(line))?))).collect()
    }

    /// The sorted names in a column that must not miss any, and the index of each row's name.
    fn named(
        &self,
        column: usize,
        role: &'static str,
        spec: &CsvTableSpec,
    ) -> Result<(Vec<String>, Vec<usize>), DataError> {
        let (names, rows) = numbered(self.cells(column, &spec.missing).map(|(_, cell)| cell));
        let missing = self.cells(column, &spec.missing).find(|(_, cell)| cell.is_none());
        match missing {
            None => Ok((names, rows.into_iter().flatten().collect())),
            Some((line, _)) => {
                Err(DataError::CellMissing { path: spec.path.clone(), line, column: self.header[column].clone(), role })
            }
        }
    }

    /// The numbers in a column of which none may be missing.
    fn numbers(&self, column: usize, spec: &CsvTableSpec) -> Result<Vec<f64>, DataError> {
        let (path, column_name) = (|| spec.path.clone(), || self.header[column].clone());
        let number = |(line, cell): (u64, Option<&str>)| {
            let Some(text) = cell else {
                return Err(DataError::CellMissing { path: path(), line, column: column_name(), role: "target" });
            };
            match text.parse::<f64>() {
                Ok(number) if number.is_finite() => Ok(number),
                Ok(_) => {
                    Err(DataError::TargetNotFinite { path: path(), line, column: column_name(), text: text.to_owned() })
                }
                Err(_) => {
                    Err(DataError::TargetNoNumber { path: path(), line, column: column_name(), text: text.to_owned() })
                }
            }
        };
        self.cells(column, &spec.missing).map(number).collect()
    }

    /// A column to learn from.
    fn column(&self, column: usize, categorical: bool, spec: &CsvTableSpec) -> Result<Column, DataError> {
        let name = &self.header[column];
        let texts: Vec<(u64, Option<&str>)> = self.cells(column, &spec.missing).collect();
        let numbers: Option<Vec<Option<f64>>> = texts
            .iter()
            .map(|(_, text)| text.map(|text| text.parse().ok()).map_or(Some(None), |x| x.map(Some)))
            .collect();
        let Some(numbers) = numbers.filter(|_| !categorical) else {
            let (levels, rows) = numbered(texts.into_iter().map(|(_, text)| text));
            return Ok(Column::new(name, Cells::Categorical { levels, rows }));
        };
        for (&(line, text), number) in texts.iter().zip(&numbers) {
            if let (Some(text), Some(number)) = (text, number)
                && !number.is_finite()
            {
                return Err(DataError::NotFinite {
                    path: spec.path.clone(),
                    line,
                    column: name.clone(),
                    text: text.to_owned(),
                });
            }
        }
        Ok(Column::new(name, Cells::Numeric(numbers)))
    }
}

/// What each column is for, as indices of the header.
struct Roles {
    target: usize,
    group: Option<usize>,
    /// Columns to learn from, and whether they are to be categories whatever they hold.
    features: Vec<(usize, bool)>,
}

impl Roles {
    fn settle(spec: &CsvTableSpec, file: &RawTable) -> Result<Self, DataError> {
        let mut roles: Vec<Option<&'static str>> = vec![None; file.header.len()];
        let mut assign = |column: &String, role: &'static str| {
            let index = file.header.iter().position(|name| name == column);
            let index = index.ok_or_else(|| DataError::ColumnNotFound {
                path: spec.path.clone(),
                column: column.clone(),
                role,
                columns: file.header.clone(),
            })?;
            match roles[index].replace(role) {
                Some(first) if first != role => {
                    Err(DataError::ColumnRoles { column: column.clone(), first, second: role })
                }
                _ => Ok(index),
            }
        };
        let target = assign(&spec.target, "target")?;
        let group = spec.group.as_ref().map(|c| assign(c, "group")).transpose()?;
        for column in &spec.drop {
            assign(column, "drop")?;
        }
        for column in &spec.categorical {
            assign(column, "categorical")?;
        }
        let features: Vec<(usize, bool)> = roles
            .iter()
            .enumerate()
            .filter(|(_, role)| matches!(role, None | Some("categorical")))
            .map(|(index, role)| (index, role.is_some()))
            .collect();
        if features.is_empty() {
            return Err(DataError::NoFeatures { path: spec.path.clone() });
        }
        Ok(Self { target, group, features })
    }
}

/// The different texts in order, and the index of each cell's text among them.
pub(super) fn numbered<'a>(cells: impl Iterator<Item = Option<&'a str>>) -> (Vec<String>, Vec<Option<usize>>) {
    let cells: Vec<Option<&str>> = cells.collect();
    let names: BTreeSet<&str> = cells.iter().copied().flatten().collect();
    let names: Vec<&str> = names.into_iter().collect();
    let rows = cells.iter().map(|cell| cell.and_then(|text| names.binary_search(&text).ok())).collect();
    (names.into_iter().map(str::to_owned).collect(), rows)
}

/// The line of a record: its start as the reader tells it lies before the empty lines above the record.
fn line_at(bytes: &[u8], start: &Position) -> u64 {
    let rest = &bytes[bytes.len().min(start.byte() as usize)..];
    let ends = rest.iter().take_while(|&&byte| byte == b'\n' || byte == b'\r');
    start.line() + ends.filter(|&&byte| byte == b'\n').count() as u64
}

fn table_error(path: &Path, bytes: &[u8], error: csv::Error) -> DataError {
    let path = path.to_owned();
    let line = error.position().map_or(1, |start| line_at(bytes, start));
    match error.into_kind() {
        ErrorKind::Io(source) => DataError::TableUnreadable { path, source },
        ErrorKind::UnequalLengths { expected_len, len, .. } => {
            DataError::Ragged { path, line, found: len, expected: expected_len }
        }
        ErrorKind::Utf8 { .. } => DataError::NotUtf8 { path, line },
        other => DataError::TableUnreadable { path, source: io::Error::other(format!("{other:?}")) },
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::super::encoder::Encoder;
    use super::*;

    const FRUIT: &str = "weight,colour,farm,late\n1.5,red,north,yes\n-,green,south,no\n2e1,,north,no\n";

    fn spec(target: &str) -> CsvTableSpec {
        CsvTableSpec {
            path: "table.csv".into(),
            target: target.to_owned(),
            drop: Vec::new(),
            categorical: Vec::new(),
            group: None,
            missing: vec!["-".to_owned()],
            task: TableTask::Classification,
            n: None,
            seed: 0,
        }
    }

    fn open_text(text: impl AsRef<[u8]>, spec: &CsvTableSpec) -> Result<Dataset, DataError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("table.csv");
        std::fs::write(&path, text).unwrap();
        open(&CsvTableSpec { path, ..spec.clone() })
    }

    /// The message of an error, with the path of the table written as `table.csv`.
    fn message(text: impl AsRef<[u8]>, spec: &CsvTableSpec) -> String {
        let message = open_text(text, spec).unwrap_err().to_string();
        match (message.find('/'), message.find("table.csv")) {
            (Some(start), Some(end)) => message.replace(&message[start..end], ""),
            _ => message,
        }
    }

    fn table(data: &Dataset) -> &Table {
        match data.features() {
            Features::Table(table) => table,
            other => panic!("a table is expected: {other:?}"),
        }
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn columns_get_their_kind_from_their_cells() {
        let mut spec = spec("late");
        spec.group = Some("farm".to_owned());
        let data = open_text(FRUIT, &spec).unwrap();
        assert_eq!(data.ids(), ["row-0", "row-1", "row-2"]);
        assert_eq!((data.classes(), data.targets()), (&names(&["no", "yes"])[..], &[1, 0, 0][..]));
        assert_eq!(data.groups(), Some(&[0, 1, 0][..]));
        assert_eq!(data.describe(), "3 rows, 1 numeric and 1 categorical columns, 2 no / 1 yes, 2 groups");
        let [weight, colour] = table(&data).columns() else { panic!("two columns") };
        assert_eq!((weight.name(), weight.cells()), ("weight", &Cells::Numeric(vec![Some(1.5), None, Some(20.0)])));
        let expected = Cells::Categorical { levels: names(&["green", "red"]), rows: vec![Some(1), Some(0), None] };
        assert_eq!((colour.name(), colour.cells()), ("colour", &expected));
    }

    #[test]
    fn numbers_can_be_categories_and_columns_can_be_dropped() {
        let mut spec = spec("late");
        spec.categorical = names(&["weight"]);
        spec.drop = names(&["colour", "farm"]);
        let data = open_text(FRUIT, &spec).unwrap();
        let [weight] = table(&data).columns() else { panic!("one column") };
        let expected = Cells::Categorical { levels: names(&["1.5", "2e1"]), rows: vec![Some(0), None, Some(1)] };
        assert_eq!(weight.cells(), &expected);
    }

    #[test]
    fn marks_spaces_quotes_and_line_ends_do_not_matter() {
        let plain = open_text("a,b\n1,x\n2,y\n", &spec("b")).unwrap();
        let dressed = open_text("\u{feff}a ,\"b\"\r\n 1,x \r\n2.0,\"y\"", &spec("b")).unwrap();
        assert_eq!(plain.fingerprint(), dressed.fingerprint());
    }

    #[test]
    fn fingerprint_changes_with_any_cell_name_class_or_group() {
        let mut with_group = spec("t");
        with_group.group = Some("g".to_owned());
        let print = |text: &str, spec: &CsvTableSpec| open_text(text, spec).unwrap().fingerprint().to_owned();
        let before = print("x,c,g,t\n1,a,p,u\n2,b,q,v\n", &with_group);
        assert_eq!(before, print("x,c,g,t\n1,a,p,u\n2,b,q,v\n", &with_group));
        for other in [
            "x,c,g,t\n1.5,a,p,u\n2,b,q,v\n",
            "x,c,g,t\n,a,p,u\n2,b,q,v\n",
            "x,c,g,t\n1,,p,u\n2,b,q,v\n",
            "x,c,g,t\n1,a,p,u\n2,a,q,v\n",
            "x,c,g,t\n1,a,p,u\n2,b,p,v\n",
            "x,c,g,t\n1,a,p,v\n2,b,q,u\n",
            "y,c,g,t\n1,a,p,u\n2,b,q,v\n",
            "x,c,g,t\n1,a,p,u\n2,b,q,v\n2,b,q,v\n",
        ] {
            assert_ne!(before, print(other, &with_group), "{other}");
        }
        assert_ne!(before, print("x,c,g,t\n1,a,p,u\n2,b,q,v\n", &spec("t")));
    }

    #[test]
    fn tables_that_cannot_be_read_are_named() {
        let absent = CsvTableSpec { path: "/absent/table.csv".into(), ..spec("t") };
        assert_eq!(
            open(&absent).unwrap_err().to_string(),
            "cannot read table `/absent/table.csv`: No such file or directory (os error 2)"
        );
        for empty in ["", "a,t\n", "a,t"] {
            let expected = "table `table.csv` has no rows; expected a header line and a line for each row";
            assert_eq!(message(empty, &spec("t")), expected);
        }
        assert_eq!(
            message("a,t\n1,x\n\r\n1,2,x\n", &spec("t")),
            "table `table.csv`, line 4: found 3 cells, the header has 2; quote cells that hold a comma"
        );
        assert_eq!(
            message(b"a,t\n1,x\n\xff,y\n", &spec("t")),
            "table `table.csv`, line 3: the text is not UTF-8; save the table as UTF-8"
        );
        assert_eq!(
            message("a,t,a\n1,x,2\n", &spec("t")),
            "table `table.csv` has two columns named `a`; rename one of them"
        );
    }

    #[test]
    fn columns_that_do_not_exist_are_named_with_those_that_do() {
        let expected = |column: &str, role: &str| {
            format!(
                "table `table.csv` has no column `{column}`, which `{role}` names; its columns are `weight`, \
                 `colour`, `farm`, `late`"
            )
        };
        assert_eq!(message(FRUIT, &spec("Late")), expected("Late", "target"));
        let one = || names(&["size"]);
        assert_eq!(message(FRUIT, &CsvTableSpec { drop: one(), ..spec("late") }), expected("size", "drop"));
        let categorical = CsvTableSpec { categorical: one(), ..spec("late") };
        assert_eq!(message(FRUIT, &categorical), expected("size", "categorical"));
        let grouped = CsvTableSpec { group: Some("size".to_owned()), ..spec("late") };
        assert_eq!(message(FRUIT, &grouped), expected("size", "group"));
    }

    #[test]
    fn a_column_has_one_role_and_one_must_be_left() {
        let twice = CsvTableSpec { drop: names(&["late"]), ..spec("late") };
        assert_eq!(message(FRUIT, &twice), "column `late` is named by `target` and by `drop`; a column has one role");
        let all = CsvTableSpec { drop: names(&["weight", "colour", "farm", "farm"]), ..spec("late") };
        assert_eq!(message(FRUIT, &all), "table `table.csv` has no column left to learn from; drop fewer columns");
    }

    #[test]
    fn missing_classes_and_groups_are_named_with_their_line() {
        assert_eq!(
            message("a,t\n1,x\n\n2,-\n", &spec("t")),
            "table `table.csv`, line 4: `t`, the target, is missing; fill it in or delete the line"
        );
        let grouped = CsvTableSpec { group: Some("g".to_owned()), ..spec("t") };
        assert_eq!(
            message("a,g,t\n1,,x\n2,p,y\n", &grouped),
            "table `table.csv`, line 2: `g`, the group, is missing; fill it in or delete the line"
        );
        assert_eq!(
            message("a,t\n1,x\n2,x\n", &spec("t")),
            "every row of `table.csv` has the class `x`; there must be at least two classes"
        );
    }

    #[test]
    fn infinite_numbers_are_refused_unless_they_mean_missing_or_a_category() {
        for text in ["inf", "NaN", "-Infinity", "1e999"] {
            let csv = format!("a,t\n1,x\n{text},y\n");
            assert_eq!(
                message(&csv, &spec("t")),
                format!(
                    "table `table.csv`, line 3: `a` is `{text}`, which is not a finite number; list `{text}` in \
                     `missing`, or the column in `categorical`"
                )
            );
            let absent = CsvTableSpec { missing: names(&[text]), ..spec("t") };
            let data = open_text(&csv, &absent).unwrap();
            assert_eq!(table(&data).columns()[0].cells(), &Cells::Numeric(vec![Some(1.0), None]));
            let category = CsvTableSpec { categorical: names(&["a"]), ..spec("t") };
            assert!(!table(&open_text(&csv, &category).unwrap()).columns()[0].is_numeric());
        }
    }

    fn regression() -> CsvTableSpec {
        CsvTableSpec { task: TableTask::Regression, ..spec("t") }
    }

    #[test]
    fn the_target_of_a_regression_is_a_number_and_part_of_the_fingerprint() {
        let data = open_text("a,t\n1,0.5\n2,-1e1\n3,4\n", &regression()).unwrap();
        assert_eq!(data.target(), &Target::Numbers(vec![0.5, -10.0, 4.0]));
        assert!(data.classes().is_empty() && data.targets().is_empty());
        assert_eq!(data.describe(), "3 rows, 1 numeric and 0 categorical columns, target -10.0 to 4.0, mean -1.8333");
        let other = open_text("a,t\n1,0.5\n2,-10\n3,4.5\n", &regression()).unwrap();
        let changed: Vec<bool> = data.row_digests().iter().zip(other.row_digests()).map(|(a, b)| a != b).collect();
        assert_eq!((changed, data.fingerprint() == other.fingerprint()), (vec![false, false, true], false));
        assert_ne!(data.fingerprint(), open_text("a,t\n1,0.5\n2,-1e1\n3,4\n", &spec("t")).unwrap().fingerprint());
    }

    #[test]
    fn targets_that_no_regression_can_have_are_named_with_their_line() {
        assert_eq!(
            message("a,t\n1,2\n2,cheap\n", &regression()),
            "table `table.csv`, line 3: `t`, the target, is `cheap`, but a regression needs a number; correct it, or leave \
             task: \"regression\" out to tell classes apart"
        );
        assert_eq!(
            message("a,t\n1,2\n\n2,inf\n", &regression()),
            "table `table.csv`, line 4: `t`, the target, is `inf`, which is not a finite number; correct it or delete the line"
        );
        assert_eq!(
            message("a,t\n1,2\n2,-\n", &regression()),
            "table `table.csv`, line 3: `t`, the target, is missing; fill it in or delete the line"
        );
        assert_eq!(
            message("a,t\n1,2\n2,2.0\n", &regression()),
            "the target of `table.csv` is 2.0 in all of its 2 rows; a regression needs at least two different numbers"
        );
    }

    #[test]
    fn a_cap_keeps_the_classes_in_proportion_and_each_row_as_it_was() {
        let mut text = "a,c,g,t\n".to_owned();
        (0..60).for_each(|row| {
            let (colour, class) = (["red", "blue"][row % 2], if row % 3 == 0 { "x" } else { "y" });
            text.push_str(&format!("{row},{colour},g{},{class}\n", row % 7));
        });
        let grouped = CsvTableSpec { group: Some("g".to_owned()), ..spec("t") };
        let all = open_text(&text, &grouped).unwrap();
        let some = |n, seed| open_text(&text, &CsvTableSpec { n: Some(n), seed, ..grouped.clone() }).unwrap();
        let capped = some(15, 3);
        assert_eq!(capped.targets().iter().filter(|&&class| class == 0).count(), 5);
        for (row, id) in capped.ids().iter().enumerate() {
            let before = all.ids().iter().position(|other| other == id).unwrap();
            assert_eq!(capped.row_digests()[row], all.row_digests()[before], "{id}");
        }
        let groups: BTreeSet<usize> = some(3, 0).groups().unwrap().iter().copied().collect();
        assert_eq!(groups.iter().copied().collect::<Vec<_>>(), (0..groups.len()).collect::<Vec<_>>(), "without gaps");
        assert_eq!(capped.ids(), some(15, 3).ids());
        assert_ne!(capped.ids(), some(15, 4).ids());
        assert_eq!(some(60, 3).fingerprint(), all.fingerprint());

        let rare = "a,t\n1,x\n2,y\n3,y\n4,y\n5,y\n6,y\n7,y\n8,y\n9,y\n";
        assert_eq!(
            message(rare, &CsvTableSpec { n: Some(2), ..spec("t") }),
            "2 rows with the classes in proportion have none of `x`, which has 1 row in the data; use more rows"
        );
        let numbers = "a,t\n1,1\n2,2\n3,3\n4,4\n5,5\n";
        assert_eq!(open_text(numbers, &CsvTableSpec { n: Some(3), ..regression() }).unwrap().n(), 3);
    }

    #[test]
    fn the_orchard_of_the_first_experiment_opens() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments/data/orchard.csv");
        let group = Some("orchard".to_owned());
        let data = open(&CsvTableSpec { path, group, ..spec("variety") }).unwrap();
        assert_eq!(data.n(), 400);
        assert_eq!(data.classes().len(), 2);
        let rows: Vec<usize> = (0..data.n()).collect();
        let encoder = Encoder::fit(table(&data), &rows);
        assert!(rows.iter().all(|&row| encoder.encode(table(&data), row).iter().all(|x| x.is_finite())));
    }
}
