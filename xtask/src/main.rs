//! `cargo xtask`: development tasks.

#![forbid(unsafe_code)]

use clap::{Parser, Subcommand};
use std::process::ExitCode;
use xtask::{diff, fuzz, instructions, oracle, rules};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Development tasks of this repository")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Replays recorded kernel behaviour against the engine and prints each difference.
    ///
    /// Exit code 0: no row failed; 1: some did; 2: the files or arguments are wrong.
    Oracle(oracle::Options),
    /// Compares the daemon with the running kernel, by generated sequences of requests, frames and waits.
    Diff(diff::Options),
    /// Fuzzes the parsers and the engine's door.
    ///
    /// Works on a stable toolchain; seeds are the frames recorded from a kernel.
    Fuzz(fuzz::Options),
    /// Counts the instructions of a lookup that hits, and compares them with those kept.
    ///
    /// Steps through a child process one instruction at a time, so the count is exact on any machine, however busy.
    /// Exit code 0: none has risen beyond the margin; 1: some have; 2: they could not be counted.
    Instructions(instructions::Options),
    /// Lists the rules of the specifications that no test names.
    Rules(rules::Options),
}

fn main() -> ExitCode {
    let done = match Cli::parse().task {
        Task::Oracle(options) => {
            let report = oracle::run(&options, &mut std::io::stdout().lock());
            report.map(|report| if report.failed() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        Task::Rules(options) => {
            let coverage = rules::run(&options, &mut std::io::stdout().lock());
            coverage.map(|c| if c.missing().is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        Task::Instructions(options) => {
            let report = instructions::run(&options, &mut std::io::stdout().lock());
            report.map(|report| if report.has_risen() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
        }
        Task::Diff(options) => diff::run(&options).map(|()| ExitCode::SUCCESS),
        Task::Fuzz(options) => fuzz::run(&options).map(|()| ExitCode::SUCCESS),
    };
    done.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::from(2)
    })
}
