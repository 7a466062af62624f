//! One evaluation of a script: the engine with its limits, what its callbacks share, and its errors as diagnostics.

use std::cell::{Cell, RefCell};
use std::io::Write;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rhai::packages::{
    BasicArrayPackage, BasicIteratorPackage, BasicMapPackage, BasicMathPackage, BasicStringPackage, CorePackage,
    LogicPackage, MoreStringPackage, Package,
};
use rhai::{Dynamic, Engine, EvalAltResult, LexError, NativeCallContext, ParseErrorType, Position, Token};

use super::convert;
use super::diagnostic::{Diagnostic, Place};
use super::params::{Argument, Params};
use super::sources::Sources;
use super::{constructors, imports, objects};
use crate::spec::check::Problem;
use crate::spec::naming::Blame;
use crate::spec::print::RESERVED;
use crate::spec::vocabulary::nearest;
use crate::spec::{Leaf, Origin, Tree, vocabulary};

const MAX_OPERATIONS: u64 = 2_000_000;
const MAX_CALL_LEVELS: usize = 64;
const MAX_STRING: usize = 1 << 20;
const MAX_ITEMS: usize = 100_000;
const MAX_TIME: Duration = Duration::from_millis(900);

/// What the callbacks of one evaluation share.
pub(super) struct State {
    pub(super) params: Rc<RefCell<Params>>,
    pub(super) sources: Sources,
    /// Imports and loaded configs come from below it, and from nowhere else.
    pub(super) root: PathBuf,
    /// Configs being loaded, to refuse one that loads itself.
    pub(super) loading: RefCell<Vec<PathBuf>>,
    /// Modules being imported, to refuse one that imports itself.
    pub(super) importing: RefCell<Vec<PathBuf>>,
    /// The text being parsed: a token alone does not tell `-1` from a hexadecimal number that is too large.
    pub(super) parsing: RefCell<Arc<str>>,
    blamed: RefCell<Option<Blame>>,
    started: Cell<Instant>,
}

impl State {
    pub(super) fn new(arguments: &[Argument], root: PathBuf, sources: Sources, loading: Vec<PathBuf>) -> Rc<Self> {
        Rc::new(Self {
            params: Rc::new(RefCell::new(Params::new(arguments))),
            sources,
            root,
            loading: RefCell::new(loading),
            importing: RefCell::new(Vec::new()),
            parsing: RefCell::new(Arc::from("")),
            blamed: RefCell::new(None),
            started: Cell::new(Instant::now()),
        })
    }

    /// Remembers what is wrong where the engine would lose it: the first one counts.
    pub(super) fn blame(&self, origin: Origin, problem: Problem) {
        self.blamed.borrow_mut().get_or_insert(Blame { origin, problem });
    }

    /// What was remembered, drawn.
    pub(super) fn blamed(&self) -> Option<Diagnostic> {
        self.blamed.borrow_mut().take().map(|blame| self.sources.diagnose(&blame))
    }

    /// The value of an argument's text: a literal, or a search-space object.
    pub(super) fn evaluate_argument(&self, text: &str) -> Result<Dynamic, Problem> {
        let state = Self::new(&[], self.root.clone(), Sources::default(), Vec::new());
        let engine = engine(&state);
        *state.parsing.borrow_mut() = text.into();
        engine.eval_expression::<Dynamic>(text).map_err(|error| {
            let diagnostic = diagnose(&state, &state.sources.main(), *error);
            let problem = Problem::new(diagnostic.message);
            match diagnostic.hint {
                Some(hint) => problem.hint(hint),
                None => problem,
            }
        })
    }

    /// As a tree.
    pub(super) fn evaluate_override(&self, text: &str) -> Result<Tree<Leaf>, Problem> {
        let value = self.evaluate_argument(text)?;
        convert::tree(&value, &Rc::new(RefCell::new(Params::default())))
    }
}

/// Where the call at hand was written.
pub(super) fn origin(state: &State, context: &NativeCallContext) -> Origin {
    let position = context.call_position();
    Origin::Script {
        source: context.call_source().map_or_else(|| state.sources.main(), Arc::from),
        line: position.line().unwrap_or(1),
        column: position.position().unwrap_or(1),
    }
}

/// An error of the engine that carries what we know about it.
pub(super) fn fail(origin: Origin, problem: Problem) -> Box<EvalAltResult> {
    EvalAltResult::ErrorRuntime(Dynamic::from(Blame { origin, problem }), Position::NONE).into()
}

