//! Arrows between modules go one way: a module of `src` uses only modules of lower layers, the script engine and the
//! tensor library are each named in their own modules alone, and only `store` knows what the files of a run are called.
//!
//! The check reads text: comments, and items that are compiled for tests alone, are blanked out first.

use std::fmt;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// The layers from the bottom; `main.rs` and `lib.rs` stand above all of them.
const LAYERS: &[&[&str]] = &[
    &["value", "seed", "numerics", "wording"],
    &["trial", "space", "pareto", "statistics"],
    &["metric", "split", "sampler", "importance", "pruner", "stop"],
    &["spec", "estimate"],
    &["data", "fetch", "program", "script", "study", "device", "kernel", "settings"],
    &["model", "plan"],
    &["train"],
    &["store"],
    &["runner"],
    &["replay", "comparison", "report"],
    &["cli"],
];

/// Crates that only some modules may name.
const CRATES: &[(&str, &[&str])] = &[("rhai", &["script"]), ("burn", &["device", "kernel", "model", "train"])];

/// Files of a run folder, whose names only [`STORE`] may spell.
const RUN_FILES: &[&str] = &[
    "journal.jsonl",
    "trials.csv",
    "outcome.json",
    "splits.json",
    "folds.json",
    "warm_start.json",
    "variants.json",
    "report.html",
    "notes.json",
];
const STORE: &str = "store";

/// A line of a source that breaks a rule.
#[derive(Debug, PartialEq, Eq)]
struct Breach {
    file: String,
    line: usize,
    rule: Rule,
}

#[derive(Debug, PartialEq, Eq)]
enum Rule {
    /// A module uses one that is not below it.
    Arrow { from: String, to: String },
    /// A module that no layer lists.
    NoLayer { module: String },
    /// A crate is named where it may not be.
    Crate { name: &'static str, from: String },
    /// A file of the run folder is named where it may not be.
    RunFile { name: &'static str, from: String },
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: ", self.file, self.line)?;
        match &self.rule {
            Rule::Arrow { from, to } => {
                let layer = |module| layer(module).expect("both ends of an arrow have a layer");
                write!(f, "{from} (layer {}) -> {to} (layer {}) does not go down", layer(from), layer(to))
            }
            Rule::NoLayer { module } => write!(f, "`{module}` has no layer: put it into LAYERS of this test"),
            Rule::Crate { name, from } => write!(f, "{from} names the crate `{name}`"),
            Rule::RunFile { name, from } => write!(f, "{from} names the run folder's file {name:?}; only store does"),
        }
    }
}

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|modules| modules.contains(&module))
}

/// Every breach in one file. `module` is its path of modules below the crate, such as `["spec", "print"]`.
fn breaches(file: &str, module: &[&str], source: &str) -> Vec<Breach> {
    let Some(&from) = module.first() else { return Vec::new() };
    let code = Code::of(source);
    let line = |at: usize| source[..at].matches('\n').count() + 1;
    let breach = |at: usize, rule: Rule| Breach { file: file.to_owned(), line: line(at), rule };
    let mut found = Vec::new();
    for (at, to) in arrows(&code.text, module.len()) {
        match (layer(from), layer(&to)) {
            _ if to == from => {}
            (Some(from_layer), Some(to_layer)) if to_layer < from_layer => {}
            (Some(_), Some(_)) => found.push(breach(at, Rule::Arrow { from: from.to_owned(), to })),
            (Some(_), None) => found.push(breach(at, Rule::NoLayer { module: to })),
            // Its own breach is enough.
            (None, _) => {}
        }
    }
    for &(name, allowed) in CRATES {
        let is_named = |word: &str| word == name || word.strip_prefix(name).is_some_and(|rest| rest.starts_with('_'));
        let places = words(&code.text).filter(|range| is_named(&code.text[range.clone()]));
        if !allowed.contains(&from) {
            found.extend(places.map(|range| breach(range.start, Rule::Crate { name, from: from.to_owned() })));
        }
    }
    if from != STORE {
        for literal in &code.literals {
            let last_part = source[literal.clone()].rsplit('/').next().unwrap_or_default();
            if let Some(&name) = RUN_FILES.iter().find(|name| **name == last_part) {
                found.push(breach(literal.start, Rule::RunFile { name, from: from.to_owned() }));
            }
        }
    }
    found.sort_by_key(|breach| breach.line);
    found
}

