//! `xrun show --model`: the layers of a network.

use std::path::{Path, PathBuf};

use super::Exit;
use super::failure::Failure;
use super::output::{print, table};
use super::record_args::ShowArguments;
use super::run::{evaluate_all, working_project};
use crate::data::RowOutline;
use crate::model::{DesignLine, Shape};
use crate::runner::{self, NetworkOutline, RunError};
use crate::script::{Evaluated, Written};
use crate::settings;
use crate::spec::print::value;
use crate::store::Record;
use crate::wording::count;

/// Rows of the table at most; layers of a deeper network are put together.
const SHOWN: usize = 60;

pub(super) fn show_model(arguments: &ShowArguments) -> Result<Exit, Failure> {
    let script = script_of(arguments)?;
    match evaluate_all(&script, &arguments.overrides, &arguments.settings.flags())?.0 {
        Written::One(evaluated) => {
            let network = network(&evaluated)?;
            print(&if arguments.json { json(&network).to_string() } else { text(&network) });
        }
        Written::Variants(variants) => {
            let networks = variants.each().iter().map(|variant| Ok((variant.name(), network(variant.evaluated())?)));
            let networks: Vec<(&str, NetworkOutline)> = networks.collect::<Result<_, Failure>>()?;
            print(&if arguments.json {
                let of: serde_json::Map<_, _> =
                    networks.iter().map(|(name, network)| ((*name).to_owned(), json(network))).collect();
                serde_json::json!({ "name": variants.name(), "variants": of }).to_string()
            } else {
                let texts: Vec<String> =
                    networks.iter().map(|(name, network)| format!("{name}\n\n{}", text(network))).collect();
                texts.join("\n\n")
            });
        }
    }
    Ok(Exit::Ok)
}

fn network(evaluated: &Evaluated) -> Result<NetworkOutline, Failure> {
    let network = runner::outline_network(evaluated).map_err(|error| match error {
        RunError::Data(error) => Failure::new(Exit::Usage, error.to_string())
            .hint("the data decide the shape of the first layer; a recorded config takes data=PATH"),
        other => other.into(),
    })?;
    network.ok_or_else(|| Failure::new(Exit::Usage, "there is no network: the objective is a formula"))
}

/// The script that is meant: one by its path, or that of a recorded run or fit.
pub(super) fn script_of(arguments: &ShowArguments) -> Result<PathBuf, Failure> {
    let asked = Path::new(&arguments.run);
    if asked.is_file() {
        return Ok(asked.to_owned());
    }
    if asked.extension().is_some_and(|extension| extension == "rhai") {
        return Err(Failure::new(Exit::Usage, format!("there is no script {}", asked.display()))
            .hint("check the path; experiments/ holds examples"));
    }
    let settings = settings::load(&working_project(), &arguments.settings.flags())?.settings;
    Ok(Record::find(&settings.results, &arguments.run)?.config())
}

fn json(network: &NetworkOutline) -> serde_json::Value {
    let layers: Vec<serde_json::Value> = network
        .lines
        .iter()
        .map(|line| {
            serde_json::json!({
                "name": line.name,
                "layer": line.layer,
                "output": sizes(line.output),
                "parameters": line.parameters,
                "multiply_adds": line.multiply_adds,
            })
        })
        .collect();
    let (parameters, multiply_adds) = totals(&network.lines);
    serde_json::json!({
        "input": sizes(input(network)),
        "n_classes": network.data.task.n_classes(),
        "values": network.values,
        "layers": layers,
        "parameters": parameters,
        "multiply_adds": multiply_adds,
    })
}

