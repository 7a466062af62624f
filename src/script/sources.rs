//! The scripts an evaluation read: their texts for the record, their syntax trees to find the place of an error.

use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

use rhai::{AST, Expr, FnCallExpr, Position, Stmt};

use super::diagnostic::{Diagnostic, Place};
use crate::spec::check::Step;
use crate::spec::naming::Blame;
use crate::spec::{Origin, vocabulary};

/// What a script read was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceKind {
    /// The script that was run.
    Main,
    /// A module it imports.
    Import,
    /// A config it builds on.
    Loaded,
}

/// A script that was read.
#[derive(Clone, Debug)]
pub struct Source {
    /// As it is shown in messages.
    pub shown: Arc<str>,
    /// Its path below the project root, with `/`; the file name for the main script.
    pub relative: String,
    /// The file.
    pub path: PathBuf,
    /// What it was for.
    pub kind: SourceKind,
    /// Its text.
    pub text: Arc<str>,
    /// Its syntax tree, once parsed.
    pub(super) ast: Option<AST>,
}

/// All scripts of one evaluation, shared with the engine's callbacks.
#[derive(Clone, Debug, Default)]
pub(super) struct Sources(Rc<RefCell<Vec<Source>>>);

impl Sources {
    /// Scripts read before.
    pub(super) fn of(sources: &[Source]) -> Self {
        Self(Rc::new(RefCell::new(sources.to_vec())))
    }

    pub(super) fn add(&self, source: Source) {
        self.0.borrow_mut().push(source);
    }

    pub(super) fn set_ast(&self, shown: &str, ast: &AST) {
        if let Some(source) = self.0.borrow_mut().iter_mut().find(|source| &*source.shown == shown) {
            source.ast = Some(ast.clone());
        }
    }

    pub(super) fn list(&self) -> Vec<Source> {
        self.0.borrow().clone()
    }

    pub(super) fn main(&self) -> Arc<str> {
        self.0.borrow().first().map_or_else(|| Arc::from("script"), |source| Arc::clone(&source.shown))
    }

    /// The place of a position in a script.
    pub(super) fn place(&self, shown: &str, position: Position) -> Option<Place> {
        let sources = self.0.borrow();
        let source = sources.iter().find(|source| &*source.shown == shown)?;
        let line = position.line()?;
        let column = position.position().unwrap_or(1).max(1);
        let length = token_length(source.text.lines().nth(line - 1).unwrap_or(""), column);
        Some(Place { source: Arc::clone(&source.shown), text: Arc::clone(&source.text), line, column, length })
    }

    /// Draws a problem: the step it names inside the call it is blamed on.
    pub(super) fn diagnose(&self, blame: &Blame) -> Diagnostic {
        let problem = &blame.problem;
        let path = path_text(&problem.path);
        let (message, place) = match &blame.origin {
            Origin::Script { source, line, column } => {
                #[expect(clippy::cast_possible_truncation, reason = "they came from a position of 16 bits each")]
                let call = Position::new(*line as u16, *column as u16);
                let position = self.locate(source, call, &problem.path, problem.at_key).unwrap_or(call);
                (problem.message.clone(), self.place(source, position))
            }
            Origin::CommandLine { argument } => (format!("`{argument}`: {}", problem.message), None),
            Origin::Xrun if path.is_empty() => (problem.message.clone(), None),
            Origin::Xrun => (format!("{path}: {}", problem.message), None),
        };
        Diagnostic { message, place, hint: problem.hint.clone() }
    }

