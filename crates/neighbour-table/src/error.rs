//! What can go wrong: only memory.

/// The allocator gave no memory, or the table is as large as its numbers can count.
///
/// The call that returned it has changed nothing that a user can see: no entry was added, and every other entry is
/// still found. Free some entries (collect) or try again later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("out of memory: the neighbour table could not grow; remove entries or try again")]
pub struct OutOfMemory;
