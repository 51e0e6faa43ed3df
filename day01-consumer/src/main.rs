//! The program of day 1; see [`day01_consumer::cli`].

fn main() -> std::process::ExitCode {
    day01_consumer::cli::main()
}
