//! The guide: every command in it runs, in order, in one project, and prints what the guide shows.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const GUIDE: &str = include_str!("../docs/guide.md");

/// Commands of the guide, and what it shows of their output.
#[derive(Debug, PartialEq, Eq)]
struct Step {
    line: usize,
    commands: String,
    shown: Option<String>,
}

/// The `sh` blocks in their order; a `text` block belongs to the one before it.
fn steps(guide: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut lines = guide.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let Some(kind) = line.strip_prefix("```") else { continue };
        let block: Vec<&str> = lines.by_ref().map(|(_, line)| line).take_while(|line| *line != "```").collect();
        let text = block.join("\n");
        match kind {
            "sh" => steps.push(Step { line: number + 1, commands: text, shown: None }),
            "text" => {
                let of = steps.last_mut().unwrap();
                assert_eq!(of.shown, None, "line {}: {:?} has an output already", number + 1, of.commands);
                of.shown = Some(text);
            }
            other => panic!("line {}: a block of {other:?}: commands are sh, outputs text", number + 1),
        }
    }
    steps
}

/// The words of a line; paths, ids of runs, and numbers with a unit differ from machine to machine and are left out.
fn constant(line: &str) -> Vec<String> {
    let is_id = |text: &str| {
        let parts: Vec<&str> = text.split('-').collect();
        matches!(parts[..], [day, time, end] if day.len() == 8 && time.len() == 6 && end.len() == 4)
    };
    let mut words: Vec<String> = Vec::new();
    for word in line.split_whitespace() {
        let bare = word.trim_end_matches([',', ';', ':', ')']);
        let end = &word[bare.len()..];
        let constant = match bare {
            "s" | "ms" | "MB" | "GB" => {
                words.pop();
                format!("SIZE{end}")
            }
            path if path.starts_with('/') => format!("PATH{end}"),
            id if is_id(id) => format!("RUN{end}"),
            _ => word.to_owned(),
        };
        words.push(constant);
    }
    words
}

/// Whether a word is what is shown. A number with a fraction may differ by a tenth: other machines round otherwise.
fn agrees(shown: &str, found: &str) -> bool {
    let number = |word: &str| word.parse::<f64>().ok().filter(|_| word.contains('.'));
    match (number(shown), number(found)) {
        (Some(shown), Some(found)) => (shown - found).abs() <= 0.1,
        _ => shown == found,
    }
}

/// The first line of what is shown that the output lacks; `...` stands for any lines.
fn missing(shown: &str, found: &str) -> Option<String> {
    let found: Vec<Vec<String>> = found.lines().map(constant).collect();
    let mut rest = found.as_slice();
    let mut may_skip = false;
    for line in shown.lines() {
        if line == "..." {
            may_skip = true;
            continue;
        }
        let wanted = constant(line);
        let is_shown = |found: &Vec<String>| {
            wanted.len() == found.len() && wanted.iter().zip(found).all(|(shown, found)| agrees(shown, found))
        };
        let n_open = if may_skip { rest.len() } else { 1 };
        match rest.iter().take(n_open).position(is_shown) {
            Some(at) => rest = &rest[at + 1..],
            None => return Some(line.to_owned()),
        }
        may_skip = false;
    }
    if may_skip || rest.is_empty() { None } else { Some("(its end)".to_owned()) }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().filter_map(Result::ok) {
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// Runs commands as a reader would, with nothing of the user's around them.
fn run(project: &Path, commands: &str) -> Output {
    let program = Path::new(env!("CARGO_BIN_EXE_xrun"));
    let path = std::env::join_paths(
        [program.parent().unwrap().to_owned()]
            .into_iter()
            .chain(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())),
    );
    let mut command = Command::new("sh");
    command.args(["-e", "-c", commands]).current_dir(project).env_clear();
    command.env("PATH", path.unwrap()).env("HOME", project.join("home")).env("NO_COLOR", "1");
    command.env("GIT_CEILING_DIRECTORIES", project.parent().unwrap());
    command.output().unwrap()
}

#[test]
fn every_command_of_the_guide_runs_and_prints_what_it_shows() {
    let folder = tempfile::tempdir().unwrap();
    let project = folder.path().canonicalize().unwrap();
    let source = Path::new(env!("CARGO_MANIFEST_DIR"));
    for part in ["experiments", "scripts"] {
        copy(&source.join(part), &project.join(part));
    }
    let steps = steps(GUIDE);
    assert!(steps.len() >= 15, "{steps:?}");
    for Step { line, commands, shown } in &steps {
        let output = run(&project, commands);
        let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let all = format!("docs/guide.md:{line}\n{commands}\n--- stdout\n{stdout}--- stderr\n{stderr}");
        assert!(output.status.success(), "{} of {all}", output.status);
        if let Some(missing) = shown.as_ref().and_then(|shown| missing(shown, &stdout)) {
            panic!("the guide shows {missing:?}, which is not there: {all}");
        }
    }
}

#[test]
fn what_the_guide_shows_is_compared_line_by_line_but_for_times_sizes_paths_and_ids() {
    let found = "run 20261121-181325-91e5, 80.1 GB free in /data/x\n trials   12  0.5371\nb\nc\n52 fits in 7 s\n";
    let shown = "run 20260101-120000-abcd, 2.0 GB free in /home/me\n trials 12 0.6\n...\n52 fits in 12 s";
    assert_eq!(missing(shown, found), None);
    assert_eq!(missing(&shown.replace(" 12 ", " 13 "), found), Some(" trials 13 0.6".to_owned()));
    assert_eq!(missing(&shown.replace("0.6", "0.9"), found), Some(" trials 12 0.9".to_owned()));
    assert_eq!(missing("...\nc\nb\n...", found), Some("b".to_owned()));
    assert_eq!(missing("...\nb", found), Some("(its end)".to_owned()));
    assert_eq!(missing("...\nb\n...", found), None);
}

#[test]
fn an_output_belongs_to_the_commands_before_it() {
    let guide = "a\n\n```sh\nx\ny\n```\n\nb\n\n```text\nz\n```\n\n```sh\nw\n```\n";
    let step = |line, commands: &str, shown: Option<&str>| Step {
        line,
        commands: commands.to_owned(),
        shown: shown.map(str::to_owned),
    };
    assert_eq!(steps(guide), [step(3, "x\ny", Some("z")), step(14, "w", None)]);
}
