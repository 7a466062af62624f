//! `xrun man`: the manual pages, of the same texts as `--help`.

use std::io;
use std::path::Path;

use clap::Command;
use clap_mangen::Man;

use super::Exit;
use super::args::{EXIT_CODES, ManArguments};
use super::failure::Failure;
use super::help::{self, examples};
use super::output::print;
use crate::wording::count;

pub(super) fn man(arguments: &ManArguments) -> Result<Exit, Failure> {
    let folder = &arguments.folder;
    let mut command = help::command();
    command.build();
    let n = std::fs::create_dir_all(folder).and_then(|()| pages(&command, "", folder)).map_err(|error| {
        Failure::new(Exit::Failed, format!("cannot write the manual pages into {}: {error}", folder.display()))
            .hint("name a folder that can be written")
    })?;
    print(&format!(
        "{} in {}; read one with: man -l {}",
        count(n, "page"),
        folder.display(),
        folder.join("xrun.1").display()
    ));
    Ok(Exit::Ok)
}

/// Writes the page of a command and those of its subcommands; how many they are.
fn pages(command: &Command, path: &str, folder: &Path) -> io::Result<usize> {
    let page = Man::new(command.clone());
    std::fs::write(folder.join(page.get_filename()), text(&page, path)?)?;
    let mut n = 1;
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
        n += pages(sub, format!("{path} {}", sub.get_name()).trim_start(), folder)?;
    }
    Ok(n)
}

fn text(page: &Man, path: &str) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    page.render_title(&mut text)?;
    page.render_name_section(&mut text)?;
    page.render_synopsis_section(&mut text)?;
    let examples: Vec<String> = examples(path).iter().map(|(example, what)| format!("# {what}\n{example}")).collect();
    text.extend(literal("EXAMPLES", &examples.join("\n\n")).bytes());
    page.render_description_section(&mut text)?;
    page.render_options_section(&mut text)?;
    if path.is_empty() || path == "data" {
        page.render_subcommands_section(&mut text)?;
    }
    if path.is_empty() {
        let codes = EXIT_CODES.split_once('\n').map_or(EXIT_CODES, |(_, codes)| codes);
        text.extend(literal("EXIT STATUS", codes).bytes());
        page.render_version_section(&mut text)?;
    }
    Ok(text)
}

/// A section whose lines stay as they are.
fn literal(title: &str, lines: &str) -> String {
    let line = |line: &str| {
        let escaped = line.replace('\\', "\\e").replace('-', "\\-").replace('\'', "\\(aq");
        // A dot or a quote at the beginning would be a request.
        if escaped.starts_with('.') { format!("\\&{escaped}\n") } else { format!("{escaped}\n") }
    };
    format!(".SH \"{title}\"\n.nf\n{}.fi\n", lines.lines().map(line).collect::<String>())
}
