//! The program's command line as it is shown: every help begins with examples.

use std::ffi::OsString;

use clap::{Arg, Command, CommandFactory, FromArgMatches};

use super::args::Arguments;
use super::complete;

const TEMPLATE: &str = "{about-with-newline}\n{before-help}{usage-heading} {usage}\n\n{all-args}{after-help}";

/// What each command's help begins with, by the names behind `xrun`.
const EXAMPLES: &[(&str, &[(&str, &str)])] = &[
    (
        "",
        &[
            ("xrun experiments/pets_step5.rhai", "run an experiment"),
            ("xrun experiments/pets_step5.rhai epochs=10", "... with a param set"),
            ("xrun experiments/pets_step5.rhai train.full.optimizer.lr=1e-3", "... with a parameter fixed"),
            ("xrun params experiments/pets_step5.rhai", "what can be set in it, and what is searched"),
            ("xrun plan --graph experiments/pets_step5.rhai", "what a run would do, and why"),
            ("xrun results/pets_step5/RUN/config.rhai", "run a recorded config again"),
            ("xrun resume @latest", "go on with a run that was stopped"),
            ("xrun ls 'metrics.roc_auc > 0.9' --sort -best", "recorded runs, by filter and order"),
            ("xrun show @latest", "one of them"),
            ("xrun best pets_step5", "the best of an experiment, by validation rows"),
            ("xrun report @latest", "a page with its figures, for browser or paper"),
            ("xrun replay @latest", "train it again and compare"),
            ("xrun compare RUN RUN --metric roc_auc", "whether one is better, by the same outer folds"),
            ("xrun finalize RUN", "the model to ship: its search on all rows"),
            ("xrun predict RUN photos/", "what a model says of pictures, or of a table"),
            ("xrun doctor", "whether this machine is ready"),
        ],
    ),
    (
        "check",
        &[
            ("xrun check experiments/orchard.rhai", "is it right, and what does it search?"),
            ("xrun check experiments/orchard.rhai trials=50", "... with a param set"),
            ("xrun check experiments/mnist_variants.rhai --only conv", "... one of its variants"),
        ],
    ),
    (
        "params",
        &[
            ("xrun params experiments/orchard.rhai", "what can be set in it"),
            ("xrun params experiments/orchard.rhai --json", "... for a program"),
        ],
    ),
    (
        "plan",
        &[
            ("xrun plan experiments/orchard.rhai", "data, folds, studies, fits; what is reused"),
            ("xrun plan --graph experiments/orchard.rhai trials=20", "step by step: what will run, and why"),
            ("xrun plan --graph experiments/orchard.rhai --format mermaid", "... as a flowchart for a document"),
        ],
    ),
    (
        "ask",
        &[
            ("xrun ask experiments/external.rhai --json", "the next trial of an objective of your own"),
            ("xrun ask experiments/external.rhai --again 3", "trial 3 once more"),
        ],
    ),
    (
        "tell",
        &[
            ("xrun tell @latest --trial 0 --value 0.93", "what came out"),
            ("xrun tell @latest --trial 1 --failed 'out of memory'", "... or why nothing did"),
            ("xrun tell @latest --trial 2 --value 0.5 --epoch 3", "after an epoch: go on or stop?"),
        ],
    ),
    (
        "resume",
        &[("xrun resume @latest", "go on from the last checkpoints"), ("xrun resume RUN --workers 4", "... faster")],
    ),
    (
        "ls",
        &[
            ("xrun ls", "the recorded runs"),
            ("xrun ls 'metrics.roc_auc > 0.9 and params.lr < 1e-3'", "those that meet a filter"),
            ("xrun ls 'name == \"orchard\"' --sort -best --limit 5", "the best five of an experiment"),
            ("xrun ls 'started > \"2026-11-01\" and not tags.discard'", "by date and tag"),
            ("xrun ls --columns id,name,best,params.lr --csv > runs.csv", "a table"),
        ],
    ),
    (
        "show",
        &[
            ("xrun show", "the latest run"),
            ("xrun show orchard@best", "the best of an experiment, by validation rows"),
            ("xrun show @latest --trial 3", "trial 3 of each of its studies, with curves"),
            ("xrun show @latest:outer-0/inner-1/trial-003", "one fit: metrics and curves"),
            ("xrun show @latest --metric f1", "one metric, computed if it is not recorded"),
            ("xrun show --model experiments/pets_step5.rhai", "the layers of a network"),
            ("xrun show --augment experiments/pets_step5.rhai", "its augmented pictures, as a PNG"),
        ],
    ),
    (
        "best",
        &[
            ("xrun best orchard", "the best of an experiment, by validation rows"),
            ("xrun best orchard --id", "its id alone, for xrun finalize and others"),
        ],
    ),
    (
        "tag",
        &[
            ("xrun tag @latest baseline kind=ablation", "two tags, one with a value"),
            ("xrun tag @latest", "those it has"),
        ],
    ),
    ("untag", &[("xrun untag @latest baseline kind", "take two tags away")]),
    (
        "note",
        &[
            ("xrun note @latest 'the first with all pictures'", "say what it is"),
            ("xrun note @latest ''", "take the note away"),
        ],
    ),
    (
        "export",
        &[
            ("xrun export @latest --what trials -o trials.csv", "every trial"),
            ("xrun export RUN RUN --what predictions > p.csv", "what two runs predicted, row by row"),
        ],
    ),
    (
        "report",
        &[
            ("xrun report @latest", "write its page anew"),
            ("xrun report RUN RUN -o both.html", "several runs in one page"),
            ("xrun report @latest --figures figures/", "every figure as SVG and PNG"),
            ("xrun report --all orchard -o orchard.html", "all runs of an experiment"),
        ],
    ),
    (
        "replay",
        &[
            ("xrun replay @latest", "train it again and compare every file"),
            ("xrun replay RUN:outer-0/inner-0/final", "... one fit of it"),
            ("xrun replay @latest data=/mnt/photos", "... with the data in another place"),
        ],
    ),
    (
        "finalize",
        &[
            ("xrun finalize RUN", "the model to ship: its search on all rows"),
            ("xrun finalize RUN --name apples_v1", "... under a name"),
        ],
    ),
    (
        "predict",
        &[
            ("xrun predict RUN photos/", "every picture in a folder"),
            ("xrun predict RUN new.csv --csv", "every row of a table, as CSV"),
        ],
    ),
    (
        "diff",
        &[
            ("xrun diff RUN RUN", "config, provenance, results"),
            ("xrun diff RUN RUN --all", "... times and places too"),
        ],
    ),
    (
        "compare",
        &[
            ("xrun compare RUN RUN", "whether the second is better than the first"),
            ("xrun compare RUN RUN --metric roc_auc --rope 0.01", "... by more than is of interest"),
            ("xrun compare --git v1.0..", "what commits since a tag made of an experiment"),
        ],
    ),
    ("rm", &[("xrun rm RUN --dry-run", "what would be removed"), ("xrun rm RUN RUN", "remove it")]),
    ("gc", &[("xrun gc --dry-run", "what nobody needs"), ("xrun gc", "remove it")]),
    (
        "data",
        &[
            ("xrun data ls", "what can be fetched"),
            ("xrun data fetch mnist", "fetch it"),
            ("xrun data verify", "check what is there"),
        ],
    ),
    (
        "data ls",
        &[
            ("xrun data ls", "names, sizes, places, licences"),
            ("xrun data ls --json", "... with the addresses, for a program"),
        ],
    ),
    (
        "data fetch",
        &[
            ("xrun data fetch mnist resnet18", "from the publishers, checked and unpacked"),
            ("xrun data fetch mnist --url https://mirror.example/mnist", "... from a mirror"),
        ],
    ),
    ("data verify", &[("xrun data verify", "all that is there"), ("xrun data verify mnist", "... one of it")]),
    (
        "doctor",
        &[
            ("xrun doctor", "settings, folders, data, devices, determinism"),
            ("xrun doctor --device wgpu", "one device: train on it and on the CPU"),
        ],
    ),
    (
        "settings",
        &[
            ("xrun settings", "each setting and where it comes from"),
            ("xrun settings --workers 4", "... with one given"),
        ],
    ),
    (
        "completions",
        &[
            ("eval \"$(xrun completions bash)\"", "in ~/.bashrc"),
            ("eval \"$(xrun completions zsh)\"", "in ~/.zshrc, behind compinit"),
            ("xrun completions fish > ~/.config/fish/completions/xrun.fish", "once"),
            ("xrun completions powershell | Out-String | Invoke-Expression", "in $PROFILE"),
        ],
    ),
    ("man", &[("xrun man ~/.local/share/man/man1", "then: man xrun, man xrun-plan")]),
];

