//! What is done beyond Linux against impostors: the profile `guarded`. Under `linux` nothing here acts.

mod acd;
mod admission;
mod classes;
mod discovery;
mod marks;
mod memory;
mod moves;
mod questions;
mod replies;
mod scan;
mod stations;

pub(crate) use acd::Acd;
pub use acd::Defence;
pub use admission::{Admission, Occupancy};
pub(crate) use admission::{Newcomers, Whom};
pub(crate) use moves::Moves;
pub use moves::{Disbelief, MovePolicy};
