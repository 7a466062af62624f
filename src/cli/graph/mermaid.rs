//! A graph as the text of a Mermaid flowchart.

use super::{Graph, Stage, State, Step};

/// The flowchart: a box a step, a frame a stage, colours by state.
pub(in crate::cli) fn mermaid(graph: &Graph) -> String {
    let mut lines = vec!["flowchart LR".to_owned()];
    for stage in Stage::ALL {
        lines.push(format!("  subgraph {}", stage.name()));
        for step in graph.steps.iter().filter(|step| step.stage == stage) {
            lines.push(format!("    {}[\"{}\"]:::{}", step.id, label(step), class(step.state)));
        }
        lines.push("  end".to_owned());
    }
    for step in &graph.steps {
        lines.extend(step.needs.iter().map(|needed| format!("  {needed} --> {}", step.id)));
    }
    lines.push("  classDef done fill:#d8f0dd,stroke:#2f7d4f,color:#10301c".to_owned());
    lines.push("  classDef open fill:#fde7cf,stroke:#b8660b,color:#3d2203".to_owned());
    lines.push("  classDef plain fill:#eceff4,stroke:#5b6b83,color:#1c2430".to_owned());
    lines.join("\n")
}

fn label(step: &Step) -> String {
    let mut parts = vec![format!("<b>{}</b>", escape(&step.name)), escape(&step.what), step.state.word().to_owned()];
    if !step.why.is_empty() {
        parts.push(escape(&step.why));
    }
    parts.join("<br/>")
}

fn class(state: State) -> &'static str {
    match state {
        State::UpToDate => "done",
        State::Changed | State::Partly | State::WillRun | State::Waits => "open",
        State::Read => "plain",
    }
}

/// Mermaid reads `#` as the beginning of a character's code, and a quote as the end of a label.
fn escape(text: &str) -> String {
    let code = |c: char| match c {
        '#' => "#35;".to_owned(),
        '"' => "#quot;".to_owned(),
        '<' => "#lt;".to_owned(),
        '>' => "#gt;".to_owned(),
        c => c.to_string(),
    };
    text.chars().map(code).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_mermaid_would_read_as_its_own_is_escaped() {
        assert_eq!(escape("a \"b\" #1 <c> 1 -> 2"), "a #quot;b#quot; #35;1 #lt;c#gt; 1 -#gt; 2");
    }
}
