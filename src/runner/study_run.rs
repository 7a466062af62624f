//! Runs the studies of a plan one after the other, each followed by its final; or the one fit of a fit's config.

use std::path::Path;

use super::execute::{Execution, FitFailure, Tested};
use super::prepare::Prepared;
use super::provenance;
use super::record::{FitWork, by_name, run_fit as run_one};
use super::{Progress, Report, Request, RunError};
use crate::data::Dataset;
use crate::metric::{Predictions, youden_threshold};
use crate::numerics;
use crate::plan::{FinalJob, Plan, StudyId, TrialJob, final_rows, trial_rows};
use crate::script::SourceKind;
use crate::seed::{self, Seed};
use crate::spec::experiment::{SearchSpec, ThresholdRule};
use crate::spec::fit::{FitPlace, RowsFrom, SplitSpec};
use crate::spec::{Experiment, FitConfig, Role};
use crate::split::{self, OuterFold, TrainValidation};
use crate::store::{
    Event, FinalSummary, FitPath, GitState, Manifest, RunFolder, SourceRecord, StudySummary, Summary, TrialRow,
};
use crate::study::Study;
use crate::trial::{TrialRecord, TrialState};
use crate::value::Assignment;

/// The lines on top of a printed experiment.
const EXPERIMENT_HEADER: [&str; 1] =
    ["The experiment as xrun resolved it, with every default; it runs again as it is: xrun config.rhai"];

struct Walk<'a> {
    request: &'a Request<'a>,
    experiment: &'a Experiment,
    data: Option<&'a Dataset>,
    folder: RunFolder,
    progress: &'a mut dyn Progress,
    rows: Vec<TrialRow>,
    parameters: Vec<String>,
    summary: Summary,
    n_trained: usize,
}

/// What a trial's fits gave, kept of the best trial for its final.
struct TrialFits {
    phase_epochs: Vec<Vec<usize>>,
    validation: Vec<Predictions>,
}

pub(super) fn run(
    request: &Request<'_>,
    experiment: &Experiment,
    prepared: &Prepared,
    progress: &mut dyn Progress,
) -> Result<Report, RunError> {
    let plan = prepared.plan.as_ref().expect("an experiment has a plan");
    let folder = RunFolder::create(request.results, experiment.name())?;
    let manifest = manifest(request, &folder, experiment.name(), experiment.seed(), prepared, plan);
    let splits = match (&prepared.splits, &prepared.data) {
        (Some(splits), Some(data)) => {
            Some(split::to_json(splits, data.ids()).map_err(|error| RunError::Split(error.to_string()))?)
        }
        _ => None,
    };
    let config = experiment.script(&EXPERIMENT_HEADER.map(str::to_owned));
    begin(request, &folder, manifest, &config, splits.as_deref())?;
    progress.run_started(folder.path(), &plan.arithmetic(), plan.n_fits());
    let search = experiment.search();
    let mut walk = Walk {
        request,
        experiment,
        data: prepared.data.as_ref(),
        folder,
        progress,
        rows: Vec::new(),
        parameters: experiment.space().parameters().iter().map(|parameter| parameter.name().to_owned()).collect(),
        summary: Summary {
            experiment: experiment.name().to_owned(),
            status: "complete".to_owned(),
            n_fits: plan.n_fits(),
            n_failed_trials: 0,
            objective: search.map(|search| search.objective.to_string()),
            studies: Vec::new(),
            finals: Vec::new(),
            test: std::collections::BTreeMap::new(),
        },
        n_trained: 0,
    };
    walk.folder.record(&Event::RunStarted { n_fits: plan.n_fits() })?;
    for &study in plan.studies() {
        let outer = study.outer().and_then(|outer| prepared.splits.as_ref()?.outer().get(outer));
        walk.study(study, outer, plan.n_trials())?;
    }
    walk.finish()
}

