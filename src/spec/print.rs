//! Writes a tree as a script that evaluates to itself.
//!
//! Params and shared, named or derived-from objects become `let` lines; everything else is one expression in the
//! vocabulary's order with every default written out.

use std::collections::BTreeMap;

use super::domain::ParamDomain;
use super::leaf::{ChoiceOption, Leaf, Param, SearchKind, SearchLeaf};
use super::naming::Names;
use super::tree::{Make, Tree};
use crate::space::{Distribution, DistributionView};
use crate::value::Value;

const WIDTH: usize = 110;
const INDENT: &str = "    ";

/// The script of an experiment or a fit. `header` lines are written as comments on top.
#[must_use]
pub fn script(make: &Make<Leaf>, names: &Names, header: &[String]) -> String {
    let mut printer = Printer { names, variables: BTreeMap::new(), taken: Vec::new(), lets: String::new() };
    printer.declare_params(make);
    printer.declare_leaves();
    let body = printer.make(make, 0);
    let comments: String = header.iter().map(|line| format!("// {line}\n")).collect();
    let gap = if printer.lets.is_empty() { "" } else { "\n" };
    format!("{comments}{}{gap}{body}\n", printer.lets)
}

/// A variable of the printed script stands for a param (by name) or for an object (by id).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stands {
    Param(String),
    Search(u64),
}

struct Printer<'a> {
    names: &'a Names,
    variables: BTreeMap<Stands, String>,
    taken: Vec<String>,
    lets: String,
}

impl Printer<'_> {
    fn declare_params(&mut self, make: &Make<Leaf>) {
        let mut params: Vec<&Param> = Vec::new();
        for (_, tree) in make.fields() {
            collect_params(tree, &mut params);
        }
        for param in params {
            let stands = Stands::Param(param.name.clone());
            if self.variables.contains_key(&stands) {
                continue;
            }
            let variable = self.variable(&param.name, stands);
            let domain = match &param.domain {
                ParamDomain::Any => String::new(),
                ParamDomain::OneOf(values) => format!(", [{}]", commas(values.iter().map(value))),
                ParamDomain::Range(range) => {
                    let bounds = [("min", range.min()), ("max", range.max())].into_iter();
                    let bounds = bounds.filter_map(|(key, bound)| bound.map(|bound| format!("{key}: {bound:?}")));
                    format!(", #{{ {} }}", commas(bounds))
                }
            };
            self.lets.push_str(&format!(
                "let {variable} = param({}, {}, {}{domain});\n",
                text(&param.name),
                value(&param.value),
                text(&param.help)
            ));
        }
    }

    /// Objects that must be variables; those inside a choice's options come before the choice itself.
    fn declare_leaves(&mut self) {
        for named in self.names.leaves() {
            self.declare_leaf(&named.leaf);
        }
    }

    fn declare_leaf(&mut self, leaf: &SearchLeaf) {
        let names = self.names;
        let named = names.get(leaf).expect("names were given to every object of this tree");
        let stands = Stands::Search(leaf.id());
        let needs_variable = named.in_expression || named.places.len() > 1 || leaf.name().is_some();
        if !needs_variable || self.variables.contains_key(&stands) {
            return;
        }
        if let SearchKind::Choice(options) = leaf.kind() {
            let mut inner = Vec::new();
            options.iter().for_each(|option| collect_searches(&option.tree, &mut inner));
            inner.into_iter().for_each(|leaf| self.declare_leaf(leaf));
        }
        let written = self.search_call(leaf, 0);
        let variable = self.variable(&named.name, stands);
        self.lets.push_str(&format!("let {variable} = {written};\n"));
    }

    fn variable(&mut self, name: &str, stands: Stands) -> String {
        let mut variable: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        if !variable.trim_start_matches('_').starts_with(|c: char| c.is_ascii_alphabetic())
            || RESERVED.contains(&variable.as_str())
        {
            variable.insert_str(0, "x_");
        }
        while self.taken.contains(&variable) {
            variable.push('_');
        }
        self.taken.push(variable.clone());
        self.variables.insert(stands, variable.clone());
        variable
    }

    fn make(&self, make: &Make<Leaf>, depth: usize) -> String {
        let constructor = make.constructor();
        let (positional, options): (Vec<_>, Vec<_>) = make.fields().iter().partition(|(name, _)| {
            constructor.fields.iter().position(|field| field.name == *name) < Some(constructor.positional)
        });
        let mut arguments: Vec<String> = positional.iter().map(|(_, tree)| self.tree(tree, depth)).collect();
        if !options.is_empty() {
            let entries = options.iter().map(|(name, tree)| ((*name).to_owned(), tree));
            arguments.push(self.entries(entries.collect(), depth, constructor.name.len() + 2));
        }
        format!("{}({})", constructor.name, arguments.join(", "))
    }

    fn tree(&self, tree: &Tree<Leaf>, depth: usize) -> String {
        match tree {
            Tree::Bool(b) => b.to_string(),
            Tree::Int(i) => int(*i),
            Tree::Float(x) => format!("{x:?}"),
            Tree::Text(t) => text(t),
            Tree::List(items) => self.list(items, depth),
            Tree::Map(map) => self.entries(map.iter().map(|(key, tree)| (text_key(key), tree)).collect(), depth, 0),
            Tree::Make(make) => self.make(make, depth),
            Tree::Leaf(leaf) => self.leaf(leaf, depth),
        }
    }

    fn leaf(&self, leaf: &Leaf, depth: usize) -> String {
        match leaf {
            Leaf::Param(param) => self.variables[&Stands::Param(param.name.clone())].clone(),
            Leaf::Search(leaf) => match self.variables.get(&Stands::Search(leaf.id())) {
                Some(variable) => variable.clone(),
                None => self.search_call(leaf, depth),
            },
            Leaf::Derived(expression) => expression.write(&|leaf| self.variables[&Stands::Search(leaf.id())].clone()),
        }
    }

    fn search_call(&self, leaf: &SearchLeaf, depth: usize) -> String {
        let call = match leaf.kind() {
            SearchKind::Distribution(distribution) => distribution_call(distribution),
            SearchKind::Choice(options) => self.choice(options, depth),
        };
        match leaf.name() {
            Some(name) => format!("{call}.named({})", text(name)),
            None => call,
        }
    }

    fn choice(&self, options: &[ChoiceOption], depth: usize) -> String {
        if options.iter().any(|option| option.labelled) {
            let entries = options.iter().map(|option| match &option.label {
                Value::Text(label) => (text_key(label), &option.tree),
                _ => unreachable!("labels of a labelled choice are the keys of a map"),
            });
            format!("choice({})", self.entries(entries.collect(), depth, 7))
        } else {
            let items: Vec<String> = options.iter().map(|option| self.tree(&option.tree, depth + 1)).collect();
            format!("choice({})", bracket("[", "]", &items, depth, 7))
        }
    }

    fn list(&self, items: &[Tree<Leaf>], depth: usize) -> String {
        let items: Vec<String> = items.iter().map(|item| self.tree(item, depth + 1)).collect();
        bracket("[", "]", &items, depth, 0)
    }

    fn entries(&self, entries: Vec<(String, &Tree<Leaf>)>, depth: usize, used: usize) -> String {
        let items: Vec<String> =
            entries.iter().map(|(key, tree)| format!("{key}: {}", self.tree(tree, depth + 1))).collect();
        bracket("#{", "}", &items, depth, used)
    }
}

