//! How well and how fast searches are: `cargo bench --bench search`. `benches/README.md` has what was measured.
//!
//! After `--` come what to measure (`regret`, `others`, `conditions`, `speed`; all of them without), `seeds=60`, `first=1000`
//! for the first of them (those below 60 are the ones that settings were chosen on), names of functions to look at alone, and `trials=100` for the sizes to time. Nothing is asserted: the regrets are a matter of seeds and the times are the machine's.

mod compare;
mod functions;
mod reference;
mod runs;
mod speed;

use compare::{compare, median};
use functions::{Function, functions};
use reference::Reference;
use runs::{Conditions, all_regrets};
use std::num::NonZeroUsize;

use xrun::sampler::{CmaEsSettings, Sampler, TpeRecipe, TpeSettings};
use xrun::trial::Direction;

/// As in the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What a run is compared with.
const RIVAL: &str = "joint";

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let n_seeds = arguments.iter().find_map(|argument| argument.strip_prefix("seeds=")).unwrap_or("60");
    let n_seeds: usize = n_seeds.parse().expect("seeds=N with a whole number above 0");
    let first = arguments.iter().find_map(|argument| argument.strip_prefix("first=")).unwrap_or("1000");
    let first: u64 = first.parse().expect("first=N with a whole number");
    let seeds: Vec<u64> = (first..).take(n_seeds).collect();
    let mut functions = functions();
    let has = |word: &str| arguments.iter().any(|argument| argument == word);
    if functions.iter().any(|function| has(function.name)) {
        functions.retain(|function| has(function.name));
    }
    let all = !["regret", "others", "conditions", "speed"].into_iter().any(has);
    if all || has("regret") {
        print_regrets("tpe", tpe(), &functions, &seeds);
    }
    if all || has("others") {
        for (name, sampler) in others() {
            print_regrets(name, sampler, &functions, &seeds);
        }
    }
    if all || has("conditions") {
        print_conditions(&functions, &seeds);
    }
    if all || has("speed") {
        let sizes = arguments.iter().filter_map(|argument| argument.strip_prefix("trials="));
        let sizes: Vec<usize> = sizes.map(|n| n.parse().expect("trials=N with a whole number")).collect();
        speed::print(if sizes.is_empty() { &[100, 1_000, 10_000] } else { &sizes });
    }
}

fn tpe() -> Sampler {
    Sampler::Tpe(TpeSettings::default())
}

/// The other samplers, and other settings of the estimator.
fn others() -> [(&'static str, Sampler); 7] {
    let tpe = |settings| Sampler::Tpe(settings);
    let default = TpeSettings::default();
    let optuna = NonZeroUsize::new(24).expect("24 is not 0");
    [
        ("tpe, recipe: \"watanabe\"", tpe(TpeSettings { recipe: TpeRecipe::Watanabe, ..default })),
        (
            "tpe, recipe: \"watanabe\", n_candidates: 24",
            tpe(TpeSettings { recipe: TpeRecipe::Watanabe, n_candidates: optuna, ..default }),
        ),
        ("tpe, n_candidates: 24", tpe(TpeSettings { n_candidates: optuna, ..default })),
        ("tpe, multivariate: false", tpe(TpeSettings { multivariate: false, ..default })),
        ("cmaes", Sampler::CmaEs(CmaEsSettings::default())),
        ("quasi_random", Sampler::QuasiRandom),
        ("random", Sampler::Random),
    ]
}

/// Against the reference, at its checkpoints.
fn print_regrets(name: &str, sampler: Sampler, functions: &[Function], seeds: &[u64]) {
    let reference = Reference::load();
    println!(
        "{name}, {} seeds: median regret, and the chance to beat a run of Optuna's (joint) with its p-value",
        seeds.len()
    );
    print!("{:<14}", "");
    for n_trials in &reference.checkpoints {
        print!("{:^34}", format!("{n_trials} trials"));
    }
    println!();
    let mut sums = vec![0.0; reference.checkpoints.len()];
    let mut others: Vec<String> = Vec::new();
    let functions: Vec<&Function> =
        functions.iter().filter(|function| sampler.n_points(&function.space).is_ok()).collect();
    for function in &functions {
        let runs = all_regrets(sampler, function, Conditions::PLAIN, reference.checkpoints[sums.len() - 1], seeds);
        print!("{:<14}", function.name);
        for (checkpoint, &n_trials) in reference.checkpoints.iter().enumerate() {
            let ours: Vec<f64> = runs.iter().map(|run| run[n_trials - 1]).collect();
            let compared = compare(&ours, &reference.regrets(function.name, RIVAL, checkpoint));
            sums[checkpoint] += compared.chance;
            print!("  {:>11.3e}  {:.3} (p {:.3})  ", median(&ours), compared.chance, compared.p);
        }
        println!();
        let last = sums.len() - 1;
        let ours: Vec<f64> = runs.iter().filter_map(|run| run.last().copied()).collect();
        let chances = reference.samplers(function.name).filter(|other| *other != RIVAL).map(|other| {
            format!("{other} {:.3}", compare(&ours, &reference.regrets(function.name, other, last)).chance)
        });
        others.push(format!("{} ({})", function.name, chances.collect::<Vec<_>>().join(", ")));
    }
    print!("{:<14}", "mean chance");
    for sum in &sums {
        #[expect(clippy::cast_precision_loss, reason = "eight functions")]
        let mean = sum / functions.len() as f64;
        print!("{:>20.3}{:14}", mean, "");
    }
    println!("\nafter the last trial, the chance to beat the others: {}\n", others.join(", "));
}

/// Ours against ours: the other direction, noise, and four trials at once.
fn print_conditions(functions: &[Function], seeds: &[u64]) {
    const N_TRIALS: usize = 100;
    println!(
        "after {N_TRIALS} trials, {} seeds: median regret, and the chance to beat ours without the condition",
        seeds.len()
    );
    println!("{:<14}{:>11}{:>26}{:>26}{:>22}{:>26}", "", "plain", "maximize", "lag 4", "noise", "noise, random search");
    for function in functions {
        let after = |sampler, conditions| -> Vec<f64> {
            let runs = all_regrets(sampler, function, conditions, N_TRIALS, seeds);
            runs.iter().filter_map(|run| run.last().copied()).collect()
        };
        let plain = after(tpe(), Conditions::PLAIN);
        // A tenth of what random search is above the minimum.
        let noise = 0.1 * median(&after(Sampler::Random, Conditions::PLAIN));
        print!("{:<14}{:>11.3e}", function.name, median(&plain));
        for (sampler, conditions) in [
            (tpe(), Conditions { direction: Direction::Maximize, ..Conditions::PLAIN }),
            (tpe(), Conditions { lag: 4, ..Conditions::PLAIN }),
            (tpe(), Conditions { noise, ..Conditions::PLAIN }),
            (Sampler::Random, Conditions { noise, ..Conditions::PLAIN }),
        ] {
            let runs = after(sampler, conditions);
            print!("  {:>14.3e}  ({:.3}) ", median(&runs), compare(&runs, &plain).chance);
        }
        println!();
    }
    println!();
}
