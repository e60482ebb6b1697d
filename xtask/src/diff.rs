//! `cargo xtask diff`: the daemon beside the kernel, for as many sequences as one likes.
//!
//! The work is done by the test `diff` of the program `neigh`, which CI runs for a few dozen.

use anyhow::{Context, bail};
use std::process::Command;

/// What to try.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// How many sequences.
    #[arg(long, default_value_t = 300, value_name = "N")]
    sequences: u64,
    /// The seed of the first; each next one has the next number.
    #[arg(long, default_value_t = 1, value_name = "N")]
    seed: u64,
}

/// Runs the sequences and prints what differs, shrunk, with its seed, and the rules that were reached.
pub fn run(options: &Options) -> anyhow::Result<()> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let done = Command::new(cargo)
        .args(["test", "--quiet", "-p", "neigh", "--test", "diff", "--", "--nocapture", "the_daemon_does"])
        .env("NEIGH_DIFF_SEQUENCES", options.sequences.to_string())
        .env("NEIGH_DIFF_SEED", options.seed.to_string())
        .status()
        .context("running cargo")?;
    if !done.success() {
        bail!("some of {} sequences from seed {} on differ: see above", options.sequences, options.seed);
    }
    Ok(())
}
