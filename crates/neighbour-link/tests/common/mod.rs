//! A network namespace for each test that needs the running kernel.
//!
//! The test runs itself again in a child process that has left the caller's user and network namespaces
//! before it began, so that no privilege is needed and nothing of the machine's network is touched.
//! Where namespaces or `ip` are not to be had the test says so and passes, except under `CI`.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

const INSIDE: &str = "NEIGHBOUR_LINK_INSIDE";

/// Runs `body` in namespaces of its own. `name` must be the name of the calling test.
#[track_caller]
#[allow(dead_code, reason = "not every test program needs it")]
pub(crate) fn in_namespace(name: &str, body: impl FnOnce()) {
    let (uid, gid) = (nix::unistd::getuid(), nix::unistd::getgid());
    let maps = [
        ("/proc/self/setgroups", "deny".to_owned()),
        ("/proc/self/uid_map", format!("0 {uid} 1")),
        ("/proc/self/gid_map", format!("0 {gid} 1")),
    ];
    let leave = move || -> io::Result<()> {
        use nix::sched::{CloneFlags, unshare};
        unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNET)?;
        maps.iter().try_for_each(|(path, text)| std::fs::write(path, text))
    };
    inside(name, body, leave);
}

/// The same in a network namespace alone, for what only root of the whole machine may do.
#[track_caller]
#[allow(dead_code, reason = "not every test program needs it")]
pub(crate) fn in_namespace_as_root(name: &str, body: impl FnOnce()) {
    use nix::sched::{CloneFlags, unshare};
    inside(name, body, || Ok(unshare(CloneFlags::CLONE_NEWNET)?));
}

#[track_caller]
fn inside(name: &str, body: impl FnOnce(), leave: impl FnMut() -> io::Result<()> + Send + Sync + 'static) {
    if is_inside() {
        ip("link set lo up");
        body();
        return;
    }
    let mut child = Command::new(std::env::current_exe().expect("the test knows its own program"));
    child.args(["--exact", name, "--include-ignored", "--nocapture", "--test-threads=1"]).env(INSIDE, "1");
    // SAFETY: between fork and exec `leave` only makes system calls on data that was prepared before; it takes
    // no lock, and these paths are too short to be allocated.
    let child = unsafe { child.pre_exec(leave) };
    match child.output() {
        Ok(output) => {
            let text = [output.stdout, output.stderr].concat();
            let text = String::from_utf8_lossy(&text);
            assert!(output.status.success(), "in its own namespace:\n{text}");
            assert!(text.contains("1 passed"), "`{name}` is not this test's name:\n{text}");
            println!("{text}");
        }
        Err(error) => skip(&format!("no namespaces of its own: {error}")),
    }
}

/// Whether this process has namespaces of its own.
pub(crate) fn is_inside() -> bool {
    std::env::var_os(INSIDE).is_some()
}

/// Ends a test that cannot run here; a failure under `CI`.
#[track_caller]
pub(crate) fn skip(reason: &str) {
    assert!(std::env::var_os("CI").is_none(), "{reason}");
    println!("skipped: {reason}");
}

/// Runs `ip` with these words, and expects it to work.
#[track_caller]
pub(crate) fn ip(words: &str) -> String {
    let output = Command::new("ip").args(words.split_whitespace()).output();
    let output = output.expect("these tests need `ip` (iproute2)");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "ip {words}: {errors}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}