/// The engine, with the language's surprising habits closed.
pub(super) fn engine(state: &Rc<State>) -> Engine {
    let mut engine = Engine::new_raw();
    CorePackage::new().register_into_engine(&mut engine);
    LogicPackage::new().register_into_engine(&mut engine);
    BasicStringPackage::new().register_into_engine(&mut engine);
    MoreStringPackage::new().register_into_engine(&mut engine);
    BasicIteratorPackage::new().register_into_engine(&mut engine);
    BasicMathPackage::new().register_into_engine(&mut engine);
    BasicArrayPackage::new().register_into_engine(&mut engine);
    BasicMapPackage::new().register_into_engine(&mut engine);

    engine.set_optimization_level(rhai::OptimizationLevel::None);
    engine.set_max_operations(MAX_OPERATIONS);
    engine.set_max_call_levels(MAX_CALL_LEVELS);
    // A printed config writes out what loops and functions have nested.
    engine.set_max_expr_depths(256, 64);
    engine.set_max_string_size(MAX_STRING);
    engine.set_max_array_size(MAX_ITEMS);
    engine.set_max_map_size(MAX_ITEMS);
    engine.set_max_variables(10_000);
    engine.set_max_functions(1_000);
    engine.set_max_modules(100);
    engine.set_strict_variables(true);
    // Interning would make a param's text the same as an equal literal.
    engine.set_max_strings_interned(0);
    engine.set_fail_on_invalid_map_property(true);
    // Fast operators would bypass ours: exact division, and the refusal to compare what has no value yet.
    engine.set_fast_operators(false);
    // A switch silently takes its default for what has no value yet.
    engine.disable_symbol("switch");
    engine.disable_symbol("eval");

    let at = Rc::clone(state);
    engine.on_progress(move |operations| {
        let is_late = operations % 256 == 0 && at.started.get().elapsed() > MAX_TIME;
        is_late.then(|| Dynamic::from("time"))
    });
    // That nobody listens any more is no reason to stop.
    let say = |text: &str| drop(writeln!(std::io::stderr().lock(), "{text}"));
    engine.on_print(say);
    engine.on_debug(move |text, _, _| say(text));
    close_clock(&mut engine);
    close_tokens(&mut engine, state);
    close_sizes(&mut engine);

    let params = Rc::clone(&state.params);
    #[expect(deprecated, reason = "the engine marks its less stable interfaces so; its version is pinned")]
    engine.on_var(move |name, _, context| {
        if let Some(value) = context.scope().get(name) {
            params.borrow_mut().read(value);
        }
        Ok(None)
    });

    objects::register(&mut engine, state);
    constructors::register(&mut engine, state);
    engine.set_module_resolver(imports::Resolver::new(state));
    engine
}

fn close_clock(engine: &mut Engine) {
    const NO_CLOCK: &str = "scripts have no clock: the same script must always give the same experiment";
    engine.register_fn("timestamp", || -> Result<Dynamic, Box<EvalAltResult>> { Err(NO_CLOCK.into()) });
    engine.register_fn("sleep", |_: i64| -> Result<Dynamic, Box<EvalAltResult>> { Err(NO_CLOCK.into()) });
    engine.register_fn("sleep", |_: f64| -> Result<Dynamic, Box<EvalAltResult>> { Err(NO_CLOCK.into()) });
}

/// The tokenizer turns a whole number that is too large into a float, or, in hexadecimal, into a negative one.
fn close_tokens(engine: &mut Engine, state: &Rc<State>) {
    let at = Rc::clone(state);
    #[expect(deprecated, reason = "the engine marks its less stable interfaces so; its version is pinned")]
    engine.on_parse_token(move |token, position, _| {
        let refuse = |what: String| Token::LexError(LexError::ImproperSymbol(String::new(), what).into());
        match &token {
            Token::FloatConstant(constant) if !constant.1.contains(['.', 'e', 'E']) => {
                refuse(format!("the whole number {} is too large; the largest is {}", constant.1, i64::MAX))
            }
            Token::FloatConstant(constant) if !(*constant.0).is_finite() => {
                refuse(format!("the number {} is too large", constant.1))
            }
            // Reserved, but not used by the language: `load(...).with(#{...})`.
            Token::Reserved(word) if word.as_str() == "with" => Token::Identifier(word.clone()),
            Token::IntegerConstant(i) if *i < 0 && !is_minus(&at.parsing.borrow(), position) => {
                refuse(format!("this number is too large for a whole number; the largest is {}", i64::MAX))
            }
            _ => token,
        }
    });
}

/// Whether the character at a position is a minus sign.
fn is_minus(text: &str, position: Position) -> bool {
    let (Some(line), Some(column)) = (position.line(), position.position()) else { return false };
    text.split('\n').nth(line - 1).and_then(|line| line.chars().nth(column.saturating_sub(1))) == Some('-')
}