impl Walk<'_> {
    fn study(&mut self, id: StudyId, outer: Option<&OuterFold>, n_trials: usize) -> Result<(), RunError> {
        let mut best_fits = None;
        let mut chosen = None;
        if let Some(search) = self.experiment.search() {
            let mut study = self.new_study(id, search);
            for _ in 0..n_trials {
                let assignment = study.ask();
                let number = study.records().len();
                self.folder.record(&Event::TrialSuggested {
                    study: id.to_string(),
                    trial: number,
                    assignment: assignment.clone(),
                })?;
                let (state, fits) = self.trial(id, outer, number, &assignment)?;
                self.folder.record(&Event::TrialFinished {
                    study: id.to_string(),
                    trial: number,
                    result: state.clone(),
                })?;
                study.tell(assignment.clone(), state.clone());
                self.rows.push(TrialRow { outer: id.outer(), inner: id.inner(), trial: number, assignment, state });
                if let Some((best, value)) = study.best()
                    && best.number == number
                {
                    best_fits = fits;
                    self.progress.best(&id.to_string(), number, search.objective.metric, value);
                }
            }
            self.folder.trials(&self.rows, &self.parameters)?;
            self.summary.studies.push(study_summary(id, &study));
            match study.best() {
                Some((best, _)) => chosen = Some(best.clone()),
                None => {
                    // Without one trial that gave a value there is nothing to build a final on.
                    "failed".clone_into(&mut self.summary.status);
                    return Ok(());
                }
            }
        }
        match outer {
            Some(outer) => self.last(id, outer, chosen.as_ref(), best_fits.as_ref()),
            None => Ok(()),
        }
    }

    fn new_study(&self, id: StudyId, search: &SearchSpec) -> Study {
        let node = id.labels().iter().fold(Seed::root(self.experiment.seed()), |seed, label| seed.child(label));
        Study::new(self.experiment.space().clone(), search.sampler, search.objective.direction, node)
    }

    /// One trial: one fit, or one per inner fold whose scores are averaged.
    fn trial(
        &mut self,
        id: StudyId,
        outer: Option<&OuterFold>,
        number: usize,
        assignment: &Assignment,
    ) -> Result<(TrialState, Option<TrialFits>), RunError> {
        let mut jobs: Vec<(Option<usize>, FitPath, Result<TrialJob, String>)> = Vec::new();
        let nothing = TrainValidation { train: Vec::new(), validation: Vec::new() };
        let inner_folds: Vec<(Option<usize>, &TrainValidation)> = match (id, outer) {
            (StudyId::Inner(_, inner), Some(outer)) => vec![(Some(inner), &outer.inner()[inner])],
            (StudyId::Outer(_), Some(outer)) => {
                outer.inner().iter().enumerate().map(|(inner, rows)| (Some(inner), rows)).collect()
            }
            _ => vec![(None, &nothing)],
        };
        for (inner, rows) in inner_folds {
            let mut labels = id.labels();
            if id.inner().is_none() {
                labels.extend(inner.map(|inner| format!("inner {inner}")));
            }
            labels.push(format!("trial {number}"));
            let rows_from = match (self.experiment.folds(), id.outer(), inner) {
                (Some(folds), Some(outer), Some(inner)) => trial_rows(folds, outer, inner, rows),
                _ => RowsFrom::Nothing,
            };
            let place = FitPlace { labels, role: Role::Trial, rows: rows_from, threshold: None, epochs: None };
            let job = match self.experiment.fit(assignment, &place) {
                Ok(config) => Ok(TrialJob { config, rows: rows.clone() }),
                Err(problem) => Err(problem.message),
            };
            jobs.push((inner, FitPath::trial(id, inner, number), job));
        }
        let (mut scores, mut fits) = (Vec::new(), TrialFits { phase_epochs: Vec::new(), validation: Vec::new() });
        for (_, path, job) in jobs {
            let result = match job {
                Ok(job) => self.run_trial_job(path, &job)?,
                Err(reason) => {
                    let failure = FitFailure(reason);
                    self.progress.fit_finished(path.as_str(), &Err(failure.clone()), 0.0);
                    Err(failure)
                }
            };
            match result {
                Ok(execution) => {
                    scores.push(execution.score.expect("a trial's fit has an objective"));
                    fits.phase_epochs.push(execution.phase_epochs);
                    fits.validation.extend(execution.validation);
                }
                Err(failure) => {
                    self.summary.n_failed_trials += 1;
                    return Ok((TrialState::Failed { reason: failure.to_string() }, None));
                }
            }
        }
        #[expect(clippy::cast_precision_loss, reason = "folds are few")]
        let score = scores.iter().sum::<f64>() / scores.len() as f64;
        let state = TrialState::from_objective(score);
        if matches!(state, TrialState::Failed { .. }) {
            self.summary.n_failed_trials += 1;
        }
        Ok((state, Some(fits)))
    }

    fn run_trial_job(&mut self, path: FitPath, job: &TrialJob) -> Result<Result<Execution, FitFailure>, RunError> {
        let work = FitWork { path, config: &job.config, data: self.data, rows: &job.rows, test: None };
        let result = run_one(&work, &mut self.folder, self.request.device, self.progress)?;
        self.n_trained += 1;
        Ok(result.map(|(execution, _)| execution))
    }

    /// The study's final: the best assignment, trained under its own seed label and tested on the outer fold.
    fn last(
        &mut self,
        id: StudyId,
        outer: &OuterFold,
        best: Option<&TrialRecord>,
        best_fits: Option<&TrialFits>,
    ) -> Result<(), RunError> {
        let mut labels = id.labels();
        labels.push("final".to_owned());
        let (rows, threshold, epochs) = match id {
            StudyId::Inner(_, inner) => (outer.inner()[inner].clone(), None, None),
            StudyId::Outer(_) | StudyId::Only => {
                let fits = best_fits.expect("the best trial of a study over folds kept its fits");
                (outer.refit(), self.refit_threshold(fits), refit_epochs(&fits.phase_epochs))
            }
        };
        let (folds, at) = (self.experiment.folds().expect("outer folds come from folds"), id.outer().unwrap_or(0));
        let place = FitPlace {
            labels,
            role: Role::Final,
            rows: final_rows(folds, at, id.inner(), &rows, outer.test_rows()),
            threshold,
            epochs,
        };
        let nothing = Assignment::new();
        let assignment = best.map_or(&nothing, |best| &best.assignment);
        let job = FinalJob { config: self.experiment.fit(assignment, &place)?, rows, test: outer.test_rows() };
        let path = FitPath::last(id);
        let work =
            FitWork { path: path.clone(), config: &job.config, data: self.data, rows: &job.rows, test: Some(job.test) };
        let result = run_one(&work, &mut self.folder, self.request.device, self.progress)?;
        self.n_trained += 1;
        match result {
            Ok((execution, tested)) => {
                let trial = best.map(|best| best.number);
                self.summary.finals.push(final_summary(&path, id, trial, &execution, tested.as_ref()));
                Ok(())
            }
            Err(failure) => {
                "failed".clone_into(&mut self.summary.status);
                self.summary.summarise();
                self.folder.finish(&self.summary)?;
                Err(RunError::Final { fit: path.as_str().to_owned(), reason: failure.to_string() })
            }
        }
    }

    /// The threshold of a refit: the rule applied to the validation rows of all inner folds together.
    fn refit_threshold(&self, fits: &TrialFits) -> Option<f64> {
        match self.experiment.threshold() {
            ThresholdRule::Fixed(_) => None,
            ThresholdRule::Youden => {
                let n_classes = fits.validation.first()?.n_classes();
                let probabilities = fits.validation.iter().flat_map(|p| p.probabilities().iter().copied()).collect();
                let targets = fits.validation.iter().flat_map(|p| p.targets().iter().copied()).collect();
                let pooled = Predictions::new(n_classes, probabilities, targets).expect("each part was valid");
                youden_threshold(&pooled)
            }
        }
    }

    fn finish(mut self) -> Result<Report, RunError> {
        self.summary.summarise();
        self.folder.finish(&self.summary)?;
        Ok(Report {
            id: self.folder.id().to_owned(),
            path: self.folder.path().to_owned(),
            summary: self.summary,
            n_trained: self.n_trained,
        })
    }
}

