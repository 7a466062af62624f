//! What teaches the program: help, completions, manual pages, and the doctor.

mod support;

use support::{Output, Project};

/// The commands that `xrun --help` lists.
fn commands(project: &Project) -> Vec<String> {
    let help = project.xrun(["--help"]);
    let lines = help.stdout.lines().skip_while(|line| *line != "Commands:").skip(1);
    let listed = lines.take_while(|line| !line.is_empty()).filter_map(|line| line.strip_prefix("  "));
    listed.filter(|line| !line.starts_with(' ')).filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

#[test]
fn every_help_says_what_it_is_about_then_shows_examples_then_the_usage() {
    let project = Project::new();
    let commands = commands(&project);
    assert!(commands.len() >= 20, "{commands:?}");
    let data = ["ls", "fetch", "verify"].map(|of| vec!["data".to_owned(), of.to_owned()]);
    for command in commands.into_iter().map(|command| vec![command]).chain(data).chain([Vec::new()]) {
        for flag in ["--help", "-h"] {
            let output = project.xrun(command.iter().map(String::as_str).chain([flag]));
            output.code(0).stderr_is("");
            let examples = output.stdout.find("\n\nExamples:\n  ");
            let usage = output.stdout.find("\n\nUsage: xrun");
            assert!(examples.is_some() && examples < usage, "{output}");
        }
    }
}

#[test]
fn a_help_is_its_examples_its_usage_and_its_options() {
    let wanted = "\
Show what can be set in a script, with default, help and what it accepts, and what is searched

Examples:
  xrun params experiments/orchard.rhai                what can be set in it
  xrun params experiments/orchard.rhai --json         ... for a program

Usage: xrun params [OPTIONS] <SCRIPT> [KEY=VALUE]...

Arguments:
  <SCRIPT>        The experiment script
  [KEY=VALUE]...  Sets a param, fixes a parameter, or replaces what stands at a path

Options:
      --only <VARIANT>  Of a script with variants, this one alone; can be given several times
      --json            Print one JSON object
  -h, --help            Print help
";
    Project::new().xrun(["params", "--help"]).code(0).stderr_is("").stdout_is(wanted);
}

#[test]
fn completions_are_for_four_shells() {
    let project = Project::new();
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let output = project.xrun(["completions", shell]);
        output.code(0).stderr_is("").stdout_contains("_XRUN_COMPLETE").stdout_contains("xrun");
    }
    let wanted = "\
error: invalid value 'cmd' for '<SHELL>'
  [possible values: bash, zsh, fish, powershell]

For more information, try '--help'.
";
    project.xrun(["completions", "cmd"]).code(2).stdout_is("").stderr_is(wanted);
}

