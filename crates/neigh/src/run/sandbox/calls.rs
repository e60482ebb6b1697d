//! System calls: those of the loop, and of opening a link anew; none that runs a program, makes a process or a
//! mapping that can be executed, or speaks by another socket than those of the daemon's own kinds.

use super::Needs;
use seccompiler::{
    BpfProgram, Error, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, apply_filter,
};
use std::collections::BTreeMap;

/// Allowed whatever their arguments.
const PLAIN: &[libc::c_long] = &[
    // The loop.
    libc::SYS_ppoll,
    libc::SYS_epoll_create1,
    libc::SYS_epoll_ctl,
    libc::SYS_epoll_pwait,
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_pread64,
    libc::SYS_write,
    libc::SYS_writev,
    libc::SYS_pwrite64,
    libc::SYS_close,
    libc::SYS_lseek,
    libc::SYS_fcntl,
    libc::SYS_dup,
    libc::SYS_pipe2,
    // Sockets that are there, or that a rule below let come.
    libc::SYS_accept,
    libc::SYS_accept4,
    libc::SYS_bind,
    libc::SYS_connect,
    libc::SYS_shutdown,
    libc::SYS_getsockname,
    libc::SYS_getpeername,
    libc::SYS_getsockopt,
    libc::SYS_setsockopt,
    libc::SYS_sendto,
    libc::SYS_sendmsg,
    libc::SYS_sendmmsg,
    libc::SYS_recvfrom,
    libc::SYS_recvmsg,
    libc::SYS_recvmmsg,
    // Files, as far as Landlock lets them be reached.
    libc::SYS_openat,
    libc::SYS_fstat,
    libc::SYS_newfstatat,
    libc::SYS_statx,
    libc::SYS_faccessat,
    libc::SYS_faccessat2,
    libc::SYS_readlinkat,
    libc::SYS_getcwd,
    libc::SYS_getdents64,
    libc::SYS_fsync,
    libc::SYS_fdatasync,
    libc::SYS_ftruncate,
    libc::SYS_renameat,
    libc::SYS_renameat2,
    libc::SYS_unlinkat,
    // Memory; to map some is below.
    libc::SYS_brk,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    // Time and chance.
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_nanosleep,
    libc::SYS_gettimeofday,
    libc::SYS_getrandom,
    // Signals and the end.
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_restart_syscall,
    libc::SYS_tgkill,
    libc::SYS_exit,
    libc::SYS_exit_group,
    // What libraries ask about the process.
    libc::SYS_futex,
    libc::SYS_getpid,
    libc::SYS_gettid,
    libc::SYS_getuid,
    libc::SYS_geteuid,
    libc::SYS_getgid,
    libc::SYS_getegid,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    libc::SYS_uname,
];

/// The older names of some of them, which this processor has, too.
#[cfg(target_arch = "x86_64")]
const OLDER: &[libc::c_long] = &[
    libc::SYS_poll,
    libc::SYS_epoll_wait,
    libc::SYS_open,
    libc::SYS_stat,
    libc::SYS_lstat,
    libc::SYS_access,
    libc::SYS_readlink,
    libc::SYS_rename,
    libc::SYS_unlink,
    libc::SYS_time,
];
#[cfg(not(target_arch = "x86_64"))]
const OLDER: &[libc::c_long] = &[];

/// What may be asked of a descriptor by `ioctl`: facts about an interface, and not to block.
const IOCTLS: [libc::c_ulong; 8] = [
    libc::SIOCGIFINDEX as libc::c_ulong,
    libc::SIOCGIFNAME as libc::c_ulong,
    libc::SIOCGIFMTU as libc::c_ulong,
    libc::SIOCGIFHWADDR as libc::c_ulong,
    libc::SIOCGIFFLAGS as libc::c_ulong,
    libc::FIONBIO as libc::c_ulong,
    libc::FIONREAD as libc::c_ulong,
    libc::TCGETS as libc::c_ulong,
];

/// How many queues an interface has, for AF_XDP.
const SIOCETHTOOL: libc::c_ulong = 0x8946;

/// Says why it cannot be.
pub(super) fn restrict(needs: &Needs) -> Result<(), String> {
    let arch = std::env::consts::ARCH;
    let target = arch.try_into().map_err(|_| format!("there are no filters for {arch} here"))?;
    let told = |error: Error| match std::error::Error::source(&error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    };
    let wrong = |error: seccompiler::BackendError| error.to_string();
    let refused = SeccompAction::Errno(libc::EPERM.unsigned_abs());
    let filter = SeccompFilter::new(rules(needs).map_err(wrong)?, refused, SeccompAction::Allow, target);
    let program: BpfProgram = filter.and_then(TryInto::try_into).map_err(wrong)?;
    apply_filter(&program).map_err(told)
}

/// By number: any of the rules lets it pass; no rule at all is every argument.
type Rules = BTreeMap<i64, Vec<SeccompRule>>;

fn rules(needs: &Needs) -> Result<Rules, seccompiler::BackendError> {
    let mut rules: Rules = PLAIN.iter().chain(OLDER).map(|number| (*number, Vec::new())).collect();
    let one_of = |argument: u8, values: &[u64]| -> Result<Vec<SeccompRule>, _> {
        let is = |value: &u64| SeccompRule::new(vec![word(argument, SeccompCmpOp::Eq, *value)?]);
        values.iter().map(is).collect()
    };

    let mut families = vec![libc::AF_UNIX, libc::AF_NETLINK];
    families.extend(needs.packet.then_some(libc::AF_PACKET));
    families.extend(needs.xdp.then_some(libc::AF_XDP));
    let families: Vec<u64> = families.into_iter().map(|family| u64::from(family.unsigned_abs())).collect();
    rules.insert(libc::SYS_socket, one_of(0, &families)?);

    let mut asked = IOCTLS.to_vec();
    asked.extend(needs.xdp.then_some(SIOCETHTOOL));
    rules.insert(libc::SYS_ioctl, one_of(1, &asked)?);

    let no_program = SeccompCmpOp::MaskedEq(u64::from(libc::PROT_EXEC.unsigned_abs()));
    for mapping in [libc::SYS_mmap, libc::SYS_mprotect] {
        rules.insert(mapping, vec![SeccompRule::new(vec![word(2, no_program.clone(), 0)?])?]);
    }
    if needs.xdp {
        rules.insert(libc::SYS_bpf, Vec::new());
    }
    Ok(rules)
}

/// A condition on the lower half of an argument, which is all the kernel looks at in these.
fn word(
    argument: u8,
    operation: SeccompCmpOp,
    value: u64,
) -> Result<SeccompCondition, seccompiler::BackendError> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, operation, value)
}
