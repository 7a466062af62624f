//! `xrun ask` and `xrun tell`: an objective that somebody else evaluates.

use super::Exit;
use super::args::{AskArguments, TellArguments};
use super::failure::Failure;
use super::output::{print, say};
use super::run::{evaluate, number, working_project};
use crate::device::{self, DeviceKind};
use crate::runner::{self, Answer, AskError, Asked, Crew, Interrupt, Of, Outside, Request, Verdict, Which};
use crate::script::{self, Outcome};
use crate::settings;
use crate::store;
use crate::train::FeatureStore;
use crate::value::Assignment;

pub(super) fn ask(arguments: &AskArguments) -> Result<Exit, Failure> {
    let (evaluated, settings) = evaluate(&arguments.script, &arguments.overrides, &arguments.settings.flags())?;
    let prepared = runner::prepare(&evaluated, &settings.results, &settings.cache)?;
    // Nothing is trained here, so the device is the one that costs nothing to open.
    let device = device::open(DeviceKind::Cpu)?;
    let command: Vec<String> = std::env::args_os().map(|part| part.to_string_lossy().into_owned()).collect();
    let request = Request {
        evaluated: &evaluated,
        results: &settings.results,
        device: &device,
        threads: 1,
        crew: &Crew::Here,
        features: &FeatureStore::new(&settings.cache),
        retries: 0,
        fresh: false,
        interrupt: &Interrupt::default(),
        command: &command,
    };
    let of = match &arguments.run {
        Some(run) => Of::Run(Box::new(store::find(&settings.results, run)?)),
        None if arguments.new => Of::New,
        None => Of::Latest,
    };
    let which = arguments.again.map_or(Which::Next, Which::Again);
    let asked = runner::ask(&request, &prepared, of, which)?;
    if arguments.json {
        print(&json(&asked).to_string());
    } else {
        describe(&asked);
    }
    Ok(Exit::Ok)
}

fn json(asked: &Asked) -> serde_json::Value {
    let mut value = serde_json::json!({
        "run": asked.run.manifest.run, "path": asked.run.path, "n_trials": asked.n_trials,
    });
    match &asked.answer {
        Answer::Trial { number, assignment } => {
            value["done"] = false.into();
            value["trial"] = (*number).into();
            value["assignment"] = serde_json::json!(assignment);
        }
        Answer::Done { best } => {
            value["done"] = true.into();
            value["best"] = serde_json::json!(best.as_ref().map(|(trial, value, assignment)| {
                serde_json::json!({ "trial": trial, "value": value, "assignment": assignment })
            }));
        }
    }
    value
}

fn describe(asked: &Asked) {
    let run = &asked.run.manifest.run;
    match &asked.answer {
        Answer::Trial { number, assignment } => {
            print(&format!("trial {number} of {}: {}", asked.n_trials, in_line(assignment)));
            say(&format!("tell its value: xrun tell {run} --trial {number} --value VALUE"));
        }
        Answer::Done { best } => {
            print(&match best {
                Some((trial, value, assignment)) => {
                    format!("done: the best is trial {trial} with value {}: {}", number(*value), in_line(assignment))
                }
                None => "done: no trial gave a value".to_owned(),
            });
            say(&format!("see it again: xrun show {run}"));
        }
    }
}

fn in_line(assignment: &Assignment) -> String {
    let values: Vec<String> = assignment.iter().map(|(name, value)| format!("{name}={value}")).collect();
    values.join(" ")
}

pub(super) fn tell(arguments: &TellArguments) -> Result<Exit, Failure> {
    let settings = settings::load(&working_project(), &arguments.settings.flags())?.settings;
    let run = store::find(&settings.results, &arguments.run)?;
    let evaluated = script::evaluate(&run.config_path(), &[])?;
    let Outcome::Experiment(experiment) = &evaluated.outcome else {
        return Err(AskError::NotExternal { name: run.manifest.run }.into());
    };
    let result = match (&arguments.failed, arguments.value, arguments.epoch) {
        (Some(reason), ..) => Outside::Failed(reason.clone()),
        (None, Some(value), None) => Outside::Value(value),
        (None, Some(value), Some(epoch)) => Outside::Epoch(epoch, value),
        (None, None, _) => unreachable!("clap requires a value or a failure"),
    };
    let verdict = runner::tell(&run, experiment, arguments.trial, &result)?;
    let trial = arguments.trial;
    if arguments.json {
        let verdict = match verdict {
            Verdict::GoOn => "go_on",
            Verdict::Stop => "stop",
            Verdict::Ended => "ended",
        };
        print(&serde_json::json!({ "run": run.manifest.run, "trial": trial, "verdict": verdict }).to_string());
    } else {
        print(&match verdict {
            Verdict::GoOn => "go on".to_owned(),
            Verdict::Stop => format!("stop: trial {trial} is given up"),
            Verdict::Ended => format!("trial {trial} has ended"),
        });
    }
    Ok(Exit::Ok)
}
