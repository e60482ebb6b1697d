//! What an interface listens to besides its own address, as a packet socket asks for it.

use crate::sys;
use std::collections::BTreeSet;
use std::io;
use std::os::fd::BorrowedFd;

/// The groups that a socket has joined. What was joined ends with the socket at the latest.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    joined: BTreeSet<[u8; 6]>,
    /// The hardware has no room for them one by one.
    all: bool,
}

impl Groups {
    /// Joins those that are new and leaves those that are wanted no more; if the hardware has no room, all are
    /// heard.
    pub(crate) fn set(&mut self, fd: BorrowedFd<'_>, ifindex: u32, groups: &[[u8; 6]]) -> io::Result<()> {
        let wanted: BTreeSet<[u8; 6]> = groups.iter().copied().collect();
        for &group in self.joined.difference(&wanted) {
            // An interface that was removed has forgotten the membership.
            let _left = member(fd, Change::Drop, ifindex, libc::PACKET_MR_MULTICAST, group);
        }
        self.joined.retain(|group| wanted.contains(group));
        for group in wanted {
            if self.joined.contains(&group) || self.all {
                continue;
            }
            match member(fd, Change::Add, ifindex, libc::PACKET_MR_MULTICAST, group) {
                Ok(()) => {
                    self.joined.insert(group);
                }
                Err(_) => {
                    member(fd, Change::Add, ifindex, libc::PACKET_MR_ALLMULTI, [0; 6])?;
                    self.all = true;
                }
            }
        }
        Ok(())
    }
}

/// Hears the frames to all addresses, as long as the socket is open.
pub(crate) fn promiscuous(fd: BorrowedFd<'_>, ifindex: u32) -> io::Result<()> {
    member(fd, Change::Add, ifindex, libc::PACKET_MR_PROMISC, [0; 6])
}

#[derive(Debug, Clone, Copy)]
enum Change {
    Add,
    Drop,
}

/// One `packet_mreq`.
fn member(
    fd: BorrowedFd<'_>,
    change: Change,
    ifindex: u32,
    kind: libc::c_int,
    group: [u8; 6],
) -> io::Result<()> {
    let [a, b, c, d, e, f] = group;
    let request = libc::packet_mreq {
        mr_ifindex: ifindex.cast_signed(),
        mr_type: kind as libc::c_ushort,
        mr_alen: group.len() as libc::c_ushort,
        mr_address: [a, b, c, d, e, f, 0, 0],
    };
    let option = match change {
        Change::Add => libc::PACKET_ADD_MEMBERSHIP,
        Change::Drop => libc::PACKET_DROP_MEMBERSHIP,
    };
    sys::set_packet_option(fd, option, &request)
}
