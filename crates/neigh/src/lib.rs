//! The neighbour engine on real links, with the grammar of ip neigh.
//!
//! This is the program `neigh`: arguments, configuration, printing, and the glue between the engine,
//! links, the control conversation and the IP stack above. It is a library so that its parts can be
//! tested; programs use the crate `neighbour`.
//!
//! | command | module |
//! |---|---|
//! | `neigh demo` | [`demo`] with its laboratory [`lab`] |
//! | `neigh run` | [`run`] |
//! | `neigh bench` | `bench`; the work is done by the crate `neighbour-bench` (feature `bench`) |
//! | `neigh sim`, `replay` | one each; the work is done by the crate `neighbour-sim` |
//! | `neigh show`, `add`, `del`, `change`, `replace`, `get`, `flush`, `monitor`, `ntable` | one each, in iproute2's words |
//! | `neigh stat`, `why`, `address`, `link` | one each, of the daemon's own |
//! | `neigh watch` | `watch`; what is seen without a daemon is judged by `watcher` |

mod address;
mod batch;
#[cfg(feature = "bench")]
mod bench;
mod change;
mod cli;
mod commands;
mod context;
pub mod demo;
mod failure;
mod flush;
mod get;
mod inet;
mod json;
pub mod lab;
mod link;
mod local_time;
mod monitor;
mod names;
mod ntable;
mod options;
mod print;
mod replay;
pub mod run;
mod show;
mod sim;
mod socket;
mod stat;
mod usage;
mod watch;
mod watcher;
mod why;
mod words;

pub use cli::main;
pub use failure::Failure;
