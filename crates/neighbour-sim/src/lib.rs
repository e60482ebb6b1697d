//! A laboratory for the engine [`neighbour`]: worlds of hosts and segments on simulated time, captures replayed,
//! and reports of both.
//!
//! | part | what it is |
//! |---|---|
//! | [`Plan`] | a world in TOML: segments, hosts, flows, attackers, and what is promised |
//! | [`simulate`] | runs a plan under a profile; the same plan and seed give the same [`Run`] to the byte |
//! | [`Report`] | runs of one plan side by side, as text, JSON or HTML |
//! | [`replay`] | drives the engine with a capture instead |
//! | [`ops`] | sequences of operations, which the property tests, the fuzzer and the simulator share |
//! | [`invariants`] | what must hold after each step, in the simulator, the property tests and the fuzzer |
//!
//! The world speaks real frames and the engine is the one that ships: nothing in it knows that it is simulated.
//!
//! [`ops`] and [`invariants`] need no more than the engine: the rest is the feature `lab`, which is on by default.
#![forbid(unsafe_code)]

#[cfg_attr(not(feature = "lab"), expect(dead_code, reason = "the world throws more dice"))]
mod dice;
#[cfg_attr(not(feature = "lab"), expect(dead_code, reason = "the world speaks more"))]
mod frames;
pub mod invariants;
#[cfg(feature = "lab")]
mod metric;
pub mod ops;
#[cfg(feature = "lab")]
mod plan;
#[cfg(feature = "lab")]
mod profile;
#[cfg(feature = "lab")]
mod replay;
#[cfg(feature = "lab")]
mod report;
#[cfg(feature = "lab")]
mod world;

#[cfg(feature = "lab")]
pub use plan::{Plan, PlanError};
#[cfg(feature = "lab")]
pub use profile::Profile;
#[cfg(feature = "lab")]
pub use replay::{Advice, Options as ReplayOptions, Replay, ReplayError, replay};
#[cfg(feature = "lab")]
pub use report::{Difference, Report, Run, Verdict};
#[cfg(feature = "lab")]
pub use world::{Sample, simulate};