fn text(network: &NetworkOutline) -> String {
    let mut parts = Vec::new();
    if !network.values.is_empty() {
        let values: Vec<String> =
            network.values.iter().map(|(name, taken)| format!("  {name} = {}", value(taken))).collect();
        parts.push(format!("with the first value of each parameter; KEY=VALUE sets another:\n{}", values.join("\n")));
    }
    let depth = depth(&network.lines);
    let mut rows = vec![vec!["input".to_owned(), String::new(), shape(input(network)), String::new(), String::new()]];
    for group in network.lines.chunk_by(|a, b| depth.is_some_and(|depth| head(a, depth) == head(b, depth))) {
        let last = group.last().expect("a chunk has a line");
        let (parameters, multiply_adds) = totals(group);
        let (name, layer) = match (depth, group) {
            (_, [line]) => (line.name.as_str(), line.layer.to_owned()),
            (Some(depth), _) => (head(last, depth), count(group.len(), "layer")),
            (None, _) => unreachable!("lines are put together below a depth alone"),
        };
        rows.push(vec![name.to_owned(), layer, shape(last.output), counted(parameters), counted(multiply_adds)]);
    }
    let (parameters, multiply_adds) = totals(&network.lines);
    let n_layers = count(network.lines.len(), "layer");
    rows.push(vec!["total".to_owned(), n_layers, String::new(), thousands(parameters), thousands(multiply_adds)]);
    parts.push(table(&["name", "layer", "gives", "parameters", "multiply-adds"].map(str::to_owned), &rows));
    parts.join("\n\n")
}

/// The number of parts of a name by which layers are put together, so that no more rows are shown than can be read; none
/// if each has a row of its own.
fn depth(lines: &[DesignLine]) -> Option<usize> {
    if lines.len() <= SHOWN {
        return None;
    }
    let deepest = lines.iter().map(|line| line.name.split('.').count()).max().unwrap_or(1);
    let n_rows = |depth: usize| lines.chunk_by(|a, b| head(a, depth) == head(b, depth)).count();
    Some((1..deepest).rev().find(|&depth| n_rows(depth) <= SHOWN).unwrap_or(1))
}

/// The first parts of a layer's name.
fn head(line: &DesignLine, depth: usize) -> &str {
    line.name.match_indices('.').nth(depth - 1).map_or(&line.name, |(end, _)| &line.name[..end])
}

fn totals(lines: &[DesignLine]) -> (u64, u64) {
    let sum = |count: fn(&DesignLine) -> u64| lines.iter().map(count).fold(0, u64::saturating_add);
    (sum(|line| line.parameters), sum(|line| line.multiply_adds))
}

fn input(network: &NetworkOutline) -> Shape {
    match network.data.row {
        RowOutline::Picture { channels, size } => Shape::Picture { channels, height: size, width: size },
        RowOutline::Vector { width } => Shape::Vector { features: width },
    }
}

fn sizes(shape: Shape) -> Vec<usize> {
    match shape {
        Shape::Picture { channels, height, width } => vec![channels, height, width],
        Shape::Vector { features } => vec![features],
    }
}

fn shape(shape: Shape) -> String {
    sizes(shape).iter().map(ToString::to_string).collect::<Vec<_>>().join(" x ")
}

/// A number of a layer; nothing where there is nothing to count.
fn counted(n: u64) -> String {
    if n == 0 { "-".to_owned() } else { thousands(n) }
}

/// As in `1,234,567`.
fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().map(|group| std::str::from_utf8(group).expect("digits are text")).collect();
    groups.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!([0, 999, 1_000, 25_557_032].map(thousands), ["0", "999", "1,000", "25,557,032"]);
    }

    #[test]
    fn layers_of_a_deep_network_are_put_together_by_the_beginning_of_their_names() {
        let line = |name: String| DesignLine {
            name,
            layer: "relu",
            output: Shape::Vector { features: 1 },
            parameters: 2,
            multiply_adds: 3,
        };
        let deep = |blocks: usize| -> Vec<DesignLine> {
            (0..blocks).flat_map(|block| (0..5).map(move |layer| format!("a.{block}.{layer}"))).map(line).collect()
        };
        assert_eq!(depth(&deep(12)), None);
        assert_eq!(depth(&deep(13)), Some(2));
        assert_eq!(depth(&deep(61)), Some(1));
        assert_eq!(head(&deep(13)[7], 2), "a.1");
        assert_eq!(head(&deep(13)[7], 3), "a.1.2");
    }
}