/// Each phase's median over the inner folds, the lower of two middle ones; a formula has no phases.
fn refit_epochs(per_fold: &[Vec<usize>]) -> Option<Vec<usize>> {
    let n_phases = per_fold.first()?.len();
    let median = |phase: usize| {
        let mut epochs: Vec<usize> = per_fold.iter().map(|fold| fold[phase]).collect();
        epochs.sort_unstable();
        epochs[(epochs.len() - 1) / 2]
    };
    Some((0..n_phases).map(median).collect())
}

fn study_summary(id: StudyId, study: &Study) -> StudySummary {
    let best = study.best();
    let count = |is: fn(&TrialState) -> bool| study.records().iter().filter(|record| is(&record.state)).count();
    StudySummary {
        outer: id.outer(),
        inner: id.inner(),
        n_complete: count(|state| matches!(state, TrialState::Complete { .. })),
        n_failed: count(|state| matches!(state, TrialState::Failed { .. })),
        best_trial: best.map(|(record, _)| record.number),
        best_value: best.map(|(_, value)| value),
        best_assignment: best.map_or_else(Assignment::new, |(record, _)| record.assignment.clone()),
    }
}

fn final_summary(
    path: &FitPath,
    id: StudyId,
    trial: Option<usize>,
    execution: &Execution,
    tested: Option<&Tested>,
) -> FinalSummary {
    FinalSummary {
        fit: path.as_str().to_owned(),
        outer: id.outer(),
        inner: id.inner(),
        trial,
        threshold: execution.threshold,
        validation: by_name(&execution.validation_metrics),
        test: tested.map(|tested| by_name(&tested.metrics)).unwrap_or_default(),
    }
}