/// The top modules that `crate::` paths name, and `super::` paths that climb to the top from a file `depth` modules
/// down; each with its position.
fn arrows(code: &str, depth: usize) -> Vec<(usize, String)> {
    let inline = inline_modules(code);
    let mut found = Vec::new();
    let mut supers: Option<(usize, usize)> = None;
    for range in words(code) {
        let depth = depth + inline.iter().filter(|body| body.contains(&range.start)).count();
        let continues = supers.is_some_and(|(end, _)| code[end..range.start].trim() == "::");
        let climbed = match (&code[range.clone()], supers) {
            ("crate", _) => depth,
            ("super", Some((_, n))) if continues => n + 1,
            ("super", _) => 1,
            _ => 0,
        };
        supers = (climbed > 0).then_some((range.end, climbed));
        let rest = code[range.end..].trim_start();
        if climbed == depth && rest.starts_with("::") {
            found.extend(heads(code, code.len() - rest.len() + 2));
        }
    }
    found
}

/// The bodies of modules written out in place.
fn inline_modules(code: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut previous = "";
    for range in words(code) {
        if previous == "mod" && code[range.end..].trim_start().starts_with('{') {
            found.push(range.end..item_end(code, range.end));
        }
        previous = &code[range];
    }
    found
}

/// The first segments of the path or the group of paths at `start`.
fn heads(code: &str, start: usize) -> Vec<(usize, String)> {
    let skipped = code[start..].len() - code[start..].trim_start().len();
    let start = start + skipped;
    if !code[start..].starts_with('{') {
        let end = code[start..].find(|c: char| !is_word(c)).map_or(code.len(), |length| start + length);
        let head = &code[start..end];
        return if head.is_empty() || head == "super" { Vec::new() } else { vec![(start, head.to_owned())] };
    }
    let mut found = Vec::new();
    let (mut nested, mut at_head) = (0_usize, false);
    for (offset, c) in code[start..].char_indices() {
        let at = start + offset;
        match c {
            '{' => {
                nested += 1;
                at_head = nested == 1;
            }
            '}' => {
                nested -= 1;
                if nested == 0 {
                    break;
                }
            }
            ',' => at_head = nested == 1,
            c if is_word(c) && at_head => {
                at_head = false;
                found.extend(heads(code, at));
            }
            _ => {}
        }
    }
    found
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The positions of identifiers, keywords and numbers.
fn words(code: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at + code[at..].find(is_word)?;
        at = code[start..].find(|c: char| !is_word(c)).map_or(code.len(), |length| start + length);
        Some(start..at)
    })
}

/// A source with comments, the insides of literals and test-only items blanked out, byte for byte as long as before.
struct Code {
    text: String,
    /// What stands between the quotes of each text literal that is compiled outside of tests.
    literals: Vec<Range<usize>>,
    /// Modules declared for tests alone, whose files are left out.
    test_modules: Vec<String>,
}

impl Code {
    fn of(source: &str) -> Self {
        let (mut text, mut literals) = blank_comments_and_literals(source);
        let mut test_modules = Vec::new();
        let mut from = 0;
        while let Some(at) = text[from..].find("#[cfg(test)]").map(|offset| from + offset) {
            let end = item_end(&text, at);
            let item = &text[at..end];
            let name = words(item).skip_while(|word| &item[word.clone()] != "mod").nth(1);
            if let Some(name) = name.filter(|_| item.ends_with(';')) {
                test_modules.push(item[name].to_owned());
            }
            literals.retain(|literal| !(at..end).contains(&literal.start));
            blank(&mut text, at..end);
            from = end;
        }
        Self { text, literals, test_modules }
    }
}

/// The end of the item whose attributes begin at `start`: its `;`, or the bracket that closes its body.
fn item_end(code: &str, start: usize) -> usize {
    let mut open = Vec::new();
    for (offset, c) in code[start..].char_indices() {
        match c {
            '(' | '[' | '{' => open.push(c),
            ')' | ']' => {
                open.pop();
            }
            '}' => {
                open.pop();
                if open.is_empty() {
                    return start + offset + 1;
                }
            }
            ';' if open.is_empty() => return start + offset + 1,
            _ => {}
        }
    }
    code.len()
}

fn blank(text: &mut String, range: Range<usize>) {
    let blanks: String = text[range.clone()].bytes().map(|b| if b == b'\n' { '\n' } else { ' ' }).collect();
    text.replace_range(range, &blanks);
}

