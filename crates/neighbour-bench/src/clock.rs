//! Clocks and the processor a thread stands on.

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::time::{ClockId, clock_gettime};
use nix::unistd::Pid;
use std::time::Duration;

/// The processor time of this thread: what others do on the same processor is not in it.
pub(crate) fn thread_time() -> Duration {
    // The clock exists in every Linux; zero would show as an absurd figure, not as a wrong one.
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map_or(Duration::ZERO, Duration::from)
}

/// Processor time of this thread in nanoseconds for each of `operations` done by `work`.
pub(crate) fn nanoseconds_each<T>(operations: usize, work: impl FnOnce() -> T) -> (f64, T) {
    let start = thread_time();
    let result = std::hint::black_box(work());
    let spent = thread_time().saturating_sub(start);
    (spent.as_secs_f64() * 1e9 / operations.max(1) as f64, result)
}

/// The processors this process may use.
pub(crate) fn processors() -> Vec<usize> {
    let Ok(set) = sched_getaffinity(Pid::from_raw(0)) else { return Vec::new() };
    (0..CpuSet::count()).filter(|n| set.is_set(*n).unwrap_or(false)).collect()
}

/// Ties this thread to one processor; false if that cannot be done.
pub(crate) fn pin(processor: usize) -> bool {
    allow(&[processor])
}

/// Lets this thread run on these processors only; false if that cannot be done.
pub(crate) fn allow(processors: &[usize]) -> bool {
    let mut set = CpuSet::new();
    processors.iter().all(|processor| set.set(*processor).is_ok())
        && sched_setaffinity(Pid::from_raw(0), &set).is_ok()
}

/// Ties this thread to the last processor: interrupts and other programs like the first.
pub(crate) fn pin_to_last() -> bool {
    processors().last().is_some_and(|last| pin(*last))
}
