//! What the neighbour engine costs, beside what a user would pick instead and beside the kernel, all in one run.
//!
//! `neigh bench` is the program; this is what it runs. Results are only worth what they are compared with, so every
//! figure stands beside its peers' and beside the bare memory's, taken in turns of milliseconds in a random
//! order, and ratios are taken within each round: what disturbs a shared machine disturbs all of them.
//!
//! | module | what it is |
//! |---|---|
//! | [`part`] | what is measured; each part runs in a process of its own |
//! | `contestant` | our engine and its peers behind one trait |
//! | `goal` | what has to be reached, in one table |
//! | [`figure`], [`report`], [`chart`] | samples, rows, tables, JSON, SVG |
//! | `counting` | the allocator that counts |
//!
//! Nothing of this is linked into the engine.

mod bare;
mod beside;
pub mod chart;
mod choose;
mod clock;
mod contestant;
mod counting;
pub mod figure;
mod frames;
mod goal;
mod key;
mod machine;
pub mod part;
mod plan;
pub mod report;
mod suite;

pub use counting::Counting;
pub use goal::Verdict;
pub use machine::{HUGE_TUNABLE, Machine};
pub use part::Part;
pub use plan::{Plan, SIZES};
pub use suite::{Suite, run_part};
