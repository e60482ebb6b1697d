//! Leaving the caller's namespaces (user_namespaces(7), network_namespaces(7)).

use super::LabError;
use nix::errno::Errno;
use nix::sched::{CloneFlags, unshare};
use std::fs;

/// What the process has for itself now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Namespaces {
    /// A user and a network namespace, in which it is root.
    UserAndNetwork,
    /// A network namespace; it was root already.
    Network,
}

/// Puts the process into a user and a network namespace of its own, mapped to root there. Root for whom user
/// namespaces are closed gets the network namespace alone.
///
/// Call it before any thread is started: the kernel moves single-threaded processes only. There is no way back.
///
/// # Errors
///
/// [`LabError::Unshare`] with the likely cause, [`LabError::Map`].
pub fn enter() -> Result<Namespaces, LabError> {
    let (uid, gid) = (nix::unistd::geteuid(), nix::unistd::getegid());
    match unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNET) {
        Ok(()) => {
            map("/proc/self/setgroups", "deny")?;
            map("/proc/self/uid_map", &format!("0 {uid} 1"))?;
            map("/proc/self/gid_map", &format!("0 {gid} 1"))?;
            Ok(Namespaces::UserAndNetwork)
        }
        Err(_) if uid.is_root() && unshare(CloneFlags::CLONE_NEWNET).is_ok() => Ok(Namespaces::Network),
        Err(errno) => Err(LabError::Unshare { why: likely_cause(errno), source: errno.into() }),
    }
}

fn map(path: &'static str, text: &str) -> Result<(), LabError> {
    fs::write(path, text).map_err(|source| LabError::Map { path, source })
}

fn likely_cause(errno: Errno) -> &'static str {
    match errno {
        Errno::EPERM | Errno::EACCES => {
            "user namespaces are closed to this user, by a container's seccomp filter or by a sysctl such as \
             kernel.unprivileged_userns_clone"
        }
        Errno::ENOSPC | Errno::EUSERS => {
            "user.max_user_namespaces or user.max_net_namespaces allows no more, or they are nested too deep"
        }
        Errno::EINVAL => "this kernel has no user namespaces, or the process has threads already",
        _ => "see unshare(2)",
    }
}