/// The command line with its examples and completions.
pub(super) fn command() -> Command {
    dress(Arguments::command(), "")
}

/// Reads the arguments.
///
/// # Errors
/// They are wrong, or ask for help or the version.
pub(super) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Arguments, clap::Error> {
    let matches = command().try_get_matches_from(arguments)?;
    Arguments::from_arg_matches(&matches).map_err(|error| error.format(&mut command()))
}

/// The examples of a command, by the names behind `xrun`.
pub(super) fn examples(path: &str) -> &'static [(&'static str, &'static str)] {
    EXAMPLES.iter().find(|(of, _)| *of == path).map_or(&[], |(_, examples)| examples)
}

fn dress(command: Command, path: &str) -> Command {
    let command = command.help_template(TEMPLATE).mut_args(completed).mut_subcommands(|sub| {
        let path = format!("{path} {}", sub.get_name());
        dress(sub, path.trim_start())
    });
    match examples(path) {
        [] => command,
        examples => command.before_help(format!("Examples:\n{}", listed(examples))),
    }
}

/// What an argument is completed with, by the name of its value.
fn completed(arg: Arg) -> Arg {
    let is =
        |names: &[&str]| arg.get_value_names().is_some_and(|of| of.iter().any(|name| names.contains(&name.as_str())));
    if is(&["RUN", "RUN|FIT", "A", "B", "MODEL"]) {
        arg.add(complete::runs())
    } else if is(&["KEY=VALUE"]) {
        arg.add(complete::overrides())
    } else if is(&["SCRIPT"]) {
        arg.add(complete::scripts())
    } else if is(&["NAME"]) && arg.get_id() == "names" {
        arg.add(complete::published())
    } else {
        arg
    }
}

