//! Counts the instructions between two stops of a child process, by letting it do one at a time.
//!
//! The processor's own counter would be faster, but virtual machines often have none and containers often may not use
//! it. Stepping is exact and works wherever a process may trace its child. What the kernel does is not counted.

use anyhow::{Context, bail, ensure};
use nix::sys::ptrace;
use nix::sys::signal::{Signal, raise};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::Pid;
use std::path::Path;
use std::process::Command;

/// In the child: stops for the process that counts, and lets `what` be counted.
pub(super) fn stopping_around<T>(what: impl FnOnce() -> T) -> anyhow::Result<T> {
    ptrace::traceme().context("asking to be traced")?;
    raise(Signal::SIGSTOP)?;
    let result = what();
    raise(Signal::SIGSTOP)?;
    Ok(result)
}

/// Instructions that `program` does between its two stops. Both are in the count with what they take, which is always
/// the same.
pub(super) fn between_stops(program: &Path, arguments: &[&str]) -> anyhow::Result<u64> {
    let child = Command::new(program).args(arguments).spawn().context("starting the child")?;
    let child = Pid::from_raw(i32::try_from(child.id()).context("a process number")?);
    match waitpid(child, None).context("waiting for the child")? {
        WaitStatus::Stopped(_, Signal::SIGSTOP) => {}
        other => bail!("the child did not stop to be counted: {other:?}"),
    }
    // Whatever happens here, the child does not outlive us.
    ptrace::setoptions(child, ptrace::Options::PTRACE_O_EXITKILL).context("tracing the child")?;
    let mut count = 0;
    let mut signal = None;
    loop {
        ptrace::step(child, signal).context("stepping")?;
        match waitpid(child, None).context("waiting for a step")? {
            WaitStatus::Stopped(_, Signal::SIGTRAP) => (count, signal) = (count + 1, None),
            WaitStatus::Stopped(_, Signal::SIGSTOP) => break,
            WaitStatus::Stopped(_, other) => signal = Some(other),
            other => bail!("the child ended while it was counted: {other:?}"),
        }
    }
    ptrace::cont(child, None).context("letting the child go on")?;
    let end = waitpid(child, None).context("waiting for the end")?;
    ensure!(matches!(end, WaitStatus::Exited(_, 0)), "the child failed: {end:?}");
    Ok(count)
}
