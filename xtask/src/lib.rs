//! Development tasks of this repository. `cargo xtask --help` lists them.
//!
//! * [`oracle`]: replays what a live Linux kernel did and compares.

#![forbid(unsafe_code)]

pub mod fuzz;
pub mod oracle;