/// The language's own `replace` looks at no limit.
fn close_sizes(engine: &mut Engine) {
    fn replaced(text: &str, find: &str, by: &str) -> Result<String, Box<EvalAltResult>> {
        let size = text.len().saturating_add(text.matches(find).count().saturating_mul(by.len()));
        if size > MAX_STRING {
            return Err(EvalAltResult::ErrorDataTooLarge("length of string".to_owned(), Position::NONE).into());
        }
        Ok(text.replace(find, by))
    }
    use rhai::ImmutableString as Text;
    type Done = Result<(), Box<EvalAltResult>>;
    engine.register_fn("replace", |text: &mut Text, find: Text, by: Text| -> Done {
        replaced(text, &find, &by).map(|made| *text = made.into())
    });
    engine.register_fn("replace", |text: &mut Text, find: char, by: Text| -> Done {
        replaced(text, find.encode_utf8(&mut [0; 4]), &by).map(|made| *text = made.into())
    });
    engine.register_fn("replace", |text: &mut Text, find: Text, by: char| -> Done {
        replaced(text, &find, by.encode_utf8(&mut [0; 4])).map(|made| *text = made.into())
    });
}

/// What the engine says, in our words and with its place.
pub(super) fn diagnose(state: &State, shown: &str, error: EvalAltResult) -> Diagnostic {
    if let Some(diagnostic) = state.blamed() {
        return diagnostic;
    }
    inside(state, shown, error)
}

fn inside(state: &State, source: &str, error: EvalAltResult) -> Diagnostic {
    let position = error.position();
    let is_key = matches!(&error, EvalAltResult::ErrorParsing(ParseErrorType::PropertyExpected, _))
        || matches!(&error, EvalAltResult::ErrorParsing(ParseErrorType::MissingToken(_, what), _) if what.contains("object map"));
    let mut diagnostic = match error {
        EvalAltResult::ErrorInFunctionCall(_, of, inner, _) => {
            let of = if of.is_empty() { source } else { &of };
            return inside(state, of, *inner);
        }
        EvalAltResult::ErrorInModule(of, inner, at) => {
            let known = state.sources.list().iter().any(|source| *source.shown == of);
            let mut diagnostic = inside(state, if known { &of } else { source }, *inner);
            if diagnostic.place.is_none() {
                diagnostic.place = state.sources.place(source, at);
            }
            return diagnostic;
        }
        EvalAltResult::ErrorRuntime(value, _) if value.is::<Blame>() => {
            return state.sources.diagnose(&value.cast::<Blame>());
        }
        EvalAltResult::ErrorRuntime(value, _) if value.is::<Diagnostic>() => return value.cast::<Diagnostic>(),
        EvalAltResult::ErrorRuntime(value, _) if value.is::<convert::Searched>() => {
            Diagnostic::new(format!("the script threw a {}", objects::OBJECT))
        }
        EvalAltResult::ErrorRuntime(value, _) => Diagnostic::new(value.to_string()),
        EvalAltResult::ErrorParsing(kind, _) => parsing(&kind),
        EvalAltResult::ErrorVariableNotFound(name, _) => Diagnostic::new(format!("there is no variable `{name}`")),
        EvalAltResult::ErrorFunctionNotFound(signature, _) => function_not_found(&signature),
        EvalAltResult::ErrorPropertyNotFound(name, _) => Diagnostic::new(format!("there is no key `{name}` here")),
        EvalAltResult::ErrorModuleNotFound(path, _) => Diagnostic::new(format!("cannot import {path}")),
        EvalAltResult::ErrorMismatchDataType(expected, actual, _) => mismatch(&expected, &actual),
        EvalAltResult::ErrorMismatchOutputType(expected, actual, _) => mismatch(&expected, &actual),
        EvalAltResult::ErrorIndexingType(signature, _) if signature.contains(objects::OBJECT) => {
            mismatch("a number or text", objects::OBJECT)
        }
        EvalAltResult::ErrorTooManyOperations(_) => {
            Diagnostic::new(format!("the script ran for more than {MAX_OPERATIONS} operations"))
                .hint("is there a loop without an end?")
        }
        EvalAltResult::ErrorTerminated(..) => {
            Diagnostic::new(format!("the script ran for more than {} ms", MAX_TIME.as_millis()))
                .hint("is there a loop without an end?")
        }
        EvalAltResult::ErrorStackOverflow(_) => {
            Diagnostic::new(format!("function calls are nested more than {MAX_CALL_LEVELS} deep"))
                .hint("is there a function that calls itself without an end?")
        }
        EvalAltResult::ErrorDataTooLarge(what, _) => Diagnostic::new(format!(
            "{} is too large: a text may have {MAX_STRING} bytes, an array or a map {MAX_ITEMS} entries",
            what.to_lowercase()
        )),
        other => Diagnostic::new(strip_position(&other.to_string())),
    };
    diagnostic.place = state.sources.place(source, position);
    // A word that the language uses, where a map wants a key.
    if is_key && let Some(word) = diagnostic.place.as_ref().and_then(place_word).filter(|word| RESERVED.contains(word))
    {
        let place = diagnostic.place.clone();
        diagnostic = Diagnostic { place, ..parsing(&ParseErrorType::Reserved(word.to_owned())) };
    }
    diagnostic
}