fn blank_comments_and_literals(source: &str) -> (String, Vec<Range<usize>>) {
    let mut text = source.to_owned();
    let mut literals = Vec::new();
    let mut at = 0;
    while at < source.len() {
        let rest = &source[at..];
        let first = rest.chars().next().expect("there is a rest");
        let follows_word = source[..at].ends_with(is_word);
        let (inside, end) = if rest.starts_with("//") {
            let end = rest.find('\n').map_or(source.len(), |length| at + length);
            (at..end, end)
        } else if rest.starts_with("/*") {
            let end = at + block_comment(rest);
            (at..end, end)
        } else if let Some(hashes) = raw_text(rest).filter(|_| !follows_word) {
            let close = format!("\"{}", "#".repeat(hashes));
            let open = at + rest.find('"').expect("a raw text has a quote") + 1;
            let length = source[open..].find(&close).unwrap_or(source.len() - open);
            literals.push(open..open + length);
            (open..open + length, open + length + close.len())
        } else if first == '"' {
            let length = quoted(&rest[1..], '"');
            literals.push(at + 1..at + 1 + length);
            (at + 1..at + 1 + length, at + length + 2)
        } else if first == '\'' && is_character(rest) {
            let length = quoted(&rest[1..], '\'');
            (at + 1..at + 1 + length, at + length + 2)
        } else {
            at += first.len_utf8();
            continue;
        };
        blank(&mut text, inside);
        at = end.min(source.len());
    }
    (text, literals)
}

