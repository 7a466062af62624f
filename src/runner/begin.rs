//! Begins a run, or goes on with one: its folder, its manifest, and what it consists of.

use std::path::Path;

use super::order::Job;
use super::provenance;
use super::session::{Session, Subject};
use super::study_run::StudyRun;
use super::unit::Unit;
use super::walk::run_all;
use super::weights::other_weights;
use super::{FIT_HEADER, Prepared, Progress, Report, Request, RunError, WarmStart};
use crate::data::Dataset;
use crate::numerics;
use crate::plan::{FinalJob, TrialJob};
use crate::sampler;
use crate::script::{Outcome, SourceKind};
use crate::seed;
use crate::spec::fit::SplitSpec;
use crate::spec::{FitConfig, Role};
use crate::split::{OuterFold, TrainValidation};
use crate::store::{Event, GitState, Manifest, RunEntry, RunFolder, SourceRecord};
use crate::wording::count;

/// The lines on top of a printed experiment.
const EXPERIMENT_HEADER: [&str; 1] =
    ["The experiment as xrun resolved it, with every default; it runs again as it is: xrun config.rhai"];

/// Runs what the script ended with, in a new folder.
///
/// # Errors
/// The config does not fit the data, the record cannot be written, a worker ended too often, a signal came, or a final
/// fit failed.
pub fn run(request: &Request<'_>, prepared: &Prepared, progress: &mut dyn Progress) -> Result<Report, RunError> {
    let mut fold = None;
    let new = create(request, prepared, &mut fold)?;
    let path = new.0.path().to_owned();
    start(request, prepared, new, progress).and_then(run_one).map_err(|error| error.of_run(&path))
}

/// A new run's folder and what it consists of; nothing of it has begun.
pub(super) fn create<'a>(
    request: &Request<'_>,
    prepared: &'a Prepared,
    fold: &'a mut Option<OuterFold>,
) -> Result<(RunFolder, Subject<'a>), RunError> {
    refuse_external(&request.evaluated.outcome)?;
    let subject = subject(prepared, fold)?;
    let folder = RunFolder::create(request.results, &subject.experiment)?;
    write_beginning(request, prepared, &folder)?;
    Ok((folder, subject))
}

/// Begins a run that was created.
pub(super) fn start<'a>(
    request: &'a Request<'a>,
    prepared: &'a Prepared,
    (mut folder, subject): (RunFolder, Subject<'a>),
    progress: &'a mut dyn Progress,
) -> Result<Session<'a>, RunError> {
    announce(&folder, request, prepared, progress);
    if request.evaluated.run.is_some() && subject.wall_time.is_some() && prepared.endings.is_empty() {
        progress.note("wall_time: the clock decides anew; studies may end after other numbers of trials than recorded");
    }
    folder.record(&Event::RunStarted { n_fits: subject.n_fits })?;
    Session::new(request, prepared, folder, Vec::new(), subject, progress)
}

fn run_one(session: Session<'_>) -> Result<Report, RunError> {
    run_all(vec![session]).pop().expect("one run has one end")
}

/// A new run of trials that are told from outside; its folder is locked.
pub(super) fn begin(
    request: &Request<'_>,
    prepared: &Prepared,
    experiment: &str,
    n_trials: usize,
) -> Result<RunFolder, RunError> {
    let mut folder = RunFolder::create(request.results, experiment)?;
    write_beginning(request, prepared, &folder)?;
    folder.record(&Event::RunStarted { n_fits: n_trials })?;
    Ok(folder)
}

/// Nothing here can train what is told from outside.
fn refuse_external(outcome: &Outcome) -> Result<(), RunError> {
    match outcome {
        Outcome::Experiment(experiment) if experiment.external().is_some() => Err(RunError::Config(
            "the objective of this experiment is `external`: there is nothing to train here; `xrun ask` gives its trials, \
             `xrun tell` takes their values"
                .to_owned(),
        )),
        _ => Ok(()),
    }
}