const SCRIPT: &str = r#"let size = param("size", 16, "edge of a picture", [16, 32]);
let fast = param("fast", false, "half the trials");
experiment(#{
    name: "a",
    objective: sphere(#{ x: [uniform(0.0, 1.0)] }),
    search: random(#{ trials: if fast { 1 } else { size / 8 }, minimize: "value" }),
})
"#;

/// What fish is told may stand in the place of the last word.
fn completed(project: Project, words: &[&str]) -> (Project, Output) {
    let project = project.env("_XRUN_COMPLETE", "fish");
    let output = project.xrun(["--", "xrun"].iter().chain(words));
    output.code(0).stderr_is("");
    (project, output)
}

#[test]
fn commands_and_flags_are_completed() {
    let (project, output) = completed(Project::new(), &["re"]);
    output.stdout_contains("resume\tGo on with a run that was stopped\nreport\tWrite a page about recorded runs: results, curves, the search, where they come from\nreplay\tTrain a recorded run or fit again and compare every file: RUN, or RUN:outer-0/inner-0/final");
    let (_, output) = completed(project, &["plan", "--fo"]);
    output.stdout_is("--format\tWith --graph: a tree for the terminal, or the text of a Mermaid flowchart\n");
}

#[test]
fn params_and_parameters_of_the_script_are_completed_with_their_values() {
    let project = Project::new().file("a.rhai", SCRIPT);
    let (project, output) = completed(project, &["plan", "a.rhai", "s"]);
    output.stdout_is("size=\tedge of a picture\n");
    let (project, output) = completed(project, &["a.rhai", "size="]);
    output.stdout_is("size=16\tedge of a picture\nsize=32\tedge of a picture\n");
    let (project, output) = completed(project, &["a.rhai", "fast=t"]);
    output.stdout_is("fast=true\thalf the trials\n");
    let (project, output) = completed(project, &["a.rhai", "obj"]);
    output.stdout_is("objective.x.0=\tuniform(0.0, 1.0)\n");
    let (_, output) = completed(project, &["a.rh"]);
    output.stdout_is("a.rhai\n");
}

#[test]
fn a_value_behind_an_equals_sign_is_completed_in_bash_too() {
    let project = Project::new().file("a.rhai", SCRIPT);
    let project = project.env("_XRUN_COMPLETE", "bash").env("_CLAP_COMPLETE_INDEX", "4").env("_CLAP_IFS", "\n");
    project.xrun(["--", "xrun", "a.rhai", "size", "=", "1"]).code(0).stderr_is("").stdout_is("16");
    // Of an `=` with nothing behind it, bash's script leaves nothing.
    let project = project.env("_CLAP_COMPLETE_INDEX", "3");
    let output = project.xrun(["--", "xrun", "a.rhai", "size", ""]);
    output.code(0).stderr_is("");
    let values: Vec<&str> = output.stdout.lines().take_while(|line| !line.starts_with("--")).collect();
    assert_eq!(values, ["16", "32"]);
}

#[test]
fn ids_of_runs_are_completed_the_latest_first() {
    let project = Project::new().file("a.rhai", SCRIPT);
    project.xrun(["a.rhai", "--quiet"]).code(0);
    project.xrun(["a.rhai", "size=32", "--quiet"]).code(0);
    let ids: Vec<String> = project
        .runs("a")
        .iter()
        .filter_map(|run| run.file_name())
        .map(|id| id.to_string_lossy().into_owned())
        .collect();
    let (project, output) = completed(project, &["show", "2"]);
    let found: Vec<&str> = output.stdout.lines().collect();
    assert_eq!(found, [format!("{}\ta, complete", ids[1]), format!("{}\ta, complete", ids[0])]);
    let (_, output) = completed(project, &["show", "@"]);
    output.stdout_is("@latest\tthe latest run\n@best\tthe best run of the only experiment\n");
}

#[test]
fn manual_pages_have_the_examples_and_the_exit_codes() {
    let project = Project::new();
    let output = project.xrun(["man", "pages/man1"]);
    output.code(0).stderr_is("").stdout_is("30 pages in pages/man1; read one with: man -l pages/man1/xrun.1\n");
    let pages = project.names("pages/man1");
    assert!(pages.iter().any(|page| page == "xrun-data-fetch.1"), "{pages:?}");
    assert!(!pages.iter().any(|page| page.contains("__")), "hidden commands have no page: {pages:?}");
    let page = project.read("pages/man1/xrun-plan.1");
    let example =
        ".SH \"EXAMPLES\"\n.nf\n# data, folds, studies, fits; what is reused\nxrun plan experiments/orchard.rhai\n\n";
    assert!(page.contains(example), "{page}");
    assert!(page.contains("xrun plan \\-\\-graph experiments/orchard.rhai \\-\\-format mermaid\n"), "{page}");
    let main = project.read("pages/man1/xrun.1");
    assert!(main.contains(".SH \"EXIT STATUS\"\n.nf\n  0  done\n"), "{main}");
}

#[test]
fn manual_pages_that_cannot_be_written_are_an_error() {
    let project = Project::new().file("pages", "");
    let wanted = "\
error: cannot write the manual pages into pages/man1: Not a directory (os error 20)
hint: name a folder that can be written
";
    project.xrun(["man", "pages/man1"]).code(1).stdout_is("").stderr_is(wanted);
}

/// The findings with what differs from machine to machine left out.
fn findings(output: &Output) -> String {
    let line = |line: &str| {
        let line = match line.rfind(", ") {
            Some(at) if line.ends_with(" free") => format!("{}, [SIZE] free", &line[..at]),
            _ => line.to_owned(),
        };
        match line.find(" (") {
            Some(at) if !line.contains("xrun data ls") => format!("{} [MACHINE]\n", &line[..at]),
            _ => format!("{line}\n"),
        }
    };
    output.redact(&output.stdout).lines().map(line).collect()
}

#[test]
fn the_doctor_looks_at_everything_and_writes_nothing() {
    let project = Project::new();
    let output = project.xrun(["doctor"]);
    output.code(0).stderr_is("");
    assert_eq!(findings(&output), "\
OK         settings      device cpu, 1 thread, 1 worker; xrun settings says why
OK         results       [PROJECT]/results, not there yet, [SIZE] free
OK         cache         [PROJECT]/home/cache/xrun, not there yet, [SIZE] free
OK         data          nothing that was published is here; embedded data and your own files need nothing (xrun data ls)
OK         devices       cpu [MACHINE]
OK         training      cpu trains a tiny network, 1 thread
OK         determinism   two trainings agree bit for bit [MACHINE]

all is well
");
    assert_eq!(project.names(""), ["xrun.toml"]);
}

#[test]
fn the_doctor_names_the_remedy_of_what_needs_attention() {
    let project = Project::new().file("results", "").file("data/mnist/t10k-images-idx3-ubyte.gz.part", "x");
    let project = project.env("XRUN_WORKER", "2").env("XRUN_DEVICE", "cuda");
    let output = project.xrun(["doctor"]);
    output.code(1).stderr_is(
        "warning: the variable `XRUN_WORKER` is no setting and is passed over; did you mean `XRUN_WORKERS`?\n",
    );
    assert_eq!(
        findings(&output),
        "\
attention  settings      the variable XRUN_WORKER is no setting
                         remedy: unset it, or write XRUN_WORKERS
attention  results       [PROJECT]/results is a file
                         remedy: move it away, or choose another folder: --results DIR, or results in xrun.toml
OK         cache         [PROJECT]/home/cache/xrun, not there yet, [SIZE] free
attention  data          cut short in [PROJECT]/data: mnist
                         remedy: xrun data fetch mnist
OK         devices       cpu [MACHINE]
attention  training      this xrun was built without cuda; build it with `cargo build --release --features cuda`
                         remedy: --device cpu works everywhere

4 points need attention
"
    );
}

#[test]
fn the_doctor_trains_on_the_device_that_is_named() {
    let output = Project::new().xrun(["doctor", "--device", "cpu"]);
    output.code(0).stderr_is("");
    let begins: Vec<&str> =
        output.stdout.lines().filter_map(|line| line.split(' ').find(|word| !word.is_empty())).collect();
    assert_eq!(begins, ["device", "cpu", "testing", "repeat", "speed", "losses", "verdict"], "{output}");
    output.stdout_contains("\nrepeat   two trainings with dropout and batch norm agree bit for bit\n");
    output.stdout_contains("\nverdict  cpu trains\n");
}
