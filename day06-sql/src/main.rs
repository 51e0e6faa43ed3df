//! The program of day 6; see [`day06_sql::cli`].

fn main() -> std::process::ExitCode {
    day06_sql::cli::main()
}