/// Goes on with a run that was stopped; what it has recorded is kept.
///
/// # Errors
/// As [`run`]; or another process writes the run, its record is damaged, or program, device or data are others than
/// those it was begun with.
pub fn resume(
    request: &Request<'_>,
    recorded: &RunEntry,
    prepared: &Prepared,
    progress: &mut dyn Progress,
) -> Result<Report, RunError> {
    let mut fold = None;
    let reopened = reopen(request, recorded, prepared, &mut fold)?;
    go_on(request, prepared, reopened, progress).and_then(run_one).map_err(|error| error.of_run(&recorded.path))
}

/// What a run that was stopped consists of, and what happened so far.
pub(super) struct Reopened<'a> {
    folder: RunFolder,
    events: Vec<Event>,
    subject: Subject<'a>,
}

/// Takes hold of a run that was stopped.
pub(super) fn reopen<'a>(
    request: &Request<'_>,
    recorded: &RunEntry,
    prepared: &'a Prepared,
    fold: &'a mut Option<OuterFold>,
) -> Result<Reopened<'a>, RunError> {
    refuse_external(&request.evaluated.outcome)?;
    check_same(request, &recorded.manifest, prepared)?;
    let subject = subject(prepared, fold)?;
    let (folder, events) = RunFolder::reopen(&recorded.path)?;
    Ok(Reopened { folder, events, subject })
}

/// Goes on with it.
pub(super) fn go_on<'a>(
    request: &'a Request<'a>,
    prepared: &'a Prepared,
    Reopened { mut folder, events, subject }: Reopened<'a>,
    progress: &'a mut dyn Progress,
) -> Result<Session<'a>, RunError> {
    announce(&folder, request, prepared, progress);
    folder.record(&Event::RunResumed)?;
    Session::new(request, prepared, folder, events, subject, progress)
}

fn announce(folder: &RunFolder, request: &Request<'_>, prepared: &Prepared, progress: &mut dyn Progress) {
    progress.run_started(folder.path(), &prepared.arithmetic(), prepared.n_fits(), request.crew.n());
    if let Some(duplicates) = prepared.duplicates() {
        progress.warn(&duplicates);
    }
    if let Some(warm_start) = &prepared.warm_start {
        progress.note(&format!("warm start: {warm_start}"));
    }
    if !prepared.endings.is_empty() {
        let studies = count(prepared.endings.len(), "study");
        progress.note(&format!("wall_time: the recorded end of {studies} holds, whatever the clock says"));
    }
}

/// What would give other numbers than the run has so far.
fn check_same(request: &Request<'_>, manifest: &Manifest, prepared: &Prepared) -> Result<(), RunError> {
    let fingerprint = prepared.data.as_ref().map(Dataset::fingerprint);
    if fingerprint != manifest.data_fingerprint.as_deref() {
        return Err(RunError::Config(
            "the data are not those the run was begun with; say where those are with data=PATH".to_owned(),
        ));
    }
    if let Some(path) = prepared.inputs.changed_since(&manifest.inputs) {
        return Err(RunError::Config(format!(
            "{} is not what it was when the run began; put it back, or run the config anew: what is unchanged is reused",
            path.display()
        )));
    }
    if let Some(other) = other_weights(&manifest.weights, &prepared.weights) {
        return Err(RunError::Config(format!(
            "the weights {} are not those the run was begun with; say where those are with weights=PATH",
            other.path
        )));
    }
    same_versions(manifest)?;
    same("device class", &manifest.device_class, request.device.class())
}

/// Whether the versions that decide the numbers of a run are those it was begun with.
pub(super) fn same_versions(manifest: &Manifest) -> Result<(), RunError> {
    same("numerics version", &manifest.numerics_version, numerics::VERSION)?;
    same("seed version", &manifest.seed_version, seed::VERSION)?;
    same("sampler version", &manifest.sampler_version, sampler::VERSION)
}

