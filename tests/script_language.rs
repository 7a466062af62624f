//! The script language as its users meet it: what it accepts, what it refuses, and where it points.

mod support;

use std::time::{Duration, Instant};

use support::{Output, Project, error_at, sphere};

const CHOOSES: &str =
    "each trial chooses its value later; compute with + - * / **, or choose between parts with choice([...])";
const LATER: &str = "a search-space object has no value while the script runs: each trial chooses it later";
const NO_CLOCK: &str = "scripts have no clock: the same script must always give the same experiment";
const HELD: &str = "a text may have 1048576 bytes, an array or a map 100000 entries";

fn check(script: &str) -> Output {
    Project::new().script(script).args(["check", "experiment.rhai"]).run()
}

/// Line 1 of a script is refused with an excerpt of it.
#[track_caller]
fn refused(line: &str, column: usize, width: usize, message: &str, hint: Option<&str>) {
    let place = format!("experiment.rhai:1:{column}");
    check(&sphere(line, "uniform(0.0, 1.0)"))
        .code(2)
        .stdout_is("")
        .stderr_is(&error_at(message, &place, line, width, hint));
}

/// Line 2 of a script, in which `w` is a search-space object, is refused with an excerpt of it.
#[track_caller]
fn refused_of_object(line: &str, column: usize, width: usize, message: &str, hint: Option<&str>) {
    let place = format!("experiment.rhai:2:{column}");
    let script = sphere(&format!("let w = int(1, 8);\n{line}"), "uniform(0.0, 1.0)");
    check(&script).code(2).stdout_is("").stderr_is(&error_at(message, &place, line, width, hint));
}

/// The point `x` is searched in these parameters.
#[track_caller]
fn searches(before: &str, x: &str, rows: &[[&str; 3]]) {
    let width = |column: usize, header: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0).max(header);
    let (first, second) = (width(0, "parameter".len()), width(1, "searched in".len()));
    let mut table = format!(" {:first$}  searched in", "parameter");
    for [name, distribution, condition] in rows {
        let line = format!(" {name:first$}  {distribution:second$}  {condition}");
        table.push_str(&format!("\n{}", line.trim_end()));
    }
    let text = format!("a: random search, 2 trials a study, minimize value\n\n{table}\n");
    check(&sphere(before, x)).code(0).stderr_is("").stdout_is(&text);
}

#[test]
fn a_clock_is_refused() {
    refused("let t = timestamp();", 9, 9, NO_CLOCK, None);
    refused("sleep(1);", 1, 5, NO_CLOCK, None);
    refused("sleep(0.5);", 1, 5, NO_CLOCK, None);
}

#[test]
fn eval_is_refused_because_a_script_must_say_what_it_says() {
    refused("let v = eval(\"1\");", 9, 4, "`eval` is not available: what a script says must stand in it", None);
}

#[test]
fn a_key_that_a_map_does_not_have_is_an_error_not_nothing() {
    refused("let m = #{ a: 1 }; let v = m.b;", 30, 1, "there is no key `b` here", None);
    refused("let m = #{ a: 1 }; let v = m[\"b\"];", 30, 3, "there is no key `b` here", None);
}

#[test]
fn whole_numbers_do_as_bounds_of_numbers() {
    searches("", "log_uniform(1, 2)", &[["objective.x.0", "log_uniform(1.0, 2.0)", ""]]);
    searches("", "uniform(0, 1)", &[["objective.x.0", "uniform(0.0, 1.0)", ""]]);
    searches("", "normal(0, 1)", &[["objective.x.0", "normal(0.0, 1.0)", ""]]);
}

#[test]
fn negative_whole_numbers_are_numbers() {
    let rows = [["objective.x.0", "int(-3, 3)", ""], ["objective.x.1", "choice([-1, 1])", ""]];
    searches("let least = -3;", "int(least, 3), choice([-1, 1]), floor_div(-7, 2), [1.0, 2.0][-1]", &rows);
    searches("", "uniform(-1, 1)", &[["objective.x.0", "uniform(-1.0, 1.0)", ""]]);
}

#[test]
fn whole_numbers_divide_exactly_or_not_at_all() {
    let message = "1 / 2 is not a whole number; write 1.0 / 2 for the fraction, or floor_div(1, 2)";
    refused("let v = 1/2;", 10, 1, message, None);
    refused("let v = 1 / 0;", 11, 1, "1 / 0 divides by zero", None);
    refused("let v = floor_div(1, 0);", 9, 9, "floor_div(1, 0) has no value", None);
    searches("let four = 8 / 2;", "uniform(0, four)", &[["objective.x.0", "uniform(0.0, 4.0)", ""]]);
}

#[test]
fn floor_div_rounds_down_also_below_zero() {
    let bounds = "uniform(floor_div(0 - 7, 2), floor_div(7, 2))";
    searches("", bounds, &[["objective.x.0", "uniform(-4.0, 3.0)", ""]]);
}

#[test]
fn numbers_that_do_not_fit_are_refused_not_bent() {
    let largest = "the largest is 9223372036854775807";
    let message = format!("the whole number 9223372036854775808 is too large; {largest}");
    refused("let v = 9223372036854775808;", 9, 19, &message, None);
    let message = format!("this number is too large for a whole number; {largest}");
    refused("let v = 0xffffffffffffffff;", 9, 18, &message, None);
    refused("let v = 1e999;", 9, 5, "the number 1e999 is too large", None);
    let message = "addition overflow: 9223372036854775807 + 1";
    refused("let v = 9223372036854775807 + 1;", 29, 1, message, None);
    searches("let v = 0x7fffffffffffffff;", "uniform(0, 1)", &[["objective.x.0", "uniform(0.0, 1.0)", ""]]);
}

