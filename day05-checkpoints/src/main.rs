//! The program of day 5; see [`day05_checkpoints::cli`].

fn main() -> std::process::ExitCode {
    day05_checkpoints::cli::main()
}
