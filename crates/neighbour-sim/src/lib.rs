//! A laboratory for the engine [`neighbour`]: worlds of hosts and segments on simulated time, captures replayed,
//! and reports of both.
//!
//! | part | what it is |
//! |---|---|
//! | [`Plan`] | a world in TOML: segments, hosts, flows, attackers, and what is promised |
//! | [`simulate`] | runs a plan under a profile; the same plan and seed give the same [`Run`] to the byte |
//! | [`Report`] | runs of one plan side by side, as text, JSON or HTML |
//! | [`replay`] | drives the engine with a capture instead |
//! | [`invariants`] | what must hold after each step, in the simulator, the property tests and the fuzzer |
//!
//! The world speaks real frames and the engine is the one that ships: nothing in it knows that it is simulated.
#![forbid(unsafe_code)]

mod dice;
pub mod invariants;
mod metric;
mod plan;
mod profile;
mod replay;
mod report;
mod world;

pub use plan::{Plan, PlanError};
pub use profile::Profile;
pub use replay::{Advice, Options as ReplayOptions, Replay, ReplayError, replay};
pub use report::{Difference, Report, Run, Verdict};
pub use world::{Sample, simulate};
