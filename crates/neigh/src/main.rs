//! The program `neigh`: see the crate's library part.

#![forbid(unsafe_code)]

use std::process::ExitCode;

/// Counts where `neigh bench` asks it to.
#[cfg(feature = "bench")]
#[global_allocator]
static ALLOCATOR: neighbour_bench::Counting = neighbour_bench::Counting;

fn main() -> ExitCode {
    neigh::main(std::env::args_os().collect())
}
