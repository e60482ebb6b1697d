//! Development tasks of this repository. `cargo xtask --help` lists them.
//!
//! * [`oracle`]: replays what a live Linux kernel did and compares.
//! * [`diff`]: runs the daemon beside the kernel, one sequence of requests after another.
//! * [`fuzz`]: runs the fuzz targets on any toolchain.
//! * [`instructions`]: counts the instructions of a lookup that hits.
//! * [`rules`]: lists the rules of the specifications that no test names.

#![forbid(unsafe_code)]

pub mod diff;
pub mod fuzz;
pub mod instructions;
pub mod oracle;
#[cfg(test)]
mod past_failures;
pub mod rules;
