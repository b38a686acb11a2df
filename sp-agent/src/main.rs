//! `sp-agent`: see the library's `cli`.

use std::process::ExitCode;

fn main() -> ExitCode {
    sp_agent::cli::main()
}