/// The length of the comment at the start; comments nest.
fn block_comment(rest: &str) -> usize {
    let (mut nested, mut at) = (0_usize, 0);
    while at < rest.len() {
        if rest[at..].starts_with("/*") {
            nested += 1;
            at += 2;
        } else if rest[at..].starts_with("*/") {
            nested -= 1;
            at += 2;
            if nested == 0 {
                return at;
            }
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    rest.len()
}

/// The number of `#` of the raw text at the start, if there is one.
fn raw_text(rest: &str) -> Option<usize> {
    let rest = rest.strip_prefix('b').unwrap_or(rest).strip_prefix('r')?;
    let hashes = rest.find(|c| c != '#')?;
    rest[hashes..].starts_with('"').then_some(hashes)
}

/// Whether a `'` opens a character rather than a lifetime.
fn is_character(rest: &str) -> bool {
    let mut characters = rest.chars().skip(1);
    matches!((characters.next(), characters.next()), (Some('\\'), _) | (Some(_), Some('\'')))
}

/// The length up to the closing quote.
fn quoted(rest: &str, quote: char) -> usize {
    let mut is_escaped = false;
    for (offset, c) in rest.char_indices() {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            c if c == quote => return offset,
            _ => {}
        }
    }
    rest.len()
}

/// Every file of `folder` that is compiled outside of tests, with its path of modules.
fn files(folder: &Path, module: &[String], found: &mut Vec<(PathBuf, Vec<String>)>) {
    let read = |path: &Path| fs::read_to_string(path).expect("the sources are readable");
    let entries = fs::read_dir(folder).expect("the source folder is readable");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry is readable").path()).collect();
    paths.sort();
    // Who declares the modules of this folder: its mod.rs or lib.rs, or the file beside the folder.
    let declaring = [folder.join("mod.rs"), folder.join("lib.rs"), folder.with_extension("rs")];
    let test_modules: Vec<String> =
        declaring.iter().filter(|path| path.is_file()).flat_map(|path| Code::of(&read(path)).test_modules).collect();
    for path in paths {
        let stem = path.file_stem().expect("an entry has a name").to_string_lossy().into_owned();
        let inner = |stem: &str| module.iter().cloned().chain([stem.to_owned()]).collect::<Vec<_>>();
        if test_modules.contains(&stem) {
            continue;
        }
        if path.is_dir() {
            files(&path, &inner(&stem), found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let own = if ["mod", "lib", "main"].contains(&stem.as_str()) { module.to_vec() } else { inner(&stem) };
            found.push((path, own));
        }
    }
}

#[test]
fn arrows_between_modules_go_down_and_every_module_has_a_layer() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sources = Vec::new();
    files(&root.join("src"), &[], &mut sources);
    let mut lines: Vec<String> = Vec::new();
    let mut modules: Vec<&str> = Vec::new();
    for (path, module) in &sources {
        let shown = path.strip_prefix(root).unwrap_or(path).display().to_string();
        if let Some(top) = module.first()
            && !modules.contains(&top.as_str())
        {
            modules.push(top);
            if layer(top).is_none() {
                let rule = Rule::NoLayer { module: top.clone() };
                lines.push(Breach { file: shown.clone(), line: 1, rule }.to_string());
            }
        }
        let module: Vec<&str> = module.iter().map(String::as_str).collect();
        let source = fs::read_to_string(path).expect("the sources are readable");
        lines.extend(breaches(&shown, &module, &source).iter().map(Breach::to_string));
    }
    for listed in LAYERS.iter().copied().flatten() {
        if !modules.contains(listed) {
            lines.push(format!("`{listed}` has a layer, but src has no such module"));
        }
    }
    assert!(lines.is_empty(), "{} breaches of the layers:\n{}", lines.len(), lines.join("\n"));
    assert!(sources.len() > 50, "only {} sources were found: is the check looking in the right place?", sources.len());
}

/// What the check says about a text that stands in `module`.
fn said(module: &[&str], source: &str) -> Vec<String> {
    breaches("planted.rs", module, source).iter().map(Breach::to_string).collect()
}

#[test]
fn a_planted_wrong_arrow_is_found_with_its_file_and_line() {
    let source = "//! Doc.\n\nuse crate::value::Value;\nuse crate::store::RunFolder;\n";
    assert_eq!(said(&["spec", "print"], source), ["planted.rs:4: spec (layer 3) -> store (layer 7) does not go down"]);
    let sideways = "fn f() {\n    crate::script::evaluate();\n}\n";
    assert_eq!(said(&["study"], sideways), ["planted.rs:2: study (layer 4) -> script (layer 4) does not go down"]);
}

#[test]
fn arrows_in_groups_and_through_super_are_found() {
    let group = "use crate::{\n    seed::{Seed, cli},\n    value::Value,\n    runner::run,\n};\n";
    assert_eq!(said(&["split"], group), ["planted.rs:4: split (layer 2) -> runner (layer 8) does not go down"]);
    let climbing = "use super::value::Value;\nuse super::super::train::fit;\nuse super::{cli, seed};\n";
    assert_eq!(
        said(&["study"], climbing),
        ["planted.rs:3: study (layer 4) -> cli (layer 10) does not go down"],
        "from the top level one `super` is the crate"
    );
    assert_eq!(
        said(&["spec", "print"], climbing),
        ["planted.rs:2: spec (layer 3) -> train (layer 6) does not go down"],
        "one level down two of them are"
    );
    let inline = "mod absent {\n    use super::Device;\n    use super::super::{cli, seed};\n}\n";
    assert_eq!(
        said(&["study"], inline),
        ["planted.rs:3: study (layer 4) -> cli (layer 10) does not go down"],
        "a module written out in place is one level more"
    );
}

#[test]
fn comments_texts_and_test_only_items_draw_no_arrow() {
    let source = r##"
//! See [`crate::cli`].
/* crate::cli /* crate::cli */ crate::cli */
const A: (&str, &str, char) = ("crate::cli \" crate::cli", r#"crate::cli " crate::cli"#, '"');
fn f<'a>(a: &'a str) -> &'a str { a } // crate::cli
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests; all of them")]
mod tests {
    use crate::cli::main;
    const FILE: &str = "trials.csv";
}
#[cfg(test)]
use crate::cli::output;
"##;
    assert_eq!(said(&["value"], source), [""; 0]);
    let after = format!("{source}use crate::cli::args;\n");
    assert_eq!(said(&["value"], &after), ["planted.rs:14: value (layer 0) -> cli (layer 10) does not go down"]);
}

#[test]
fn a_module_without_a_layer_a_foreign_crate_and_a_run_file_are_found() {
    assert_eq!(
        said(&["cli"], "use crate::helper::x;\n"),
        ["planted.rs:1: `helper` has no layer: put it into LAYERS of this test"]
    );
    assert_eq!(said(&["spec"], "use rhai::Dynamic;\n"), ["planted.rs:1: spec names the crate `rhai`"]);
    assert_eq!(said(&["runner"], "\nfn f(x: burn_wgpu::X) {}\n"), ["planted.rs:2: runner names the crate `burn`"]);
    assert_eq!(
        said(&["cli", "show"], "fn f() { open(\"x/trials.csv\") }\n"),
        ["planted.rs:1: cli names the run folder's file \"trials.csv\"; only store does"]
    );
    for (module, allowed) in
        [("script", "use rhai::Dynamic;"), ("train", "use burn::X;"), ("store", "f(\"trials.csv\")")]
    {
        assert_eq!(said(&[module], allowed), [""; 0]);
    }
    assert_eq!(said(&["cli"], "const HELP: &str = \"writes trials.csv there\"; const END: &str = \".rhai\";"), [""; 0]);
}

#[test]
fn a_module_declared_for_tests_alone_is_known_by_its_declaration() {
    let code = Code::of("mod a;\n#[cfg(test)]\nmod objectives;\n#[cfg(test)]\nmod tests {\n    mod inner;\n}\n");
    assert_eq!(code.test_modules, ["objectives"]);
}