    /// Follows `path` from the call at `call` through the literals of the script, as far as they go.
    fn locate(&self, shown: &str, call: Position, path: &[Step], at_key: bool) -> Option<Position> {
        let sources = self.0.borrow();
        let ast = sources.iter().find(|source| &*source.shown == shown)?.ast.as_ref()?;
        let found = find_call(ast, call)?;
        let (first, rest) = path.split_first()?;
        let arguments: Vec<&Expr> = found.args.iter().collect();
        let (start, rest) = match first {
            Step::Index(index) => (Start::Value(arguments.get(*index)?), rest),
            Step::Key(key) => {
                let constructor = vocabulary::find(found.name.as_str());
                let positional = constructor.and_then(|constructor| {
                    constructor.fields.iter().take(constructor.positional).position(|f| f.name == key)
                });
                let options = arguments.last().map(|last| follow_variable(ast, last));
                match (options, positional) {
                    (Some(Expr::Map(..)), _) if entry(options?, key).is_some() => (Start::Value(options?), path),
                    (_, Some(index)) => (Start::Value(arguments.get(index)?), rest),
                    _ => return None,
                }
            }
        };
        let Start::Value(mut here) = start;
        let mut position = here.start_position();
        for (depth, step) in rest.iter().enumerate() {
            here = follow_variable(ast, here);
            match (step, here) {
                (Step::Key(key), Expr::Map(..)) => {
                    let Some((at, value)) = entry(here, key) else { break };
                    let is_last = depth + 1 == rest.len();
                    position = if is_last && at_key { at } else { value.start_position() };
                    here = value;
                }
                (Step::Index(index), Expr::Array(items, _)) => {
                    let Some(value) = items.get(*index) else { break };
                    position = value.start_position();
                    here = value;
                }
                _ => break,
            }
        }
        Some(position)
    }
}

enum Start<'a> {
    Value(&'a Expr),
}

fn entry<'a>(map: &'a Expr, key: &str) -> Option<(Position, &'a Expr)> {
    let Expr::Map(entries, _) = map else { return None };
    entries.0.iter().find(|(ident, _)| ident.name.as_str() == key).map(|(ident, value)| (ident.pos, value))
}

fn find_call(ast: &AST, position: Position) -> Option<FnCallExpr> {
    let mut found = None;
    ast.walk(&mut |path| {
        let call = match path.last() {
            Some(rhai::ASTNode::Expr(Expr::FnCall(call, at) | Expr::MethodCall(call, at))) if *at == position => call,
            Some(rhai::ASTNode::Stmt(Stmt::FnCall(call, at))) if *at == position => call,
            _ => return true,
        };
        found = Some((**call).clone());
        false
    });
    found
}

/// A variable that is defined once, by a literal, stands for that literal.
fn follow_variable<'a>(ast: &'a AST, expr: &'a Expr) -> &'a Expr {
    let Expr::Variable(variable, ..) = expr else { return expr };
    let mut definitions = ast.statements().iter().filter_map(|statement| match statement {
        Stmt::Var(definition, ..) if definition.0.name == variable.1 => Some(&definition.1),
        _ => None,
    });
    match (definitions.next(), definitions.next()) {
        (Some(definition @ (Expr::Map(..) | Expr::Array(..))), None) => definition,
        _ => expr,
    }
}

/// As in `train.full.lr`; positions count from 0.
fn path_text(path: &[Step]) -> String {
    let steps: Vec<String> = path
        .iter()
        .map(|step| match step {
            Step::Key(key) => key.clone(),
            Step::Index(index) => index.to_string(),
        })
        .collect();
    steps.join(".")
}

/// How many characters the word, number or text at `column` has.
fn token_length(line: &str, column: usize) -> usize {
    let rest: Vec<char> = line.chars().skip(column - 1).collect();
    let is_word = |c: &char| c.is_alphanumeric() || *c == '_' || *c == '.';
    let length = match rest.first() {
        Some(quote @ ('"' | '`')) => rest.iter().skip(1).position(|c| c == quote).map_or(1, |end| end + 2),
        Some('-') => 1 + rest.iter().skip(1).take_while(|c| is_word(c)).count(),
        Some(c) if is_word(c) => rest.iter().take_while(|c| is_word(c)).count(),
        _ => 1,
    };
    length.max(1)
}
