//! What a study found, for the summary of its run.

use crate::plan::StudyId;
use crate::spec::experiment::SearchSpec;
use crate::store::{BestSoFar, FrontTrial, StudySummary};
use crate::study::Study;
use crate::trial::{Score, TrialRecord, TrialState};
use crate::value::Assignment;

/// Of a study whose trials have ended; `n_pruned` is none when none can be. By which rule it ended is not in it.
pub(super) fn summarise(id: StudyId, study: &Study, search: &SearchSpec, n_pruned: Option<usize>) -> StudySummary {
    let best = study.best();
    let count = |is: fn(&TrialState) -> bool| study.records().iter().filter(|record| is(&record.state)).count();
    let is_infeasible = |state: &TrialState| state.score().is_some_and(|score| !score.is_feasible());
    let so_far = |(record, score): (&TrialRecord, &Score)| BestSoFar {
        trial: record.number,
        value: score.value(),
        violation: score.violation(),
    };
    let others = search.other_objectives.iter().zip(1..);
    StudySummary {
        outer: id.outer(),
        inner: id.inner(),
        n_complete: count(|state| state.score().is_some()),
        n_infeasible: (!search.constraints.is_empty()).then(|| count(is_infeasible)),
        n_pruned,
        n_failed: count(|state| matches!(state, TrialState::Failed { .. })),
        ended: None,
        best_trial: best.map(|(record, _)| record.number),
        best_value: best.map(|(_, score)| score.value()),
        best_violation: best.map_or(0.0, |(_, score)| score.violation()),
        best_assignment: best.map_or_else(Assignment::new, |(record, _)| record.assignment.clone()),
        history: study.best_so_far().map(so_far).collect(),
        importance: study.importance(0),
        other_importance: others
            .map(|(objective, index)| (objective.metric.name().to_owned(), study.importance(index)))
            .collect(),
        slices: study.slices(),
        front: if search.other_objectives.is_empty() { Vec::new() } else { front(study) },
    }
}

fn front(study: &Study) -> Vec<FrontTrial> {
    let trial = |(record, score): (&TrialRecord, &Score)| FrontTrial {
        trial: record.number,
        values: score.values().collect(),
        assignment: record.assignment.clone(),
    };
    study.front().into_iter().map(trial).collect()
}
