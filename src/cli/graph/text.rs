//! A graph for the terminal: a tree of stages, with a final below its study.

use super::{Graph, Stage, Step};

/// The tree; what a step has to say stands in columns behind it.
pub(in crate::cli) fn text(graph: &Graph) -> String {
    let mut lines: Vec<(String, Option<&Step>)> = Vec::new();
    for stage in Stage::ALL {
        let steps: Vec<&Step> = graph.steps.iter().filter(|step| step.stage == stage).collect();
        lines.push((stage.name().to_owned(), None));
        for (index, step) in steps.iter().enumerate() {
            let is_below = is_final(step);
            let goes_on = steps[index + 1..].iter().any(|later| !is_final(later));
            lines.push(match (is_below, goes_on) {
                (false, true) => (format!("├─ {}", step.name), Some(step)),
                (false, false) => (format!("└─ {}", step.name), Some(step)),
                (true, true) => (format!("│  └─ {}", step.name), Some(step)),
                (true, false) => (format!("   └─ {}", step.name), Some(step)),
            });
        }
    }
    let width = lines.iter().map(|(head, _)| head.chars().count()).max().unwrap_or(0);
    let mut text = vec![graph.name.clone(), graph.headline(), String::new()];
    for (head, step) in lines {
        text.push(match step {
            None => head,
            Some(Step { state, what, why, .. }) => {
                let why = if why.is_empty() { String::new() } else { format!("; {why}") };
                format!("{head}{}  {:10}  {what}{why}", " ".repeat(width - head.chars().count()), state.word())
            }
        });
    }
    text.join("\n")
}

fn is_final(step: &Step) -> bool {
    step.stage == Stage::Train && step.name == "final"
}