fn same(what: &str, begun: &str, now: &str) -> Result<(), RunError> {
    if begun == now {
        return Ok(());
    }
    Err(RunError::Config(format!(
        "the run was begun with {what} `{begun}`, this is `{now}`: its numbers would not be those of one run; \
         go on where it was begun, or run its config.rhai anew"
    )))
}

/// What the run consists of; `fold` keeps the rows of a fit's config.
pub(super) fn subject<'a>(prepared: &'a Prepared, fold: &'a mut Option<OuterFold>) -> Result<Subject<'a>, RunError> {
    match &prepared.outcome {
        Outcome::Experiment(experiment) => {
            let plan = prepared.plan.as_ref().expect("an experiment has a plan");
            let units = plan.studies().iter().map(|&id| {
                let outer = id.outer().and_then(|outer| prepared.splits.as_ref()?.outer().get(outer));
                let ending = prepared.endings.get(&id.to_string()).copied();
                let study = StudyRun::new(id, experiment, prepared.data.as_ref(), outer, plan.n_trials());
                let earlier = prepared.warm_start.as_ref().map(|warm_start| warm_start.of_study(id));
                Unit::Study(Box::new(study.with_earlier(earlier.unwrap_or_default()).ending_as(ending)))
            });
            Ok(Subject {
                experiment: experiment.name().to_owned(),
                objective: experiment.search().map(|search| search.objective),
                other_objectives: experiment.search().map_or_else(Vec::new, |search| search.other_objectives.clone()),
                constraints: experiment.search().map_or_else(Vec::new, |search| search.constraints.clone()),
                parameters: experiment.space().parameters().iter().map(|p| p.name().to_owned()).collect(),
                n_fits: plan.n_fits(),
                wall_time: experiment.wall_time(),
                units: units.collect(),
            })
        }
        Outcome::Fit(fit) => Ok(Subject {
            experiment: fit.name().to_owned(),
            objective: fit.objective(),
            other_objectives: Vec::new(),
            constraints: Vec::new(),
            parameters: Vec::new(),
            n_fits: 1,
            wall_time: None,
            units: vec![Unit::Fit { job: Some(Box::new(fit_job(fit, prepared, fold)?)) }],
        }),
    }
}

