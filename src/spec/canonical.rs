//! The canonical form of a fit: a text of everything in its config that can change a number.
//!
//! Names, the format, where the data lie and how the rows were chosen are not in it; the rows enter a fit's key by their
//! content, and so do the files that a program's result depends on and weights that a network begins with: no path changes
//! it. A field that has its default is left out, so that an option which is added later changes no form that does
//! not use it, and fields stand in the order of their names, so that the vocabulary may be put in another order.

use std::convert::Infallible;

use super::fit::FitConfig;
use super::schema::{Default, Family, Field, Type};
use super::tree::{Make, Tree};

/// Fields of a fit that change no number, given the rows: a data set's fields decide what its rows hold, a split which
/// of them are used.
const WITHOUT_EFFECT: [&str; 4] = ["format", "name", "data", "split"];

impl FitConfig {
    /// The text of what can change a number of this fit, rows apart: equal texts over equal rows give equal results.
    ///
    /// It has the form `fit(labels: ["outer 0", "final"], model: classifier(...), ...)`. Numbers are exact: the shortest
    /// digits that read back as the same number.
    #[must_use]
    pub fn canonical(&self) -> String {
        make(self.tree(), &WITHOUT_EFFECT)
    }
}

/// What a constructor built, without the fields in `left_out` and those that have their default.
fn make(make: &Make<Infallible>, left_out: &[&str]) -> String {
    let constructor = make.constructor();
    // A program's files are in the key by their content, weights by the digest beside their path.
    let has_other = constructor.family == Family::Objective || make.get("digest").is_some();
    let is_path = |name: &str| {
        let is_of_paths = |field: &Field| matches!(field.takes, Type::Path | Type::List(Type::Path));
        constructor.fields.iter().any(|field| field.name == name && is_of_paths(field))
    };
    let fields = make.fields().iter().map(|(name, tree)| (*name, tree));
    let is_left_out = |name: &str| left_out.contains(&name) || (has_other && is_path(name));
    let entries = entries(constructor.fields, fields.filter(|(name, _)| !is_left_out(name)));
    format!("{}({entries})", constructor.name)
}

/// `name: value` of the fields that differ from their default, by name.
fn entries<'a>(known: &[Field], given: impl Iterator<Item = (&'a str, &'a Tree<Infallible>)>) -> String {
    let mut entries: Vec<(&str, String)> = given
        .filter_map(|(name, tree)| {
            let field = known.iter().find(|field| field.name == name).expect("a checked tree has known fields alone");
            let text = value(&field.takes, tree);
            (default(field).as_ref() != Some(&text)).then_some((name, text))
        })
        .collect();
    entries.sort_unstable();
    let entries: Vec<String> = entries.into_iter().map(|(name, text)| format!("{name}: {text}")).collect();
    entries.join(", ")
}

/// What a field's default looks like here; none where it has none.
fn default(field: &Field) -> Option<String> {
    Some(match &field.default {
        Default::Required | Default::Absent => return None,
        Default::Bool(b) => b.to_string(),
        Default::Int(i) => i.to_string(),
        Default::Float(x) => float(*x),
        Default::Text(t) => text(t),
        Default::Floats(xs) => list(xs.iter().map(|x| float(*x))),
        Default::EmptyList => list([]),
        Default::Make(name) => format!("{name}()"),
    })
}

fn value(takes: &Type, tree: &Tree<Infallible>) -> String {
    match (takes, tree) {
        (_, Tree::Bool(b)) => b.to_string(),
        (_, Tree::Int(i)) => i.to_string(),
        (_, Tree::Float(x)) => float(*x),
        (_, Tree::Text(t)) => text(t),
        (Type::List(item) | Type::ListOr { item, .. } | Type::Tuple(_, item), Tree::List(items)) => {
            list(items.iter().map(|tree| value(item, tree)))
        }
        (Type::Record(known), Tree::Map(map)) => {
            format!("{{{}}}", entries(known, map.iter().map(|(key, tree)| (key.as_str(), tree))))
        }
        (Type::Map(item), Tree::Map(map)) => {
            let entries: Vec<String> =
                map.iter().map(|(key, tree)| format!("{}: {}", text(key), value(item, tree))).collect();
            format!("{{{}}}", entries.join(", "))
        }
        (_, Tree::Make(built)) => make(built, &[]),
        (_, Tree::Leaf(leaf)) => match *leaf {},
        (_, Tree::List(_) | Tree::Map(_)) => unreachable!("a checked list or map stands where the field takes one"),
    }
}

fn list(items: impl IntoIterator<Item = String>) -> String {
    format!("[{}]", items.into_iter().collect::<Vec<_>>().join(", "))
}

/// The shortest digits that read back as the same number; -0.0 is another number than 0.0.
fn float(x: f64) -> String {
    format!("{x:?}")
}

