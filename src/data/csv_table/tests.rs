use super::*;
use crate::data::encoder::Encoder;

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
