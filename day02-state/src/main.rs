//! The program of day 2; see [`day02_state::cli`].

fn main() -> std::process::ExitCode {
    day02_state::cli::main()
}
