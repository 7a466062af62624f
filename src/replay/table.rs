//! Compares CSV files cell by cell.

use super::difference::{Difference, Extent, Place, distance, numbers};
use super::ulps::Precision;

/// Columns that say which row it is.
const IDENTIFYING: [&str; 5] = ["outer", "inner", "trial", "epoch", "id"];

struct Row {
    line: u64,
    cells: Vec<String>,
}

/// The first cell that differs, in the order of reading; none when all cells are equal. `precision` says in which format
/// the numbers of a column were written; a column without one holds texts.
pub(super) fn compare(
    recorded: &[u8],
    found: &[u8],
    precision: impl Fn(&str) -> Option<Precision>,
) -> Option<Difference> {
    let (recorded, found) = (rows(recorded), rows(found));
    let header = recorded.first().or(found.first())?;
    let column = |index: usize| header.cells.get(index).cloned().unwrap_or_else(|| format!("#{}", index + 1));
    let mut first: Option<Difference> = None;
    let mut extent = Extent::NONE;
    for index in 0..recorded.len().max(found.len()) {
        let (a, b) = (recorded.get(index), found.get(index));
        let n_cells = [a, b].into_iter().flatten().map(|row| row.cells.len()).max().unwrap_or(0);
        for at in 0..n_cells {
            let cell = |row: Option<&Row>| row.and_then(|row| row.cells.get(at)).cloned();
            let (x, y) = (cell(a), cell(b));
            let pair = x.as_deref().zip(y.as_deref()).filter(|(x, y)| x != y && index > 0);
            let close = pair.and_then(|(x, y)| {
                let (x, y) = numbers(x, y)?;
                Some(distance(x, y, precision(&column(at))?))
            });
            extent.count(x != y, close.and_then(|(_, relative)| relative));
            if x != y && first.is_none() {
                let line = a.or(b).map_or(0, |row| row.line);
                let row = if index == 0 { String::new() } else { label(header, a.or(b)) };
                let ulps = close.and_then(|(ulps, _)| ulps);
                let place = Place::Cell { line, column: column(at), row };
                first = Some(Difference { ulps, ..Difference::plain(place, x, y) });
            }
        }
    }
    first.map(|first| Difference { extent: Some(extent), ..first })
}

/// In a table of numbers every column may hold some.
pub(super) fn double(_: &str) -> Option<Precision> {
    Some(Precision::F64)
}

/// Whether a table of predictions is one of numbers, which has no column of a class.
pub(super) fn is_of_numbers(predictions: &[u8]) -> bool {
    predictions.starts_with(b"id,target,predicted\n")
}

/// In a table of predictions the probabilities are single.
pub(super) fn single_probabilities(column: &str) -> Option<Precision> {
    column.starts_with("p.").then_some(Precision::F32)
}

fn rows(bytes: &[u8]) -> Vec<Row> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(bytes);
    let text = |cell: &[u8]| String::from_utf8_lossy(cell).into_owned();
    reader
        .byte_records()
        .map_while(Result::ok)
        .map(|record| Row {
            line: record.position().map_or(0, csv::Position::line),
            cells: record.iter().map(text).collect(),
        })
        .collect()
}

/// As in `outer 0, inner 1, trial 2`.
fn label(header: &Row, row: Option<&Row>) -> String {
    let cells = row.map_or(&[][..], |row| &row.cells);
    let named =
        header.cells.iter().zip(cells).filter(|(name, cell)| IDENTIFYING.contains(&name.as_str()) && !cell.is_empty());
    named.map(|(name, cell)| format!("{name} {cell}")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::replay::ulps::Ulps;

    const METRICS: &str = "epoch,phase,train.loss,validation.roc_auc\n1,full,0.75,0.5\n2,full,0.5,0.75\n";

    #[test]
    fn equal_tables_have_no_difference() {
        assert_eq!(compare(METRICS.as_bytes(), METRICS.as_bytes(), double), None);
        // Other line ends, the same cells.
        assert_eq!(compare(METRICS.as_bytes(), METRICS.replace('\n', "\r\n").as_bytes(), double), None);
    }

    #[test]
    fn the_first_cell_is_named_and_all_are_counted() {
        // 0.75 and the next f64 below it, then 0.75 and 1.0: a quarter of the larger.
        let below = f64::from_bits(0.75_f64.to_bits() - 1);
        let other = format!("epoch,phase,train.loss,validation.roc_auc\n1,full,{below:?},0.5\n2,full,0.5,1.0\n");
        let difference = compare(METRICS.as_bytes(), other.as_bytes(), double).unwrap();
        let row = "epoch 1".to_owned();
        assert_eq!(difference.place, Place::Cell { line: 2, column: "train.loss".to_owned(), row });
        assert_eq!(difference.place.to_string(), "line 2, column train.loss (epoch 1)");
        assert_eq!(
            (difference.recorded.unwrap(), difference.found.unwrap()),
            ("0.75".to_owned(), format!("{below:?}"))
        );
        assert_eq!(difference.ulps, Some(Ulps { n: 1, precision: Precision::F64 }));
        assert_eq!(difference.extent, Some(Extent { n_different: 2, n: 12, largest_relative: Some(0.25) }));
    }

    #[test]
    fn probabilities_are_counted_in_single_precision_and_other_columns_are_texts() {
        let table = |id: &str, p: f32| format!("id,target,predicted,p.no\n{id},yes,no,{p:?}\n");
        let (a, b) = (0.7_f32, f32::from_bits(0.7_f32.to_bits() + 3));
        let difference = compare(table("7", a).as_bytes(), table("7", b).as_bytes(), single_probabilities).unwrap();
        assert_eq!(difference.ulps, Some(Ulps { n: 3, precision: Precision::F32 }));
        assert_eq!(difference.place.to_string(), "line 2, column p.no (id 7)");
        let difference = compare(table("7.5", a).as_bytes(), table("8.5", a).as_bytes(), single_probabilities).unwrap();
        assert_eq!(difference.ulps, None);
        assert_eq!(difference.extent.unwrap().largest_relative, None);
    }

    #[test]
    fn whole_numbers_and_what_is_no_number_have_no_distance() {
        let cell = |text: &str| format!("a\n{text}\n");
        for (a, b) in [("3", "4"), ("NaN", "1.0"), ("x", "1.5"), ("", "1.5")] {
            let difference = compare(cell(a).as_bytes(), cell(b).as_bytes(), double).unwrap();
            assert_eq!(difference.ulps, None, "{a} {b}");
        }
    }

    #[test]
    fn a_missing_line_a_surplus_cell_and_another_header_are_differences() {
        let shorter = METRICS.lines().take(2).collect::<Vec<_>>().join("\n");
        let difference = compare(METRICS.as_bytes(), shorter.as_bytes(), double).unwrap();
        assert_eq!(difference.place.to_string(), "line 3, column epoch (epoch 2)");
        assert_eq!((difference.recorded.as_deref(), difference.found), (Some("2"), None));
        assert_eq!(difference.extent.unwrap().n_different, 4);

        let difference = compare(b"a\n1\n", b"a\n1,2\n", double).unwrap();
        assert_eq!(difference.place.to_string(), "line 2, column #2");

        let difference = compare(b"a,b\n1,2\n", b"a,c\n1,2\n", double).unwrap();
        assert_eq!(difference.place.to_string(), "line 1, column b");
        assert_eq!(difference.found.as_deref(), Some("c"));
        assert_eq!(compare(b"", b"a\n", double).unwrap().place.to_string(), "line 1, column a");
        assert_eq!(compare(b"", b"", double), None);
    }
}
