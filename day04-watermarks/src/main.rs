//! The program of day 4; all it does is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    day04_watermarks::cli::main()
}