/// Runs the one fit of a fit's config.
pub(super) fn run_fit(
    request: &Request<'_>,
    fit: &FitConfig,
    prepared: &Prepared,
    progress: &mut dyn Progress,
) -> Result<Report, RunError> {
    let mut listed = None;
    let fold = fit_fold(fit, prepared, &mut listed)?;
    let nothing = TrainValidation { train: Vec::new(), validation: Vec::new() };
    let (rows, test) = match &fold {
        Some((rows, fold)) => (rows, (fit.role() == Role::Final).then(|| fold.test_rows())),
        None => (&nothing, None),
    };
    let mut folder = RunFolder::create(request.results, fit.name())?;
    let mut manifest = manifest_of(request, &folder, fit.name(), fit.root_seed(), prepared);
    manifest.plan = "1 fit".to_owned();
    manifest.n_fits = 1;
    begin(request, &folder, manifest, &fit.script(&super::record::FIT_HEADER.map(str::to_owned)), None)?;
    progress.run_started(folder.path(), "1 fit", 1);
    folder.record(&Event::RunStarted { n_fits: 1 })?;
    let path = FitPath::only();
    let work = FitWork { path: path.clone(), config: fit, data: prepared.data.as_ref(), rows, test };
    let result = run_one(&work, &mut folder, request.device, progress)?;
    let mut summary = Summary {
        experiment: fit.name().to_owned(),
        status: "complete".to_owned(),
        n_fits: 1,
        n_failed_trials: 0,
        objective: fit.objective().map(|objective| objective.to_string()),
        studies: Vec::new(),
        finals: Vec::new(),
        test: std::collections::BTreeMap::new(),
    };
    match &result {
        Ok((execution, tested)) => {
            summary.finals.push(final_summary(&path, StudyId::Only, None, execution, tested.as_ref()));
        }
        Err(_) => "failed".clone_into(&mut summary.status),
    }
    summary.summarise();
    folder.finish(&summary)?;
    match result {
        Ok(_) => Ok(Report { id: folder.id().to_owned(), path: folder.path().to_owned(), summary, n_trained: 1 }),
        Err(failure) => Err(RunError::Final { fit: path.as_str().to_owned(), reason: failure.to_string() }),
    }
}