/// The work of a fit's config: a fold of the drawn ones, or the rows it lists.
fn fit_job<'a>(
    fit: &FitConfig,
    prepared: &'a Prepared,
    listed: &'a mut Option<OuterFold>,
) -> Result<Job<'a>, RunError> {
    let (rows, fold, recorded) = match (fit.split(), &prepared.splits) {
        (None, _) => {
            let rows = TrainValidation { train: Vec::new(), validation: Vec::new() };
            return Ok(Job::Trial(TrialJob { config: fit.clone(), rows }));
        }
        (Some(SplitSpec::Position { outer, inner, digest, .. }), Some(splits)) => {
            let fold = splits.outer().get(*outer);
            let rows = fold.and_then(|fold| match inner {
                Some(inner) => fold.inner().get(*inner).cloned(),
                None => Some(fold.refit()),
            });
            let (Some(fold), Some(rows)) = (fold, rows) else {
                return Err(RunError::Split("the position of the split is not among the folds of its cv".to_owned()));
            };
            (rows, fold, digest)
        }
        (Some(SplitSpec::Rows { train, validation, test, digest }), _) => {
            let n = prepared.data.as_ref().map_or(0, Dataset::n);
            if let Some(row) = train.iter().chain(validation).chain(test).find(|&&row| row >= n) {
                return Err(RunError::Split(format!(
                    "the split names row {row}, but the data have {}",
                    count(n, "row")
                )));
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
    let config = fit.clone();
    Ok(match fit.role() {
        Role::Trial => Job::Trial(TrialJob { config, rows }),
        Role::Final => Job::Final(FinalJob { config, rows, test: fold.test_rows() }),
    })
}

/// What stands in a run's `config.rhai`.
pub(super) fn config(outcome: &Outcome, warm_start: Option<&WarmStart>) -> String {
    match (outcome, warm_start) {
        (Outcome::Experiment(experiment), Some(warm_start)) => {
            experiment.warm_started_from(warm_start.run()).script(&EXPERIMENT_HEADER.map(str::to_owned))
        }
        (Outcome::Experiment(experiment), None) => experiment.script(&EXPERIMENT_HEADER.map(str::to_owned)),
        (Outcome::Fit(fit), _) => fit.script(&FIT_HEADER.map(str::to_owned)),
    }
}

/// Everything but the journal that stands in a run's folder before the first fit; the manifest last, for a folder
/// without one is no run.
fn write_beginning(request: &Request<'_>, prepared: &Prepared, folder: &RunFolder) -> Result<(), RunError> {
    let config = config(&request.evaluated.outcome, prepared.warm_start.as_ref());
    let splits = prepared.splits_json()?;
    folder.import(".root", "")?;
    for source in &request.evaluated.sources {
        match source.kind {
            SourceKind::Main => folder.script(&source.text)?,
            SourceKind::Import | SourceKind::Loaded => folder.import(&source.relative, &source.text)?,
        }
    }
    folder.config(&config)?;
    if let Some(splits) = &splits {
        folder.splits(splits)?;
    }
    let folds = prepared.folds.as_ref().map(|folds| folder.folds(folds)).transpose()?;
    let warm_start = prepared.warm_start.as_ref().map(|warm| folder.warm_start(warm.taken())).transpose()?;
    let mut manifest = manifest(request, prepared, folder.id());
    manifest.config_blake3 = provenance::digest(&config);
    manifest.splits_blake3 = splits.as_deref().map(provenance::digest);
    manifest.folds_blake3 = folds.as_deref().map(provenance::digest);
    manifest.warm_start_blake3 = warm_start.as_deref().map(provenance::digest);
    Ok(folder.manifest(&manifest)?)
}

fn manifest(request: &Request<'_>, prepared: &Prepared, id: &str) -> Manifest {
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
    let (name, seed, lag) = match &request.evaluated.outcome {
        Outcome::Experiment(experiment) => {
            (experiment.name(), experiment.seed(), experiment.search().map_or(1, |search| search.lag()))
        }
        Outcome::Fit(fit) => (fit.name(), fit.root_seed(), 1),
    };
    Manifest {
        format: Manifest::FORMAT,
        run: id.to_owned(),
        experiment: name.to_owned(),
        started: humantime::format_rfc3339_seconds(std::time::SystemTime::now()).to_string(),
        xrun_version: env!("CARGO_PKG_VERSION").to_owned(),
        xrun_commit: option_env!("XRUN_COMMIT").filter(|commit| !commit.is_empty()).map(str::to_owned),
        build_features: provenance::build_features(),
        numerics_version: numerics::VERSION.to_owned(),
        seed_version: seed::VERSION.to_owned(),
        sampler_version: sampler::VERSION.to_owned(),
        seed: seed.to_string(),
        command: request.command.to_vec(),
        project_root: root.display().to_string(),
        sources: sources.collect(),
        config_blake3: String::new(),
        splits_blake3: None,
        folds_blake3: None,
        warm_start_blake3: None,
        data_fingerprint: prepared.data.as_ref().map(|data| data.fingerprint().to_owned()),
        data: prepared.data.as_ref().map(Dataset::describe),
        inputs: prepared.inputs.recorded(),
        external: matches!(&request.evaluated.outcome, Outcome::Experiment(experiment) if experiment.external().is_some()),
        weights: prepared.weights.clone(),
        finalizes: prepared.finalizes.clone(),
        device: request.device.kind().to_string(),
        device_class: request.device.class().to_owned(),
        promise: request.device.promise().to_owned(),
        driver: request.device.driver().to_owned(),
        lag,
        workers: request.crew.n(),
        threads: request.threads,
        host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
        os: format!("{} {}", std::env::consts::OS, rustix::system::uname().release().to_string_lossy()),
        environment: provenance::environment(std::env::vars_os()),
        git: GitState::read(root),
        plan: prepared.arithmetic(),
        n_fits: prepared.n_fits(),
    }
}
