//! The program of day 3; see [`day03_windows::cli`].

fn main() -> std::process::ExitCode {
    day03_windows::cli::main()
}
