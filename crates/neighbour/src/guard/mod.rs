//! What is done beyond Linux against impostors: the profile `guarded`. Under `linux` nothing here acts.

mod moves;

pub(crate) use moves::Moves;
pub use moves::{Disbelief, MovePolicy};
