//! What the table counts.

/// What a table did and what it occupies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Index entries moved by the last insert or removal.
    pub moved_by_last: usize,
    /// The most index entries one insert or removal ever moved: at most [`crate::MOST_MOVED`].
    pub moved_most: usize,
    /// Index entries moved in all.
    pub moved: u64,
    /// Times the index began to grow.
    pub grows: u64,
    /// Times the index began to shrink.
    pub shrinks: u64,
    /// Times an entry had to stand unusually far from its home bucket.
    pub alarms: u64,
    /// Bytes asked of the allocator, all still held.
    pub bytes: usize,
}