fn place_word(place: &Place) -> Option<&str> {
    let line = place.text.lines().nth(place.line - 1)?;
    let mut bytes = line.char_indices().map(|(byte, _)| byte).chain([line.len()]).skip(place.column - 1);
    let start = bytes.next()?;
    let end = bytes.nth(place.length - 1)?;
    line.get(start..end)
}

fn parsing(kind: &ParseErrorType) -> Diagnostic {
    match kind {
        ParseErrorType::BadInput(LexError::ImproperSymbol(symbol, message)) if symbol.is_empty() => {
            Diagnostic::new(message.clone())
        }
        ParseErrorType::Reserved(word) if word == "switch" => {
            Diagnostic::new("`switch` is not available: it would silently take its default for a search-space object")
                .hint("use if and else for params, choice([...]) for what is searched")
        }
        ParseErrorType::BadInput(LexError::ImproperSymbol(symbol, _)) if symbol == "eval" => {
            Diagnostic::new("`eval` is not available: what a script says must stand in it")
        }
        ParseErrorType::Reserved(word) => Diagnostic::new(format!("`{word}` is a word of the language"))
            .hint(format!("choose another name; a key can be quoted: \"{word}\"")),
        ParseErrorType::BadInput(LexError::ImproperSymbol(symbol, _)) if symbol == "switch" => {
            parsing(&ParseErrorType::Reserved("switch".to_owned()))
        }
        ParseErrorType::VariableUndefined(name) => unknown_variable(name),
        ParseErrorType::ExprTooDeep => Diagnostic::new("expressions are nested more than 256 deep"),
        other => Diagnostic::new(lower_first(&other.to_string())),
    }
}

fn unknown_variable(name: &str) -> Diagnostic {
    let diagnostic = Diagnostic::new(format!("there is no variable `{name}`"));
    match nearest(name, functions()) {
        Some(near) => diagnostic.hint(format!("did you mean `{near}(...)`?")),
        None => diagnostic.hint("a text needs quotes"),
    }
}

fn functions() -> impl Iterator<Item = &'static str> {
    const OTHERS: [&str; 14] = [
        "uniform",
        "log_uniform",
        "int",
        "log_int",
        "normal",
        "log_normal",
        "choice",
        "ordinal",
        "param",
        "load",
        "step",
        "named",
        "floor_div",
        "variants",
    ];
    vocabulary::constructors().map(|constructor| constructor.name).chain(OTHERS)
}

fn function_not_found(signature: &str) -> Diagnostic {
    let name = signature.split([' ', '(']).next().unwrap_or(signature);
    let types = signature.split_once('(').map_or("", |(_, types)| types.trim_end_matches(')'));
    if signature.contains(objects::OBJECT) && !functions().any(|known| known == name) {
        return Diagnostic::new(format!(
            "`{name}` cannot work on a search-space object: it has no value while the script runs"
        ));
    }
    if functions().any(|known| known == name) {
        let given = if types.is_empty() { "nothing" } else { types };
        return Diagnostic::new(format!("`{name}` cannot be called with {given}"));
    }
    let diagnostic = Diagnostic::new(format!("there is no function `{name}`"));
    match nearest(name, functions()) {
        Some(near) => diagnostic.hint(format!("did you mean `{near}`?")),
        None => diagnostic,
    }
}

fn mismatch(expected: &str, actual: &str) -> Diagnostic {
    // Some of the engine's errors name the Rust type.
    let actual = actual.replace(std::any::type_name::<convert::Searched>(), objects::OBJECT);
    let (expected, found) = (objects::of_type(expected), objects::of_type(&actual));
    let diagnostic = Diagnostic::new(format!("{expected} was expected here, not {found}"));
    if actual.contains(objects::OBJECT) {
        diagnostic.hint("a search-space object has no value while the script runs: each trial chooses it later")
    } else {
        diagnostic
    }
}

fn strip_position(message: &str) -> String {
    lower_first(message.rsplit_once(" (line ").map_or(message, |(text, _)| text))
}

fn lower_first(text: &str) -> String {
    let mut characters = text.chars();
    match characters.next() {
        Some(first) => first.to_lowercase().chain(characters).collect(),
        None => String::new(),
    }
}
