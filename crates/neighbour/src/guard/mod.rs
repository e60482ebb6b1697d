//! What is done beyond Linux against impostors: the profile `guarded`. Under `linux` nothing here acts.

mod acd;
mod moves;

pub(crate) use acd::Acd;
pub use acd::Defence;
pub(crate) use moves::Moves;
pub use moves::{Disbelief, MovePolicy};
