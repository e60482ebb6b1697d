//! `bpf(2)`: a map of sockets, a program, its attachment. Only what [`super`] needs of it.
#![expect(unsafe_code, reason = "bpf is a foreign call")]

use super::program::Instruction;
use std::ffi::CStr;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

const MAP_CREATE: libc::c_long = 0;
const MAP_UPDATE_ELEM: libc::c_long = 2;
const PROG_LOAD: libc::c_long = 5;
#[cfg(test)]
const PROG_TEST_RUN: libc::c_long = 10;
const LINK_CREATE: libc::c_long = 28;

const MAP_TYPE_XSKMAP: u32 = 17;
const PROG_TYPE_XDP: u32 = 6;
const ATTACH_XDP: u32 = 37;

/// How a program is attached: `XDP_FLAGS_*`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Attachment {
    /// Behind the driver, on packets of the kernel's own form.
    Generic = 1 << 1,
    /// In the driver.
    Native = 1 << 2,
}

/// A command and its attributes: integers only, without padding.
///
/// # Safety
///
/// For the implementer: each pointer in it is valid for as many bytes as the command reads or writes there.
unsafe trait Command: Copy {
    const NUMBER: libc::c_long;
}

fn bpf<C: Command>(mut attributes: C) -> io::Result<(libc::c_long, C)> {
    // SAFETY: `attributes` is valid for reads and writes of the size that is passed, and `Command` says that the
    // pointers in it are valid, too.
    let answer = unsafe {
        libc::syscall(libc::SYS_bpf, C::NUMBER, &raw mut attributes, size_of::<C>() as libc::c_uint)
    };
    if answer < 0 { Err(io::Error::last_os_error()) } else { Ok((answer, attributes)) }
}

/// For the commands that answer with a new descriptor.
fn descriptor<C: Command>(attributes: C) -> io::Result<OwnedFd> {
    let (answer, _) = bpf(attributes)?;
    // SAFETY: the kernel has just made this descriptor for us (with close-on-exec), and nobody else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(answer as libc::c_int) })
}

#[derive(Clone, Copy)]
#[repr(C)]
struct MapCreate {
    map_type: u32,
    key_size: u32,
    value_size: u32,
    max_entries: u32,
    map_flags: u32,
}

// SAFETY: it holds no pointer.
unsafe impl Command for MapCreate {
    const NUMBER: libc::c_long = MAP_CREATE;
}

/// A map from queues to `AF_XDP` sockets, empty.
pub(super) fn socket_map(queues: u32) -> io::Result<OwnedFd> {
    descriptor(MapCreate {
        map_type: MAP_TYPE_XSKMAP,
        key_size: 4,
        value_size: 4,
        max_entries: queues,
        map_flags: 0,
    })
}

#[derive(Clone, Copy)]
#[repr(C)]
struct MapUpdate {
    map_fd: u32,
    padding: u32,
    key: u64,
    value: u64,
    flags: u64,
}

// SAFETY: made in `put` only, where key and value point to four bytes each, as the map was made for.
unsafe impl Command for MapUpdate {
    const NUMBER: libc::c_long = MAP_UPDATE_ELEM;
}

/// Frames of this queue go to this socket from now on.
pub(super) fn put(map: BorrowedFd<'_>, queue: u32, socket: BorrowedFd<'_>) -> io::Result<()> {
    let socket = socket.as_raw_fd().cast_unsigned();
    bpf(MapUpdate {
        map_fd: map.as_raw_fd().cast_unsigned(),
        padding: 0,
        key: address(&raw const queue),
        value: address(&raw const socket),
        flags: 0,
    })
    .map(|_| ())
}

#[derive(Clone, Copy)]
#[repr(C)]
struct ProgLoad {
    prog_type: u32,
    insn_cnt: u32,
    insns: u64,
    license: u64,
    log_level: u32,
    log_size: u32,
    log_buf: u64,
    kern_version: u32,
    prog_flags: u32,
    prog_name: [u8; 16],
    prog_ifindex: u32,
    expected_attach_type: u32,
}

// SAFETY: made in `load` only, where the instructions are as many as are said, and the licence ends with a zero.
unsafe impl Command for ProgLoad {
    const NUMBER: libc::c_long = PROG_LOAD;
}

/// Hands a program to the kernel, which checks it.
pub(super) fn load(program: &[Instruction]) -> io::Result<OwnedFd> {
    const LICENSE: &CStr = c"MIT";
    let mut prog_name = [0; 16];
    prog_name[..9].copy_from_slice(b"neighbour");
    descriptor(ProgLoad {
        prog_type: PROG_TYPE_XDP,
        insn_cnt: program.len() as u32,
        insns: address(program.as_ptr()),
        license: address(LICENSE.as_ptr()),
        log_level: 0,
        log_size: 0,
        log_buf: 0,
        kern_version: 0,
        prog_flags: 0,
        prog_name,
        prog_ifindex: 0,
        expected_attach_type: ATTACH_XDP,
    })
}

#[derive(Clone, Copy)]
#[repr(C)]
struct LinkCreate {
    prog_fd: u32,
    target_ifindex: u32,
    attach_type: u32,
    flags: u32,
}

// SAFETY: it holds no pointer.
unsafe impl Command for LinkCreate {
    const NUMBER: libc::c_long = LINK_CREATE;
}

/// Puts a program before an interface, for as long as the descriptor is open.
pub(super) fn attach(program: BorrowedFd<'_>, ifindex: u32, how: Attachment) -> io::Result<OwnedFd> {
    descriptor(LinkCreate {
        prog_fd: program.as_raw_fd().cast_unsigned(),
        target_ifindex: ifindex,
        attach_type: ATTACH_XDP,
        flags: how as u32,
    })
}

fn address<T>(pointer: *const T) -> u64 {
    pointer.expose_provenance() as u64
}

#[cfg(test)]
#[derive(Clone, Copy)]
#[repr(C)]
struct TestRun {
    prog_fd: u32,
    retval: u32,
    data_size_in: u32,
    data_size_out: u32,
    data_in: u64,
    data_out: u64,
    repeat: u32,
    duration: u32,
}

// SAFETY: made in `run` only, where `data_in` has as many bytes as are said, and there is no `data_out`.
#[cfg(test)]
unsafe impl Command for TestRun {
    const NUMBER: libc::c_long = PROG_TEST_RUN;
}

/// What the program says of a frame.
#[cfg(test)]
pub(super) fn run(program: BorrowedFd<'_>, frame: &[u8]) -> io::Result<u32> {
    let (_, answer) = bpf(TestRun {
        prog_fd: program.as_raw_fd().cast_unsigned(),
        retval: 0,
        data_size_in: frame.len() as u32,
        data_size_out: 0,
        data_in: address(frame.as_ptr()),
        data_out: 0,
        repeat: 1,
        duration: 0,
    })?;
    Ok(answer.retval)
}
