//! Tells the program what it is built from: the commit, the features, and the versions of the crates that decide the
//! bits of a result.

use std::process::Command;

/// Crates whose version is a part of the numerics version: tensors, the matrix product and its SIMD, kernels of GPUs,
/// and the functions that draws are made of.
const NUMERIC_CRATES: [&str; 8] = ["burn", "burn-flex", "cubecl", "gemm", "libm", "macerator", "pulp", "xrun-kernels"];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    commit();
    features();
    numeric_crates();
}

/// The commit, when it is built in a checkout.
fn commit() {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    if let Some(folder) = git(&["rev-parse", "--git-dir"]) {
        println!("cargo::rerun-if-changed={folder}/logs/HEAD");
    }
    let commit = git(&["rev-parse", "--short=12", "HEAD"]).unwrap_or_default();
    println!("cargo::rustc-env=XRUN_COMMIT={commit}");
}

/// The features, sorted and separated by spaces.
fn features() {
    let mut features: Vec<String> = std::env::vars()
        .filter_map(|(name, _)| Some(name.strip_prefix("CARGO_FEATURE_")?.to_lowercase()))
        .filter(|feature| feature != "default")
        .collect();
    features.sort();
    println!("cargo::rustc-env=XRUN_FEATURES={}", features.join(" "));
}

/// `name-version` of the numeric crates, separated by spaces; every version of a crate that is locked more than once.
fn numeric_crates() {
    println!("cargo::rerun-if-changed=Cargo.lock");
    let Ok(lock) = std::fs::read_to_string("Cargo.lock") else {
        println!(
            "cargo::error=xrun is built with its Cargo.lock beside Cargo.toml: the versions in it are a part of what \
             makes numbers repeat, and it cannot be read; restore it from the repository"
        );
        return;
    };
    let mut found = Vec::new();
    for name in NUMERIC_CRATES {
        let versions: Vec<&str> = versions(&lock, name);
        if versions.is_empty() {
            println!("cargo::error=Cargo.lock has no package `{name}`, which is a part of the numerics version");
        }
        found.extend(versions.iter().map(|version| format!("{name}-{version}")));
    }
    println!("cargo::rustc-env=XRUN_NUMERICS_CRATES={}", found.join(" "));
}

/// The locked versions of a package, in the order of the file.
fn versions<'a>(lock: &'a str, name: &str) -> Vec<&'a str> {
    let quoted = |line: &'a str, key: &str| line.strip_prefix(key)?.strip_prefix(" = \"")?.strip_suffix('"');
    let lines: Vec<&str> = lock.lines().collect();
    lines
        .windows(2)
        .filter(|pair| quoted(pair[0], "name") == Some(name))
        .filter_map(|pair| quoted(pair[1], "version"))
        .collect()
}
