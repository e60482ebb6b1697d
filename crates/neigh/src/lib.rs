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
//! | `neigh show` | [`show`] |

mod cli;
pub mod demo;
mod failure;
pub mod lab;
pub mod run;
pub mod show;
mod socket;

pub use cli::main;
pub use failure::Failure;
