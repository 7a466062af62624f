//! The `xrun` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    xrun::cli::main()
}