/// Quoted as in JSON, whose escapes are fixed for ever.
fn text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::spec::Origin;
    use crate::spec::check;
    use crate::spec::schema::{Constructor, Family};
    use crate::spec::vocabulary;

    fn build<const N: usize>(name: &str, given: [(&str, Tree<Infallible>); N]) -> Tree<Infallible> {
        let constructor = vocabulary::find(name).unwrap();
        let given = given.into_iter().map(|(field, tree)| (field.to_owned(), tree)).collect();
        Tree::Make(check::build(constructor, given, Origin::Xrun).unwrap())
    }

    fn word(text: &str) -> Tree<Infallible> {
        Tree::Text(text.to_owned())
    }

    fn form(tree: &Tree<Infallible>) -> String {
        value(&Type::Bool, tree)
    }

    /// A fit of a small network with some of its fields replaced.
    fn fit<const N: usize>(changed: [(&str, Tree<Infallible>); N]) -> FitConfig {
        let backbone = build("mlp", [("hidden", Tree::List(vec![Tree::Int(8)]))]);
        let early_stop = BTreeMap::from([
            ("patience".to_owned(), Tree::Int(2)),
            ("min_delta".to_owned(), Tree::Float(0.0)),
            ("monitor".to_owned(), word("roc_auc")),
        ]);
        let phase = build(
            "phase",
            [
                ("name", word("full")),
                ("epochs", Tree::Int(3)),
                ("optimizer", build("adamw", [("lr", Tree::Float(0.1))])),
                ("early_stop", Tree::Map(early_stop)),
            ],
        );
        let mut fields: BTreeMap<String, Tree<Infallible>> = [
            ("name", word("a")),
            ("labels", Tree::List(vec![word("outer 0"), word("trial 1")])),
            ("role", word("trial")),
            ("data", build("rows", [("n", Tree::Int(9))])),
            ("split", build("split", [("train", Tree::List(vec![Tree::Int(0)]))])),
            ("model", build("classifier", [("backbone", backbone)])),
            ("train", Tree::List(vec![phase])),
            ("maximize", word("roc_auc")),
        ]
        .into_iter()
        .map(|(name, tree)| (name.to_owned(), tree))
        .collect();
        fields.extend(changed.into_iter().map(|(name, tree)| (name.to_owned(), tree)));
        FitConfig::new(check::build(vocabulary::find("fit").unwrap(), fields, Origin::Xrun).unwrap()).unwrap()
    }

    #[test]
    fn the_form_of_a_fit_is_fixed_for_ever() {
        assert_eq!(
            fit([]).canonical(),
            "fit(labels: [\"outer 0\", \"trial 1\"], maximize: \"roc_auc\", \
             model: classifier(backbone: mlp(hidden: [8])), role: \"trial\", \
             train: [phase(early_stop: {monitor: \"roc_auc\", patience: 2}, epochs: 3, name: \"full\", \
             optimizer: adamw(lr: 0.1))])"
        );
    }

    #[test]
    fn name_data_and_split_are_not_in_the_form_but_the_seed_is() {
        let plain = fit([]).canonical();
        assert_eq!(plain, fit([("name", word("b"))]).canonical());
        assert_eq!(plain, fit([("data", build("rows", [("n", Tree::Int(10))]))]).canonical());
        let split = build("split", [("train", Tree::List(vec![Tree::Int(1)]))]);
        assert_eq!(plain, fit([("split", split)]).canonical());
        assert_eq!(plain, fit([("seed", Tree::Int(42))]).canonical(), "42 is the default");
        let other = fit([("seed", Tree::Int(43))]).canonical();
        assert!(other.contains(", seed: 43, "), "{other}");
    }

    #[test]
    fn every_kind_of_default_is_left_out_at_every_depth() {
        let threshold = build("fixed", [("value", Tree::Float(0.5))]);
        assert_eq!(fit([]).canonical(), fit([("threshold", threshold)]).canonical());
        assert!(fit([("threshold", build("youden", []))]).canonical().contains(", threshold: youden(), "));
        let optimizer = [
            ("lr", Tree::Float(1e-3)),
            ("betas", Tree::List(vec![Tree::Float(0.9), Tree::Float(0.999)])),
            ("weight_decay", Tree::Float(0.0)),
        ];
        assert_eq!(form(&build("adam", optimizer)), "adam()");
        assert_eq!(form(&build("mlp", [("hidden", Tree::List(Vec::new())), ("activation", word("relu"))])), "mlp()");
        assert_eq!(form(&build("sgd", [("nesterov", Tree::Bool(false))])), "sgd()");
        assert_eq!(form(&build("convnet", [("width", Tree::Int(16))])), "convnet()");
    }

    #[test]
    fn a_digest_stands_for_the_path_beside_it() {
        let begun_with =
            |path: &str, digest: &str| form(&build("resnet18", [("weights", word(path)), ("digest", word(digest))]));
        assert_eq!(begun_with("a.pth", "1"), "resnet18(digest: \"1\")");
        assert_eq!(begun_with("a.pth", "1"), begun_with("b.pth", "1"));
        assert_ne!(begun_with("a.pth", "1"), begun_with("a.pth", "2"));
        assert_eq!(form(&build("resnet18", [("weights", word("a.pth"))])), "resnet18(weights: \"a.pth\")");
        assert_eq!(form(&build("resnet18", [("weights", word("random"))])), "resnet18()");
    }

    #[test]
    fn layers_have_the_forms_they_had_before_they_had_options() {
        let units = || ("units", Tree::Int(8));
        assert_eq!(form(&build("linear", [units()])), "linear(units: 8)");
        assert_eq!(form(&build("linear", [units(), ("bias", Tree::Bool(true))])), "linear(units: 8)");
        assert_eq!(form(&build("linear", [units(), ("bias", Tree::Bool(false))])), "linear(bias: false, units: 8)");
        let defaults = [("eps", Tree::Float(1e-5)), ("momentum", Tree::Float(0.1))];
        assert_eq!(form(&build("batch_norm", defaults)), "batch_norm()");
        assert_eq!(form(&build("dropout", [("rate", Tree::Float(0.5))])), "dropout(rate: 0.5)");
        assert_eq!(form(&build("relu", [])), "relu()");
    }

    #[test]
    fn lists_of_lists_of_layers_are_in_the_form() {
        let branches = || Tree::List(vec![Tree::List(Vec::new()), Tree::List(vec![build("relu", [])])]);
        let parallel = build("parallel", [("branches", branches()), ("join", word("sum"))]);
        assert_eq!(form(&parallel), "parallel(branches: [[], [relu()]], join: \"sum\")");
        let same = [("channels", Tree::Int(4)), ("padding", word("same"))];
        assert_eq!(form(&build("conv2d", same)), "conv2d(channels: 4, padding: \"same\")");
        assert_eq!(form(&build("residual", [("body", Tree::List(Vec::new()))])), "residual(body: [])");
    }

    #[test]
    fn numbers_are_exact_and_texts_are_quoted() {
        let tenth = 0.1_f64;
        let next = tenth.next_up();
        assert_eq!(form(&build("sgd", [("lr", Tree::Float(tenth))])), "sgd(lr: 0.1)");
        assert_eq!(form(&build("sgd", [("lr", Tree::Float(next))])), "sgd(lr: 0.10000000000000002)");
        assert_eq!("0.10000000000000002".parse(), Ok(next));
        assert_eq!(form(&build("sgd", [("dampening", Tree::Float(-0.0))])), "sgd(dampening: -0.0)");
        assert_eq!(form(&word("a\"b\n\u{e9}")), "\"a\\\"b\\n\u{e9}\"");
    }

    #[test]
    fn a_command_has_its_arguments_in_the_form_and_no_path() {
        let run = || Tree::List(vec![word("sh"), word("a.sh"), Tree::Int(3)]);
        let options =
            || Tree::Map(BTreeMap::from([("lr".to_owned(), Tree::Float(0.5)), ("b c".to_owned(), word("x"))]));
        let made = |folder: &str, input: &str| {
            let inputs = Tree::List(vec![word(input)]);
            let fields = [("run", run()), ("options", options()), ("inputs", inputs), ("folder", word(folder))];
            form(&build("command", fields))
        };
        assert_eq!(made("/a", "/a/x"), "command(options: {\"b c\": \"x\", \"lr\": 0.5}, run: [\"sh\", \"a.sh\", 3])");
        assert_eq!(made("/a", "/a/x"), made("/b", "/b/y"));
    }

    const fn field(name: &'static str, default: Default) -> Field {
        Field { name, takes: Type::Int { low: 0, high: 9 }, default, help: "" }
    }

    const fn constructor(fields: &'static [Field]) -> Constructor {
        Constructor { name: "made", family: Family::Layer, positional: 0, fields, named: false, help: "" }
    }

    #[test]
    fn neither_the_order_of_the_vocabulary_nor_a_later_option_changes_a_form() {
        static NOW: Constructor = constructor(&[field("b", Default::Required), field("a", Default::Int(1))]);
        static LATER: Constructor = constructor(&[
            field("a", Default::Int(1)),
            field("c", Default::Absent),
            field("d", Default::Int(7)),
            field("b", Default::Required),
        ]);
        let form_by = |constructor: &'static Constructor, a: i64| {
            let given = BTreeMap::from([("a".to_owned(), Tree::Int(a)), ("b".to_owned(), Tree::Int(5))]);
            make(&check::build(constructor, given, Origin::Xrun).unwrap(), &[])
        };
        for (a, expected) in [(1, "made(b: 5)"), (2, "made(a: 2, b: 5)")] {
            assert_eq!(form_by(&NOW, a), expected);
            assert_eq!(form_by(&LATER, a), expected);
        }
    }
}
