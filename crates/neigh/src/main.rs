//! The program `neigh`: see the crate's library part.

#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    neigh::main(std::env::args_os().collect())
}