/// Examples with what they are for, which stands below those that are too long.
fn listed(examples: &[(&str, &str)]) -> String {
    const WIDTH: usize = 52;
    let line = |(example, what): &(&str, &str)| match example.len() {
        0..WIDTH => format!("  {example:WIDTH$}{what}"),
        _ => format!("  {example}\n  {:WIDTH$}{what}", ""),
    };
    examples.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The words of an example's call of xrun, as a shell would give them.
    fn words(example: &str) -> Vec<String> {
        let call = example.find("xrun").map_or(example, |at| &example[at..]);
        let mut words = Vec::new();
        for (index, part) in call.split('\'').enumerate() {
            if index % 2 == 1 {
                words.push(part.to_owned());
                continue;
            }
            // What follows is the shell's.
            let end = part.find([')', '|', '>']);
            words.extend(part[..end.unwrap_or(part.len())].split_whitespace().map(str::to_owned));
            if end.is_some() {
                break;
            }
        }
        words
    }

    #[test]
    fn every_example_is_a_call_that_the_program_takes() {
        for (path, examples) in EXAMPLES {
            for (example, what) in *examples {
                assert!(what.len() <= 46, "{what:?} goes beyond the 100 columns of a help");
                let words = words(example);
                assert!(words.len() > 1 || *path == "ls", "{example}");
                if let Err(error) = parse(words.iter().map(OsString::from)) {
                    panic!("xrun {path} --help shows {example:?}: {error}");
                }
                let behind: String = words[1..].join(" ");
                let is_whole = !path.is_empty() && !example.starts_with("eval");
                assert!(!is_whole || behind.starts_with(path), "{example:?} is no example of {path}");
            }
        }
    }

    /// A line that ends within a paragraph would stay short where clap wraps the one before it.
    #[test]
    fn a_paragraph_behind_the_options_is_one_line_unless_it_is_a_list() {
        fn look(command: &Command) {
            let text = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            for line in text.split("\n\n").flat_map(|paragraph| paragraph.lines().skip(1)) {
                assert!(line.starts_with("  ") && line.len() <= 100, "xrun {} --help: {line:?}", command.get_name());
            }
            command.get_subcommands().for_each(look);
        }
        look(&command());
    }

    #[test]
    fn every_command_that_is_shown_has_examples() {
        fn look(command: &Command, path: &str) {
            assert!(!examples(path).is_empty(), "xrun {path} --help has no examples");
            for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
                look(sub, format!("{path} {}", sub.get_name()).trim_start());
            }
        }
        let command = command();
        look(&command, "");
        command.debug_assert();
    }
}