/// The rows of a fit's config: a fold of the drawn ones, or the rows it lists.
fn fit_fold<'a>(
    fit: &FitConfig,
    prepared: &'a Prepared,
    listed: &'a mut Option<OuterFold>,
) -> Result<Option<(TrainValidation, &'a OuterFold)>, RunError> {
    let (rows, fold, recorded) = match (fit.split(), &prepared.splits) {
        (None, _) => return Ok(None),
        (Some(SplitSpec::Position { outer, inner, digest, .. }), Some(splits)) => {
            let fold = splits.outer().get(*outer);
            let rows = fold.and_then(|fold| match inner {
                Some(inner) => fold.inner().get(*inner).cloned(),
                None => Some(fold.refit()),
            });
            match (fold, rows) {
                (Some(fold), Some(rows)) => (rows, fold, digest),
                _ => {
                    return Err(RunError::Split(
                        "the position of the split is not among the folds of its cv".to_owned(),
                    ));
                }
            }
        }
        (Some(SplitSpec::Rows { train, validation, test, digest }), _) => {
            let n = prepared.data.as_ref().map_or(0, Dataset::n);
            if let Some(row) = train.iter().chain(validation).chain(test).find(|&&row| row >= n) {
                return Err(RunError::Split(format!("the split names row {row}, but the data have {n} rows")));
            }
            let rows = TrainValidation { train: train.clone(), validation: validation.clone() };
            let fold = listed.insert(OuterFold::listed(rows.clone(), test.clone())?);
            (rows, &*fold, digest)
        }
        (Some(SplitSpec::Position { .. }), None) => unreachable!("a fit with a position has data and folds"),
    };
    let digest = match fit.role() {
        Role::Trial => rows.split_hash(),
        Role::Final => rows.split_hash_with_test(fold.test_rows()),
    };
    if recorded.as_ref().is_some_and(|recorded| *recorded != digest) {
        return Err(RunError::Split(
            "these data give this fit other rows than the ones it was recorded with; use the same data, or take \
             `digest` out of its split"
                .to_owned(),
        ));
    }
    Ok(Some((rows, fold)))
}

fn begin(
    request: &Request<'_>,
    folder: &RunFolder,
    mut manifest: Manifest,
    config: &str,
    splits: Option<&str>,
) -> Result<(), RunError> {
    manifest.config_blake3 = provenance::digest(config);
    manifest.splits_blake3 = splits.map(provenance::digest);
    folder.manifest(&manifest)?;
    folder.import(".root", "")?;
    for source in &request.evaluated.sources {
        match source.kind {
            SourceKind::Main => folder.script(&source.text)?,
            SourceKind::Import | SourceKind::Loaded => folder.import(&source.relative, &source.text)?,
        }
    }
    folder.config(config)?;
    if let Some(splits) = splits {
        folder.splits(splits)?;
    }
    Ok(())
}

fn manifest(
    request: &Request<'_>,
    folder: &RunFolder,
    name: &str,
    seed: u64,
    prepared: &Prepared,
    plan: &Plan,
) -> Manifest {
    let mut manifest = manifest_of(request, folder, name, seed, prepared);
    manifest.plan = plan.arithmetic();
    manifest.n_fits = plan.n_fits();
    manifest
}

fn manifest_of(request: &Request<'_>, folder: &RunFolder, name: &str, seed: u64, prepared: &Prepared) -> Manifest {
    let sources = request.evaluated.sources.iter().map(|source| SourceRecord {
        kind: match source.kind {
            SourceKind::Main => "main",
            SourceKind::Import => "import",
            SourceKind::Loaded => "loaded",
        }
        .to_owned(),
        path: source.relative.clone(),
        blake3: provenance::digest(&source.text),
    });
    let root: &Path = &request.evaluated.root;
    Manifest {
        format: Manifest::FORMAT,
        run: folder.id().to_owned(),
        experiment: name.to_owned(),
        started: humantime::format_rfc3339_seconds(std::time::SystemTime::now()).to_string(),
        xrun_version: env!("CARGO_PKG_VERSION").to_owned(),
        xrun_commit: option_env!("XRUN_COMMIT").filter(|commit| !commit.is_empty()).map(str::to_owned),
        build_features: provenance::build_features(),
        numerics_version: numerics::VERSION.to_owned(),
        seed_version: seed::VERSION.to_owned(),
        seed: seed.to_string(),
        command: request.command.to_vec(),
        project_root: root.display().to_string(),
        sources: sources.collect(),
        config_blake3: String::new(),
        splits_blake3: None,
        data_fingerprint: prepared.data.as_ref().map(|data| data.fingerprint().to_owned()),
        data: prepared.data.as_ref().map(Dataset::describe),
        device: request.device.kind().to_string(),
        device_class: request.device.class().to_owned(),
        promise: request.device.promise().to_owned(),
        driver: request.device.driver().to_owned(),
        lag: 1,
        threads: request.threads,
        host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
        os: format!("{} {}", std::env::consts::OS, rustix::system::uname().release().to_string_lossy()),
        environment: provenance::environment(std::env::vars_os()),
        git: GitState::read(root),
        plan: String::new(),
        n_fits: 0,
    }
}
