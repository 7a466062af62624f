//! Drawing: errors with their excerpt, tables.

use std::io::{IsTerminal, Write};

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

use super::failure::Failure;
use crate::script::Place;
pub(super) use crate::wording::duration;

/// Prints an error to standard error.
pub(super) fn error(failure: &Failure) {
    let mut text = match &failure.place {
        Some(place) => excerpt(&failure.message, place),
        None => format!("{} {}", paint("error:", "1;31"), failure.message),
    };
    if let Some(hint) = &failure.hint {
        text.push_str(&format!("\n{} {hint}", paint("hint:", "1;36")));
    }
    say(&text);
}

fn excerpt(message: &str, place: &Place) -> String {
    let before: usize = place.text.split_inclusive('\n').take(place.line - 1).map(str::len).sum();
    let line = place.text[before..].lines().next().unwrap_or("");
    let byte = |column: usize| line.char_indices().nth(column).map_or(line.len(), |(byte, _)| byte);
    let start = before + byte(place.column - 1);
    let end = (before + byte(place.column - 1 + place.length)).max(start);
    let group = Level::ERROR.primary_title(message).element(
        Snippet::source(&*place.text).path(&*place.source).annotation(AnnotationKind::Primary.span(start..end)),
    );
    let renderer = if colours(&std::io::stderr()) { Renderer::styled() } else { Renderer::plain() };
    renderer.render(&[group]).to_string()
}

fn paint(text: &str, code: &str) -> String {
    if colours(&std::io::stderr()) { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
}

/// Whether a stream takes colours: a terminal that is not dumb, unless NO_COLOR or CLICOLOR_FORCE say otherwise.
fn colours(stream: &impl IsTerminal) -> bool {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    if set("NO_COLOR") {
        return false;
    }
    set("CLICOLOR_FORCE") || (stream.is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb"))
}

/// A table without lines between its rows; columns of numbers are set to the right.
pub(super) fn table(header: &[String], rows: &[Vec<String>]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(header.iter().map(String::as_str));
    for row in rows {
        table.add_row(row.iter().map(String::as_str));
    }
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((1, 1));
        let is_number = |row: &Vec<String>| {
            let cell = row.get(index).map_or("", String::as_str).trim();
            cell.is_empty() || cell == "-" || cell.replace(',', "").parse::<f64>().is_ok()
        };
        if !rows.is_empty() && rows.iter().all(is_number) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

/// Prints to standard output; a reader that went away (`xrun ls | head`) is no error.
pub(super) fn print(text: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

/// Says something beside the result, on standard error; that nobody listens any more is no reason to stop.
pub(super) fn say(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// A number of bytes for people.
pub(super) fn size(bytes: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "one digit behind the point is shown")]
    let bytes_f64 = bytes as f64;
    match bytes {
        1 => "1 byte".to_owned(),
        0..1_000 => format!("{bytes} bytes"),
        1_000..999_950 => format!("{:.1} kB", bytes_f64 / 1e3),
        999_950..999_950_000 => format!("{:.1} MB", bytes_f64 / 1e6),
        _ => format!("{:.1} GB", bytes_f64 / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_change_their_unit_before_they_have_four_digits() {
        let sizes = [0, 1, 999, 1_000, 999_949, 999_950, 999_949_999, 999_950_000, 12_345_678_901];
        let wanted =
            ["0 bytes", "1 byte", "999 bytes", "1.0 kB", "999.9 kB", "1.0 MB", "999.9 MB", "1.0 GB", "12.3 GB"];
        assert_eq!(sizes.map(size), wanted);
    }
}