#[test]
fn a_number_that_is_none_is_refused_where_it_stands() {
    let script = sphere("let v = 0.0 / 0.0;", "v, uniform(0.0, 1.0)");
    let line = "    objective: sphere(#{ x: [v, uniform(0.0, 1.0)] }),";
    check(&script).code(2).stderr_is(&error_at("NaN is not a finite number", "experiment.rhai:4:30", line, 1, None));
}

#[test]
fn a_word_of_the_language_as_a_key_is_refused_with_the_way_to_write_it() {
    for word in ["default", "shared", "new", "match", "go", "type_of", "print"] {
        let line = format!("let v = #{{ {word}: 1 }};");
        let message = format!("`{word}` is a word of the language");
        refused(
            &line,
            12,
            word.len(),
            &message,
            Some(&format!("choose another name; a key can be quoted: \"{word}\"")),
        );
        let quoted = format!("let v = #{{ \"{word}\": 1 }};");
        searches(&quoted, "uniform(0, 1)", &[["objective.x.0", "uniform(0.0, 1.0)", ""]]);
    }
}

#[test]
fn a_word_the_language_uses_is_refused_as_a_key_in_the_same_way() {
    for word in ["if", "for", "in", "fn", "let", "true"] {
        let line = format!("let v = #{{ {word}: 1 }};");
        let message = format!("`{word}` is a word of the language");
        refused(
            &line,
            12,
            word.len(),
            &message,
            Some(&format!("choose another name; a key can be quoted: \"{word}\"")),
        );
    }
}

#[test]
fn an_object_cannot_be_compared() {
    let message = "cannot compare a search-space object: it has no value while the script runs";
    for operator in ["==", "!=", "<", "<=", ">", ">="] {
        for (left, right) in [("w", "3"), ("3.0", "w"), ("w", "w"), ("w", "\"a\""), ("()", "w"), ("w", "#{}")] {
            let line = format!("let v = {left} {operator} {right};");
            refused_of_object(&line, 10 + left.len(), 1, message, Some(CHOOSES));
        }
    }
    refused_of_object("let v = [w] == [1];", 13, 1, message, Some(CHOOSES));
    refused_of_object("let v = #{ a: w } == #{ a: 1 };", 19, 1, message, Some(CHOOSES));
    refused_of_object("let v = [w].some(|x| x == 1);", 24, 1, message, Some(CHOOSES));
}

#[test]
fn an_object_cannot_be_branched_on() {
    let message = "a truth value was expected here, not a search-space object";
    refused_of_object("if w { }", 4, 1, message, Some(LATER));
    refused_of_object("let y = if w { 1 } else { 2 };", 12, 1, message, Some(LATER));
    refused_of_object("while w { }", 7, 1, message, Some(LATER));
    refused_of_object("let v = w && true;", 9, 1, message, Some(LATER));
    refused_of_object("let v = false || w;", 18, 1, message, Some(LATER));
    let message = "cannot negate a search-space object: it has no value while the script runs";
    refused_of_object("let v = !w;", 9, 1, message, Some(CHOOSES));
}

#[test]
fn switch_is_refused_because_it_would_take_its_default_for_an_object() {
    let message = "`switch` is not available: it would silently take its default for a search-space object";
    let hint = "use if and else for params, choice([...]) for what is searched";
    refused_of_object("switch w { 1 => 2, _ => 3 }", 1, 6, message, Some(hint));
    refused_of_object("let v = switch [w] { _ => 1 };", 9, 6, message, Some(hint));
}

#[test]
fn an_object_cannot_be_looked_for() {
    let message = "cannot look for a search-space object: it has no value while the script runs";
    refused_of_object("let v = w in [1, 2];", 11, 2, message, Some(CHOOSES));
    refused_of_object("let v = w in #{ a: 1 };", 11, 2, message, Some(CHOOSES));
    refused_of_object("let v = [w].contains(w);", 13, 8, message, Some(CHOOSES));
    refused_of_object("let v = [1].index_of(w);", 13, 8, message, Some(CHOOSES));
    let message = "cannot compare a search-space object: it has no value while the script runs";
    refused_of_object("let v = 3 in [w];", 11, 2, message, Some(CHOOSES));
}

#[test]
fn an_object_cannot_be_written_out() {
    let message = "cannot write out a search-space object: it has no value while the script runs";
    for (line, column, width) in [
        ("let s = `${w}`;", 11, 1),
        ("let s = `a ${[w]} b`;", 13, 1),
        ("let s = \"x\" + w;", 13, 1),
        ("let s = w + \"x\";", 11, 1),
        ("let s = \"\"; s += w;", 15, 1),
        ("let s = w.to_string();", 11, 9),
        ("let s = [w].to_string();", 13, 9),
        ("print(w);", 1, 5),
        ("debug(w);", 1, 5),
    ] {
        refused_of_object(line, column, width, message, Some(CHOOSES));
    }
}

#[test]
fn an_object_cannot_be_an_index_nor_be_indexed() {
    let of = |what: &str| format!("{what} was expected here, not a search-space object");
    refused_of_object("let v = [1, 2][w];", 16, 1, &of("a whole number"), Some(LATER));
    refused_of_object("let a = [1, 2]; a[w] = 3;", 19, 1, &of("a whole number"), Some(LATER));
    refused_of_object("let m = #{ a: 1 }; let v = m[w];", 30, 1, &of("a text"), Some(LATER));
    refused_of_object("let v = w[0];", 10, 1, &of("a number or text"), Some(LATER));
}

#[test]
fn functions_that_need_a_value_refuse_an_object() {
    let message =
        |name: &str| format!("`{name}` cannot work on a search-space object: it has no value while the script runs");
    refused_of_object("let v = min(w, 3);", 9, 3, &message("min"), None);
    refused_of_object("let v = w % 2;", 11, 1, &message("%"), None);
    refused_of_object("let v = sqrt(w);", 9, 4, &message("sqrt"), None);
    refused_of_object("let v = range(0, w);", 9, 5, &message("range"), None);
}