fn bracket(open: &str, close: &str, items: &[String], depth: usize, used: usize) -> String {
    let pad = if open == "#{" && !items.is_empty() { " " } else { "" };
    let line = format!("{open}{pad}{}{pad}{close}", commas(items.iter()));
    if !line.contains('\n') && depth > 0 && depth * INDENT.len() + used + line.len() <= WIDTH - 12 {
        return line;
    }
    if items.is_empty() {
        return line;
    }
    let inner = INDENT.repeat(depth + 1);
    let body: String = items.iter().map(|item| format!("{inner}{item},\n")).collect();
    format!("{open}\n{body}{}{close}", INDENT.repeat(depth))
}

fn collect_params<'a>(tree: &'a Tree<Leaf>, found: &mut Vec<&'a Param>) {
    match tree {
        Tree::Leaf(Leaf::Param(param)) => found.push(param),
        Tree::Leaf(Leaf::Search(leaf)) => collect_params_of(leaf, found),
        Tree::Leaf(Leaf::Derived(expression)) => {
            let mut leaves = Vec::new();
            expression.leaves(&mut leaves);
            leaves.into_iter().for_each(|leaf| collect_params_of(leaf, found));
        }
        Tree::List(items) => items.iter().for_each(|item| collect_params(item, found)),
        Tree::Map(map) => map.values().for_each(|item| collect_params(item, found)),
        Tree::Make(make) => make.fields().iter().for_each(|(_, tree)| collect_params(tree, found)),
        Tree::Bool(_) | Tree::Int(_) | Tree::Float(_) | Tree::Text(_) => {}
    }
}