#[test]
fn a_closure_that_answers_with_an_object_is_refused_not_taken_for_false() {
    for line in ["let v = [1, 2].filter(|x| w);", "let v = [1, 2].some(|x| w);", "let v = [1, 2].all(|x| w);"] {
        let output = check(&sphere(&format!("let w = int(1, 8);\n{line}"), "uniform(0.0, 1.0)"));
        output.code(2).stdout_is("");
        assert!(output.stderr.contains("search-space object"), "{output}");
        assert!(output.stderr.contains(" --> experiment.rhai:2:"), "{output}");
    }
}

#[test]
fn an_object_as_a_bound_is_refused_in_the_words_of_the_language() {
    let line = "let v = uniform(0.0, w);";
    refused_of_object(line, 9, 7, "a number was expected here, not a search-space object", None);
    let output = check(&sphere("let w = int(1, 8);\nthrow w;", "uniform(0.0, 1.0)"));
    output.code(2);
    assert!(!output.stderr.contains("::"), "the name of a Rust type is shown: {output}");
}

/// The script ends in an error about its first line, long before anyone would lose patience.
#[track_caller]
fn ends_soon(line: &str, column: usize, width: usize, message: &str, hint: Option<&str>) {
    let started = Instant::now();
    // What grows without end must not take the machine with it while the limit is missing.
    let project =
        Project::new().script(&sphere(line, "uniform(0.0, 1.0)")).under("ulimit -v 4000000 2>/dev/null || true");
    let output = project.xrun(["check", "experiment.rhai"]);
    let place = format!("experiment.rhai:1:{column}");
    output.code(2).stdout_is("").stderr_is(&error_at(message, &place, line, width, hint));
    assert!(started.elapsed() < Duration::from_secs(5), "it took {:?}", started.elapsed());
}

#[test]
fn an_endless_loop_ends_in_an_error() {
    let message = "the script ran for more than 2000000 operations";
    let hint = Some("is there a loop without an end?");
    ends_soon("loop { }", 6, 1, message, hint);
    ends_soon("try { loop { } } catch { }", 12, 1, message, hint);
}

#[test]
fn an_endless_recursion_ends_in_an_error() {
    let message = "function calls are nested more than 64 deep";
    let hint = Some("is there a function that calls itself without an end?");
    ends_soon("fn f(n) { f(n + 1) } f(0);", 22, 1, message, hint);
    ends_soon("fn f(n) { g(n) } fn g(n) { f(n) } f(0);", 35, 1, message, hint);
}

#[test]
fn expressions_nested_too_deep_end_in_an_error() {
    let output = check(&sphere(&format!("let v = {}1{};", "[".repeat(400), "]".repeat(400)), "uniform(0.0, 1.0)"));
    output.code(2);
    assert!(
        output.stderr.starts_with("error: expressions are nested more than 256 deep\n --> experiment.rhai:1:"),
        "{output}"
    );
}

#[test]
fn a_growing_array_ends_in_an_error() {
    let message = format!("size of array/blob is too large: {HELD}");
    ends_soon("let a = [1]; loop { a += a; }", 23, 1, &message, None);
    ends_soon("let a = [1]; loop { a = [a, a]; }", 29, 1, &message, None);
    ends_soon("let a = []; a.pad(100000000, 1);", 15, 3, &message, None);
}

#[test]
fn an_array_that_grows_by_one_ends_in_an_error() {
    let started = Instant::now();
    let output = check(&sphere("let a = []; loop { a.push(1); }", "uniform(0.0, 1.0)"));
    output.code(2).stdout_is("");
    assert!(output.stderr.contains(" --> experiment.rhai:1:"), "{output}");
    assert!(started.elapsed() < Duration::from_secs(5), "it took {:?}", started.elapsed());
}

#[test]
fn a_growing_text_ends_in_an_error() {
    let message = format!("length of string is too large: {HELD}");
    ends_soon("let s = \"ab\"; loop { s += s; }", 24, 1, &message, None);
    ends_soon("let s = \"ab\"; loop { s = s + s; }", 28, 1, &message, None);
    ends_soon("let s = \"ab\"; loop { s = `${s}${s}`; }", 32, 1, &message, None);
    ends_soon("let s = \"\"; s.pad(100000000, \"x\");", 15, 3, &message, None);
}

#[test]
fn a_text_that_grows_by_replacing_ends_in_an_error() {
    let message = format!("length of string is too large: {HELD}");
    ends_soon("let s = \"\"; s.pad(500000, \"x\"); s.replace(\"x\", s);", 35, 7, &message, None);
}

#[test]
fn a_doubling_map_ends_in_an_error() {
    let message = format!("size of object map is too large: {HELD}");
    ends_soon("let m = #{ a: 1 }; loop { m = #{ a: m, b: m }; }", 43, 1, &message, None);
}

#[test]
fn a_doubling_derived_value_ends_in_an_error() {
    let message = "a derived value has more than 1000 terms";
    ends_soon("let w = uniform(0.0, 1.0); loop { w = w + w; }", 41, 1, message, None);
}

#[test]
fn choices_inside_choices_without_end_end_in_an_error() {
    let message = "choices are nested more than 16 deep, or hold more than 10000 values";
    ends_soon("let c = choice([1, 2]); loop { c = choice(#{ a: c, b: c }); }", 36, 6, message, None);
    ends_soon("let c = choice([1, 2]); loop { c = choice(#{ a: c, b: 0 }); }", 36, 6, message, None);
}

#[test]
fn a_typo_in_a_key_is_placed_at_that_key() {
    let script = "experiment(#{\n    name: \"a\",\n    objective: sphere(#{ x: [uniform(0.0, 1.0)], nois: 0.1 }),\n    search: random(#{ trials: 2, minimize: \"value\" }),\n})\n";
    let line = "    objective: sphere(#{ x: [uniform(0.0, 1.0)], nois: 0.1 }),";
    let wanted =
        error_at("unknown key `nois` in `sphere`", "experiment.rhai:3:50", line, 4, Some("did you mean `noise`?"));
    check(script).code(2).stdout_is("").stderr_is(&wanted);
}

#[test]
fn a_typo_in_a_key_is_found_through_a_variable() {
    let before = "let options = #{\n    x: [uniform(0.0, 1.0)],\n    nois: 0.1,\n};";
    let script = sphere(before, "").replace("#{ x: [] }", "options");
    let wanted = error_at(
        "unknown key `nois` in `sphere`",
        "experiment.rhai:3:5",
        "    nois: 0.1,",
        4,
        Some("did you mean `noise`?"),
    );
    check(&script).code(2).stdout_is("").stderr_is(&wanted);
}

const MODEL: &str = r#"experiment(#{
    name: "a",
    data: rows(20),
    model: classifier(#{ backbone: mlp(#{}), head: [linear(4), dropout(0.5)] }),
    train: [
        phase("fit", #{
            epochs: 2,
            early_stop: #{ patience: 1, min_delta: 0.1 },
            optimizer: adam(#{ lr: log_uniform(1e-4, 1e-1) }),
        }),
    ],
    cv: nested(#{ outer: kfold(2, 1), inner: kfold(2, 2) }),
    search: random(#{ trials: 2, maximize: "roc_auc" }),
})
"#;

/// The model's script with `from` replaced by `to` is refused with an excerpt of the line in which that stands.
#[track_caller]
fn model_refused(from: &str, to: &str, marked: &str, message: &str, hint: Option<&str>) {
    assert!(MODEL.contains(from), "{from} is not in the script");
    let script = MODEL.replacen(from, to, 1);
    let (index, line) = script
        .lines()
        .enumerate()
        .find(|(_, line)| line.contains(to) && line.contains(marked))
        .expect("it is in a line");
    let column = line.rfind(marked).expect("it is in the line") + 1;
    let place = format!("experiment.rhai:{}:{column}", index + 1);
    check(&script).code(2).stdout_is("").stderr_is(&error_at(message, &place, line, marked.len(), hint));
}

#[test]
fn a_typo_in_a_key_is_found_inside_a_list_element_and_inside_a_map_in_it() {
    let hint = Some("did you mean `epochs`?");
    model_refused("epochs: 2", "epoch: 2", "epoch", "unknown key `epoch` in `phase`", hint);
    let hint = Some("did you mean `min_delta`?");
    model_refused("min_delta", "min_detla", "min_detla", "unknown key `min_detla` in this map", hint);
}

#[test]
fn a_typo_in_a_key_is_found_inside_an_imported_module() {
    let module = "fn point() {\n    sphere(#{\n        x: [uniform(0.0, 1.0)],\n        nois: 1.0,\n    })\n}\n";
    let script = format!(
        "import \"scripts/points\" as points;\n{}",
        sphere("", "").replace("sphere(#{ x: [] })", "points::point()")
    );
    let project = Project::new().file("scripts/points.rhai", module).script(&script);
    let wanted = error_at(
        "unknown key `nois` in `sphere`",
        "scripts/points.rhai:4:9",
        "        nois: 1.0,",
        4,
        Some("did you mean `noise`?"),
    );
    project.xrun(["check", "experiment.rhai"]).code(2).stdout_is("").stderr_is(&wanted);
}

#[test]
fn a_value_of_the_wrong_type_is_placed_at_that_value() {
    let message = "a whole number of at least 1 was expected here, not the text \"2\"";
    model_refused("trials: 2", "trials: \"2\"", "\"2\"", message, Some("leave the quotes out"));
    model_refused("name: \"a\"", "name: 3", "3", "a name was expected here, not the whole number `3`", None);
    let message = "a whole number of at least 1 was expected here, not the number `4.5`";
    model_refused("linear(4)", "linear(4.5)", "4.5", message, None);
    let hint = Some(
        "a layer is made by linear, conv2d, depthwise_conv2d, relu, relu6, leaky_relu, gelu, silu, sigmoid, tanh, \
         batch_norm, layer_norm, group_norm, dropout, max_pool, avg_pool, global_avg_pool, global_max_pool, flatten, \
         sequential, repeat, residual, parallel",
    );
    model_refused("linear(4)", "adam()", "adam", "a layer was expected here, not `adam(...)`", hint);
}

#[test]
fn a_value_out_of_range_is_placed_at_that_value() {
    model_refused(
        "dropout(0.5)",
        "dropout(1.5)",
        "1.5",
        "a number in 0..=1 was expected here, not the number `1.5`",
        None,
    );
    let message = "a number above 0 was expected here, not the number `-1.0`";
    model_refused("log_uniform(1e-4, 1e-1)", "-1.0", "-1.0", message, None);
    let message = "a whole number of at least 1 was expected here, not the whole number `0`";
    model_refused("trials: 2", "trials: 0", "0", message, None);
}

#[test]
fn an_object_that_can_leave_the_range_is_refused() {
    let message = "`uniform(0.0, 1.5)` can give 1.5, but a number in 0..=1 was expected here, not the number `1.5`";
    model_refused("dropout(0.5)", "dropout(uniform(0.0, 1.5))", "uniform", message, None);
    let message =
        "`uniform(1.0, 8.0)` can give 1.0, but a whole number of at least 1 was expected here, not the number `1.0`";
    model_refused("linear(4)", "linear(uniform(1.0, 8.0))", "uniform", message, None);
}

#[test]
fn bounds_the_wrong_way_round_are_refused_with_the_way_out() {
    let hint = Some("swap the bounds, or write one number to keep the parameter fixed");
    refused("let v = uniform(1.0, 0.0);", 9, 7, "lower bound 1.0 is above upper bound 0.0", hint);
    refused("let v = int(5, 2);", 9, 3, "lower bound 5 is above upper bound 2", hint);
    refused("let v = log_uniform(2, 1);", 9, 11, "lower bound 2.0 is above upper bound 1.0", hint);
    let hint = Some("raise the lower bound above 0, or search on a linear scale");
    refused("let v = log_uniform(0.0, 1.0);", 9, 11, "log_uniform needs a lower bound above 0, not 0.0", hint);
}

#[test]
fn a_missing_field_is_named_with_what_it_is_for() {
    let hint = Some("trials: number of trials of each study");
    model_refused("trials: 2, ", "", "random", "`random` needs `trials`", hint);
    let hint = Some("epochs: passes over the training rows, at most");
    let script = MODEL.replace("            epochs: 2,\n", "");
    let wanted = error_at("`phase` needs `epochs`", "experiment.rhai:6:9", "        phase(\"fit\", #{", 5, hint);
    check(&script).code(2).stderr_is(&wanted);
}

#[test]
fn a_search_needs_one_direction() {
    let hint = Some("name the validation metric, as in maximize: \"roc_auc\"");
    let message = "`random` needs one of `maximize` and `minimize`";
    model_refused(", maximize: \"roc_auc\"", "", "random", message, hint);
    model_refused("maximize: \"roc_auc\"", "maximize: \"roc_auc\", minimize: \"f1\"", "random", message, hint);
}

#[test]
fn an_unknown_constructor_is_answered_with_the_near_one() {
    refused("let v = sphrere([1.0]);", 9, 7, "there is no function `sphrere`", Some("did you mean `sphere`?"));
    refused("let v = unifrom(0.0, 1.0);", 9, 7, "there is no function `unifrom`", Some("did you mean `uniform`?"));
    refused("let v = uniform;", 9, 7, "there is no variable `uniform`", Some("did you mean `uniform(...)`?"));
    refused("let v = nowhere(1);", 9, 7, "there is no function `nowhere`", None);
}

#[test]
fn an_object_in_several_places_must_be_named() {
    let hint = Some(
        "give it a name with .named(\"...\") to make it one parameter, or call its constructor once for each place",
    );
    let message = "one search-space object stands in `objective.x.0` and `objective.x.1`";
    let line = "let w = uniform(0.0, 1.0);";
    for x in ["w, w", "w, w * 2", "1 - w, w / 2"] {
        let wanted = error_at(message, "experiment.rhai:1:9", line, 7, hint);
        check(&sphere(line, x)).code(2).stdout_is("").stderr_is(&wanted);
    }
}

#[test]
fn a_named_object_in_several_places_is_one_parameter() {
    let rows = [["width", "int(8, 64)", ""]];
    searches("let w = int(8, 64).named(\"width\");", "w, w / 2, 0 - w, w ** 2, 1.0 / w", &rows);
}

#[test]
fn a_name_is_letters_digits_and_underscores_in_parts() {
    searches("", "int(1, 2).named(\"block_1.width\")", &[["block_1.width", "int(1, 2)", ""]]);
    for name in ["", "a b", "1a", "a..b", "a-b"] {
        let line = format!("let w = int(1, 2).named({name:?});");
        let message =
            format!("`{name:?}` cannot be a parameter's name: letters, digits and `_`, in parts joined by `.`");
        refused(&line, 19, 5, &message, None);
    }
}

#[test]
fn two_parameters_of_one_name_are_refused_with_both_places() {
    let before = "let a = uniform(0.0, 1.0).named(\"w\");\nlet b = uniform(0.0, 1.0).named(\"w\");";
    let wanted = error_at(
        "two parameters are called `w`: at `objective.x.0` and at `objective.x.1`",
        "experiment.rhai:2:9",
        "let b = uniform(0.0, 1.0).named(\"w\");",
        7,
        Some("give them different names"),
    );
    check(&sphere(before, "a, b")).code(2).stdout_is("").stderr_is(&wanted);
}

#[test]
fn a_script_that_does_not_end_with_an_experiment_is_refused() {
    let hint = Some("leave out the `;` behind it, if it is there");
    for (script, what, width) in [
        ("let a = 1;", "nothing", 3),
        ("3", "a whole number", 1),
        ("sphere([1.0])", "`sphere(...)`", 6),
        ("uniform(0.0, 1.0)", "a search-space object", 7),
    ] {
        let message = format!("a script ends with `experiment(#{{...}})`, this one with {what}");
        check(script).code(2).stdout_is("").stderr_is(&error_at(&message, "experiment.rhai:1:1", script, width, hint));
    }
    check("").code(2).stdout_is("");
}

#[test]
fn a_comment_or_a_semicolon_behind_the_experiment_is_fine() {
    let script = sphere("", "uniform(0.0, 1.0)");
    check(&format!("{script}// the end\n")).code(0).stderr_is("");
    check(&format!("{};\n", script.trim_end())).code(0).stderr_is("");
}

#[test]
fn an_object_without_a_search_is_refused_at_that_object() {
    let line = "    objective: sphere(#{ x: [uniform(0.0, 1.0)] }),";
    let script =
        sphere("", "uniform(0.0, 1.0)").replace("    search: random(#{ trials: 2, minimize: \"value\" }),\n", "");
    let output = check(&script);
    output.code(2).stdout_is("");
    let wanted = error_at(
        "`objective.x.0` is to be searched, but the experiment has no `search`",
        "experiment.rhai:3:30",
        line,
        7,
        None,
    );
    assert!(output.stderr.starts_with(&wanted), "{output}");
    assert!(output.stderr.contains("hint: add search: "), "{output}");
    let wanted = error_at(
        "an experiment with an `objective` needs a `search`",
        "experiment.rhai:1:1",
        "experiment(#{",
        10,
        Some("add search: tpe(#{ trials: 100, minimize: \"value\" })"),
    );
    check(&script.replace("uniform(0.0, 1.0)", "1.0")).code(2).stdout_is("").stderr_is(&wanted);
}

#[test]
fn a_metric_in_the_wrong_direction_is_refused() {
    let hint = Some("write maximize: \"roc_auc\"");
    model_refused("maximize", "minimize", "\"roc_auc\"", "roc_auc is better the other way round", hint);
    let hint = Some("write minimize: \"log_loss\"");
    model_refused("\"roc_auc\"", "\"log_loss\"", "\"log_loss\"", "log_loss is better the other way round", hint);
}

#[test]
fn a_metric_of_a_model_is_refused_for_a_formula_and_the_other_way_round() {
    let line = "    search: random(#{ trials: 2, minimize: \"roc_auc\" }),";
    let message = "an objective given by a formula has one metric, \"value\"";
    let script = sphere("", "uniform(0.0, 1.0)").replace("\"value\"", "\"roc_auc\"");
    check(&script).code(2).stderr_is(&error_at(message, "experiment.rhai:4:44", line, 9, None));
    let message = "\"value\" is the metric of an objective given by a formula, not of a model";
    model_refused("\"roc_auc\"", "\"value\"", "\"value\"", message, None);
}

#[test]
fn an_unknown_metric_is_answered_with_the_near_one() {
    let known = "is not one of accuracy, balanced_accuracy, roc_auc, log_loss, f1, precision, recall, top_5_accuracy, f1_macro, f1_micro, \
                 precision_macro, recall_macro, expected_calibration_error, brier, average_precision, matthews_corrcoef, r2, \
                 rmse, mae, mse, value";
    let hint = Some("did you mean \"roc_auc\"?");
    model_refused("\"roc_auc\"", "\"roc_acu\"", "\"roc_acu\"", &format!("\"roc_acu\" {known}"), hint);
    let hint = Some("did you mean \"log_loss\"?");
    model_refused("min_delta: 0.1", "monitor: \"los_loss\"", "\"los_loss\"", &format!("\"los_loss\" {known}"), hint);
    model_refused("\"roc_auc\"", "\"zzz\"", "\"zzz\"", &format!("\"zzz\" {known}"), None);
}

#[test]
fn what_must_be_the_same_for_all_trials_cannot_be_searched() {
    let message = "this cannot be searched: it must be the same for all trials";
    let hint = Some("search-space objects may stand in model, train and objective; write one value here");
    model_refused("rows(20)", "rows(int(5, 20))", "int", message, hint);
    model_refused("trials: 2", "trials: int(1, 2)", "int", message, hint);
    model_refused("name: \"a\"", "name: choice([\"a\", \"b\"])", "choice", message, hint);
    model_refused("\"fit\"", "choice([\"a\", \"b\"])", "choice", message, hint);
}

#[test]
fn two_phases_of_one_name_are_refused() {
    let line = "        phase(\"fit\", #{ epochs: 1, optimizer: sgd() }),";
    let script = MODEL.replace("    ],\n", &format!("{line}\n    ],\n"));
    let hint = Some("give each phase a name of its own: its parameters go by it");
    check(&script).code(2).stderr_is(&error_at("two phases are called `fit`", "experiment.rhai:11:9", line, 5, hint));
}

#[test]
fn parameters_of_options_go_by_the_option_and_are_conditional() {
    let optimizer = "choice([\n                adamw(#{ lr: log_uniform(1e-4, 1e-1) }),\n                sgd(#{ lr: log_uniform(1e-3, 1.0), momentum: choice(#{ low: uniform(0.0, 0.5), none: 0.0 }) }),\n            ])";
    let script = MODEL
        .replace("rows(20)", "pets(#{ size: 8, n: 20 })")
        .replace("\"fit\"", "\"full\"")
        .replace("adam(#{ lr: log_uniform(1e-4, 1e-1) })", optimizer)
        .replace("linear(4)", "linear(int(4, 8))");
    let wanted = "\
a: random search, 2 trials a study, maximize roc_auc

 parameter                              searched in
 model.head.0.units                     int(4, 8)
 train.full.optimizer                   choice([\"adamw\", \"sgd\"])
 train.full.optimizer.adamw.lr          log_uniform(0.0001, 0.1)  if train.full.optimizer is adamw
 train.full.optimizer.sgd.lr            log_uniform(0.001, 1.0)   if train.full.optimizer is sgd
 train.full.optimizer.sgd.momentum      choice([\"low\", \"none\"])   if train.full.optimizer is sgd
 train.full.optimizer.sgd.momentum.low  uniform(0.0, 0.5)         if train.full.optimizer.sgd.momentum is low
";
    check(&script).code(0).stderr_is("").stdout_is(wanted);
}

#[test]
fn a_choice_goes_by_the_labels_of_its_map() {
    let rows = [
        ["objective.x.0", "choice([\"a\", \"b\"])", ""],
        ["objective.x.0.a", "uniform(0.0, 1.0)", "if objective.x.0 is a"],
    ];
    searches("", "choice(#{ a: uniform(0.0, 1.0), b: 2.0 })", &rows);
}

#[test]
fn options_that_look_alike_need_labels() {
    let line = "let v = choice([adam(#{ lr: 0.1 }), adam(#{ lr: 0.2 })]);";
    let output = check(&sphere(line, "uniform(0.0, 1.0)"));
    output.code(2).stdout_is("");
    assert!(output.stderr.contains("hint: give the options labels: choice(#{ fast: ..., slow: ... })"), "{output}");
    assert!(output.stderr.contains(" --> experiment.rhai:1:37\n"), "{output}");
}

#[test]
fn a_derived_whole_number_is_rounded_down() {
    // Seven in every trial: 7 / 2 is 3, its negative -7 / 2 is -4, and -(7 / 2) is -3.
    let project = Project::new().script(&sphere("let w = int(7, 7).named(\"w\");", "w / 2, (0 - w) / 2, -(w / 2)"));
    project.xrun(["experiment.rhai", "--quiet"]).code(0);
    let config = project.read(project.only_run("a").join("trial-000/config.rhai"));
    assert!(config.contains("objective: sphere([3.0, -4.0, -3.0], "), "{config}");
}

#[test]
fn an_import_stays_in_the_project() {
    let hint =
        Some("imports and loaded configs are named from the project root, without `..`, so that a run can record them");
    refused("import \"../spaces\" as s;", 8, 11, "\"../spaces.rhai\" leaves the project", hint);
    refused("import \"a/../spaces\" as s;", 8, 13, "\"a/../spaces.rhai\" leaves the project", hint);
    refused("import \"/etc/spaces\" as s;", 8, 13, "\"/etc/spaces.rhai\" leaves the project", hint);
}

#[cfg(unix)]
#[test]
fn a_link_that_leaves_the_project_is_refused() {
    let elsewhere = Project::new().file("spaces.rhai", "fn x() { uniform(0.0, 1.0) }\n");
    let line = "import \"scripts/spaces\" as s;";
    let project = Project::new().file("scripts/own.rhai", "").script(&sphere(line, "s::x()"));
    std::os::unix::fs::symlink(elsewhere.path("spaces.rhai"), project.path("scripts/spaces.rhai")).expect("a link");
    let message = "\"scripts/spaces.rhai\" is a link that leaves the project";
    let wanted = error_at(message, "experiment.rhai:1:8", line, 16, Some("copy the file into the project"));
    project.xrun(["check", "experiment.rhai"]).code(2).stdout_is("").stderr_is(&wanted);
}

#[test]
fn a_missing_module_is_named_with_the_root_it_was_looked_for_in() {
    let message = "there is no file \"scripts/nothing.rhai\" in the project";
    refused("import \"scripts/nothing\" as s;", 8, 17, message, Some("the project root is [PROJECT]"));
}

#[test]
fn an_error_inside_a_module_names_the_modules_file_and_line() {
    let project = Project::new().script(&sphere("import \"scripts/m\" as m;", "m::x()"));
    for (module, message, place, line, width) in [
        (
            "fn x() {\n    1 / 2\n}\n",
            "1 / 2 is not a whole number; write 1.0 / 2 for the fraction, or floor_div(1, 2)",
            "scripts/m.rhai:2:7",
            "    1 / 2",
            1,
        ),
        ("fn x() {\n    timestamp()\n}\n", NO_CLOCK, "scripts/m.rhai:2:5", "    timestamp()", 9),
        ("fn x() { 1 }\nlet y = ;\n", "unexpected ';'", "scripts/m.rhai:2:9", "let y = ;", 1),
        ("fn x() { 1 }\nlet y = 1 / 0;\n", "1 / 0 divides by zero", "scripts/m.rhai:2:11", "let y = 1 / 0;", 1),
    ] {
        project.write("scripts/m.rhai", module);
        let wanted = error_at(message, place, line, width, None);
        project.xrun(["check", "experiment.rhai"]).code(2).stdout_is("").stderr_is(&wanted);
    }
}

#[test]
fn an_error_inside_a_modules_module_names_that_module() {
    let project = Project::new()
        .file("scripts/outer.rhai", "import \"scripts/inner\" as inner;\nfn x() {\n    inner::x()\n}\n")
        .file("scripts/inner.rhai", "fn x() {\n\n    int(5, 2)\n}\n")
        .script(&sphere("import \"scripts/outer\" as outer;", "outer::x()"));
    let wanted = error_at(
        "lower bound 5 is above upper bound 2",
        "scripts/inner.rhai:3:5",
        "    int(5, 2)",
        3,
        Some("swap the bounds, or write one number to keep the parameter fixed"),
    );
    project.xrun(["check", "experiment.rhai"]).code(2).stdout_is("").stderr_is(&wanted);
}

#[test]
fn modules_that_import_each_other_end_in_an_error() {
    let project = Project::new()
        .file("scripts/a.rhai", "import \"scripts/b\" as b;\n")
        .file("scripts/b.rhai", "import \"scripts/a\" as a;\n")
        .script(&sphere("import \"scripts/a\" as a;", "uniform(0.0, 1.0)"));
    let message = "\"scripts/a.rhai\" imports itself";
    let wanted = error_at(message, "scripts/b.rhai:1:8", "import \"scripts/a\" as a;", 11, None);
    project.xrun(["check", "experiment.rhai"]).code(2).stdout_is("").stderr_is(&wanted);
}

#[test]
fn a_module_may_be_imported_twice() {
    let project = Project::new()
        .file("scripts/a.rhai", "import \"scripts/b\" as b;\nfn x() { b::x() }\n")
        .file("scripts/b.rhai", "fn x() { uniform(0.0, 1.0) }\n")
        .script(&sphere("import \"scripts/a\" as a;\nimport \"scripts/b\" as b;", "a::x(), b::x()"));
    project.xrun(["check", "experiment.rhai"]).code(0).stderr_is("");
}

#[test]
fn an_import_counts_from_the_project_not_from_the_working_folder() {
    let project = Project::new()
        .file("scripts/spaces.rhai", "fn x() { uniform(0.0, 1.0) }\n")
        .file("experiments/deep/e.rhai", &sphere("import \"scripts/spaces\" as s;", "s::x()"));
    let from_root = project.xrun(["check", "experiments/deep/e.rhai"]);
    from_root.code(0).stderr_is("");
    let project = project.from("elsewhere");
    project.xrun(["check", "../experiments/deep/e.rhai"]).code(0).stderr_is("").stdout_is(&from_root.stdout);
}

#[test]
fn a_recorded_script_finds_its_imports_in_the_run() {
    let project = Project::new()
        .file("scripts/spaces.rhai", "fn x() { uniform(0.0, 1.0) }\n")
        .script(&sphere("import \"scripts/spaces\" as s;", "s::x()"));
    project.xrun(["experiment.rhai", "--quiet"]).code(0);
    let run = project.only_run("a");
    assert_eq!(project.read(run.join("imports/scripts/spaces.rhai")), "fn x() { uniform(0.0, 1.0) }\n");
    project.write("scripts/spaces.rhai", "fn x() { uniform(0.0, 9.0) }\n");
    let script = run.join("script.rhai").display().to_string();
    let output = project.xrun(["check", &script]);
    output.code(0).stderr_is("");
    assert!(output.stdout.contains(" objective.x.0  uniform(0.0, 1.0)\n"), "{output}");
}

const BRANIN: &str = r#"experiment(#{
    name: "branin",
    objective: branin(#{ x1: uniform(-5.0, 10.0), x2: uniform(0.0, 15.0) }),
    search: tpe(#{ trials: param("trials", 4, "trials of the search"), minimize: "value" }),
})
"#;

/// A project with a recorded run, and the path of that run's config.
fn recorded() -> (Project, String) {
    let project = Project::new().file("branin.rhai", BRANIN);
    project.xrun(["branin.rhai", "--quiet"]).code(0);
    let config = project.only_run("branin").join("config.rhai").display().to_string();
    (project, config)
}

#[test]
fn an_experiment_builds_on_a_recorded_config() {
    let (project, config) = recorded();
    project.write(
        "experiment.rhai",
        &format!(
            "load({config:?}).with(#{{ name: \"again\", search: random(#{{ trials: 3, minimize: \"value\" }}) }})\n"
        ),
    );
    let wanted = "\
again: random search, 3 trials a study, minimize value

 parameter     searched in
 objective.x1  uniform(-5.0, 10.0)
 objective.x2  uniform(0.0, 15.0)
";
    project.xrun(["check", "experiment.rhai"]).code(0).stderr_is("").stdout_is(wanted);
    project.xrun(["experiment.rhai", "--quiet"]).code(0);
    let run = project.only_run("again");
    assert_eq!(project.read(run.join("imports").join(&config)), project.read(&config), "the loaded config is recorded");
}

#[test]
fn a_loaded_config_without_changes_is_the_same_experiment() {
    let (project, config) = recorded();
    project.write("experiment.rhai", &format!("load({config:?})\n"));
    project.xrun(["experiment.rhai", "--quiet"]).code(0);
    let runs = project.runs("branin");
    assert_eq!(runs.len(), 2);
    assert_eq!(project.read(runs[0].join("trials.csv")), project.read(runs[1].join("trials.csv")));
}

#[test]
fn with_takes_a_field_away() {
    let (project, config) = recorded();
    project.write("experiment.rhai", &format!("load({config:?}).with(#{{ search: () }})\n"));
    let output = project.xrun(["check", "experiment.rhai"]);
    output.code(2);
    let message = "error: `objective.x1` is to be searched, but the experiment has no `search`\n";
    assert!(output.stderr.starts_with(message), "{output}");
}

#[test]
fn with_refuses_keys_and_values_that_do_not_fit() {
    let (project, config) = recorded();
    let start = format!("load({config:?})");
    for (changes, message, marked, hint) in [
        ("nam: \"again\"", "unknown key `nam` in `experiment`", "nam", Some("did you mean `name`?")),
        (
            "seed: \"x\"",
            "a whole number of at least 0 was expected here, not the text \"x\"",
            "\"x\"",
            Some("leave the quotes out"),
        ),
        (
            "name: \"a/b\"",
            "\"a/b\" cannot be a name: letters, digits, `_`, `-` and inner `.`, at most 100",
            "\"a/b\"",
            None,
        ),
    ] {
        // On a line of its own, for long lines are cut in excerpts.
        let line = format!("    .with(#{{ {changes} }})");
        project.write("experiment.rhai", &format!("{start}\n{line}\n"));
        let column = line.find(marked).expect("it is in the line") + 1;
        let wanted = error_at(message, &format!("experiment.rhai:2:{column}"), &line, marked.len(), hint);
        project.xrun(["check", "experiment.rhai"]).code(2).stdout_is("").stderr_is(&wanted);
    }
}

#[test]
fn with_changes_experiments_and_fits_alone() {
    let line = "let v = sphere([1.0]).with(#{ noise: 0.5 });";
    refused(line, 23, 4, "`with` changes an experiment or a fit, not `sphere`", None);
}

#[test]
fn a_config_that_cannot_be_loaded_is_refused() {
    refused(
        "load(\"nothing.rhai\");",
        6,
        14,
        "there is no file \"nothing.rhai\" in the project",
        Some("the project root is [PROJECT]"),
    );
    refused("load(\"experiment.rhai\");", 6, 17, "\"experiment.rhai\" loads itself", None);
    let hint =
        Some("imports and loaded configs are named from the project root, without `..`, so that a run can record them");
    refused("load(\"../config.rhai\");", 6, 16, "\"../config.rhai\" leaves the project", hint);
    refused("load(3);", 1, 4, "`load` takes the path of a config.rhai", None);
}

#[test]
fn an_error_inside_a_loaded_config_names_that_config() {
    let project = Project::new().file("config.rhai", "\nlet v = 1 / 2;\n").script("load(\"config.rhai\")\n");
    let message = "config.rhai:2:11: 1 / 2 is not a whole number; write 1.0 / 2 for the fraction, or floor_div(1, 2)";
    let wanted = error_at(message, "experiment.rhai:1:6", "load(\"config.rhai\")", 13, None);
    project.xrun(["check", "experiment.rhai"]).code(2).stdout_is("").stderr_is(&wanted);
}