fn collect_params_of<'a>(leaf: &'a SearchLeaf, found: &mut Vec<&'a Param>) {
    if let SearchKind::Choice(options) = leaf.kind() {
        options.iter().for_each(|option| collect_params(&option.tree, found));
    }
}

fn collect_searches<'a>(tree: &'a Tree<Leaf>, found: &mut Vec<&'a SearchLeaf>) {
    match tree {
        Tree::Leaf(Leaf::Search(leaf)) => {
            found.push(leaf);
            if let SearchKind::Choice(options) = leaf.kind() {
                options.iter().for_each(|option| collect_searches(&option.tree, found));
            }
        }
        Tree::Leaf(Leaf::Derived(expression)) => {
            let mut leaves = Vec::new();
            expression.leaves(&mut leaves);
            found.extend(leaves.into_iter().map(AsRef::as_ref));
        }
        Tree::List(items) => items.iter().for_each(|item| collect_searches(item, found)),
        Tree::Map(map) => map.values().for_each(|item| collect_searches(item, found)),
        Tree::Make(make) => make.fields().iter().for_each(|(_, tree)| collect_searches(tree, found)),
        Tree::Bool(_) | Tree::Int(_) | Tree::Float(_) | Tree::Text(_) | Tree::Leaf(Leaf::Param(_)) => {}
    }
}

fn distribution_call(distribution: &Distribution) -> String {
    let stepped = |call: String, step: Option<String>| match step {
        Some(step) => format!("{call}.step({step})"),
        None => call,
    };
    match distribution.kind() {
        DistributionView::Uniform { low, high, step, log } => {
            let name = if *log { "log_uniform" } else { "uniform" };
            stepped(format!("{name}({low:?}, {high:?})"), step.map(|step| format!("{step:?}")))
        }
        DistributionView::Int { low, high, step, log } => {
            let name = if *log { "log_int" } else { "int" };
            stepped(format!("{name}({}, {})", int(*low), int(*high)), (*step != 1).then(|| step.to_string()))
        }
        DistributionView::Choice { options } => format!("choice([{}])", commas(options.iter().map(value))),
        DistributionView::Ordinal { options } => format!("ordinal([{}])", commas(options.iter().map(value))),
        DistributionView::Normal { mu, sigma, log } => {
            format!("{}({mu:?}, {sigma:?})", if *log { "log_normal" } else { "normal" })
        }
    }
}

fn commas<S: AsRef<str>>(items: impl IntoIterator<Item = S>) -> String {
    let items: Vec<S> = items.into_iter().collect();
    items.iter().map(AsRef::as_ref).collect::<Vec<_>>().join(", ")
}

/// A scalar as it is written in a script.
#[must_use]
pub fn value(value: &Value) -> String {
    match value {
        Value::Bool(b) => b.to_string(),
        Value::Int(i) => int(*i),
        Value::Float(x) => format!("{x:?}"),
        Value::Text(t) => text(t),
    }
}

/// The smallest whole number has no literal: its digits alone are one too large.
fn int(i: i64) -> String {
    if i == i64::MIN { format!("({} - 1)", i64::MIN + 1) } else { i.to_string() }
}

fn text(t: &str) -> String {
    let mut quoted = String::from("\"");
    for c in t.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            c if c.is_control() => quoted.push_str(&format!("\\U{:08x}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

fn text_key(key: &str) -> String {
    let plain = key.starts_with(|c: char| c.is_ascii_alphabetic())
        && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !RESERVED.contains(&key);
    if plain { key.to_owned() } else { text(key) }
}

/// Words the language keeps for itself; none can be a variable or a bare key.
pub const RESERVED: &[&str] = &[
    "as",
    "async",
    "await",
    "break",
    "call",
    "case",
    "catch",
    "const",
    "continue",
    "curry",
    "debug",
    "default",
    "do",
    "else",
    "eval",
    "exit",
    "export",
    "false",
    "fn",
    "for",
    "global",
    "go",
    "goto",
    "if",
    "import",
    "in",
    "is",
    "is_def_fn",
    "is_def_var",
    "is_shared",
    "let",
    "loop",
    "match",
    "module",
    "new",
    "nil",
    "null",
    "package",
    "print",
    "private",
    "protected",
    "public",
    "return",
    "shared",
    "spawn",
    "static",
    "super",
    "switch",
    "sync",
    "this",
    "thread",
    "throw",
    "true",
    "try",
    "type_of",
    "unless",
    "until",
    "use",
    "var",
    "void",
    "while",
    "with",
    "yield",
    "Fn",
];
