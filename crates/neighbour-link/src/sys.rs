//! The system calls that no safe library offers, each behind a function that cannot be misused.
//!
//! Other `unsafe` code of this crate: the ring (`packet/ring`), and `bpf` and `queue` of `xdp`.
#![expect(unsafe_code, reason = "ioctl, socket options and sendmmsg are foreign calls")]

use crate::interface::Name;
use std::io;
use std::mem::{self, MaybeUninit};
use std::os::fd::{AsRawFd, BorrowedFd};

/// A `virtio_net_hdr` that asks for nothing: no checksum to complete, no segmentation.
pub(crate) const VNET_HEADER_LEN: usize = 10;

/// The largest number of frames that [`send_batch`] takes at once.
pub(crate) const BATCH: usize = 64;

fn ifreq(name: &Name) -> libc::ifreq {
    // SAFETY: `ifreq` is a C struct of integers, arrays and a union of such (the one pointer in the union is
    // raw), for all of which zero bytes are a valid value.
    let mut request: libc::ifreq = unsafe { mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(name.bytes()) {
        *to = from.cast_signed() as libc::c_char;
    }
    request
}

fn ioctl(fd: BorrowedFd<'_>, number: libc::c_ulong, request: &mut libc::ifreq) -> io::Result<()> {
    // SAFETY: every number that is passed here (SIOC*IF*, TUNSETIFF) takes a pointer to one `ifreq`, which
    // `request` is, valid for reads and writes during the call.
    let answer = unsafe { libc::ioctl(fd.as_raw_fd(), number as _, std::ptr::from_mut(request)) };
    checked(answer).map(|_| ())
}

fn checked(answer: libc::c_int) -> io::Result<libc::c_int> {
    if answer < 0 { Err(io::Error::last_os_error()) } else { Ok(answer) }
}

/// `SIOCGIFINDEX`.
pub(crate) fn interface_index(fd: BorrowedFd<'_>, name: &Name) -> io::Result<u32> {
    let mut request = ifreq(name);
    ioctl(fd, libc::SIOCGIFINDEX, &mut request)?;
    // SAFETY: every byte of the union is initialised, and any bits are a valid integer.
    Ok(unsafe { request.ifr_ifru.ifru_ifindex }.cast_unsigned())
}

/// `SIOCGIFNAME`: whether any interface has this number, in the namespace of the socket.
pub(crate) fn interface_exists(fd: BorrowedFd<'_>, ifindex: u32) -> bool {
    let mut request = ifreq(&Name::chosen_by_kernel());
    request.ifr_ifru.ifru_ifindex = ifindex.cast_signed();
    ioctl(fd, libc::SIOCGIFNAME, &mut request).is_ok()
}

/// `SIOCGIFMTU`, in bytes.
pub(crate) fn interface_mtu(fd: BorrowedFd<'_>, name: &Name) -> io::Result<u32> {
    let mut request = ifreq(name);
    ioctl(fd, libc::SIOCGIFMTU, &mut request)?;
    // SAFETY: every byte of the union is initialised, and any bits are a valid integer.
    Ok(unsafe { request.ifr_ifru.ifru_mtu }.cast_unsigned())
}

/// `SIOCGIFHWADDR`: the `ARPHRD_*` type and the first six bytes of the address.
pub(crate) fn interface_hardware(fd: BorrowedFd<'_>, name: &Name) -> io::Result<(u16, [u8; 6])> {
    let mut request = ifreq(name);
    ioctl(fd, libc::SIOCGIFHWADDR, &mut request)?;
    // SAFETY: every byte of the union is initialised, and any bits are a valid `sockaddr`.
    let address = unsafe { request.ifr_ifru.ifru_hwaddr };
    let mut mac = [0; 6];
    for (to, from) in mac.iter_mut().zip(address.sa_data) {
        *to = from as u8;
    }
    Ok((address.sa_family, mac))
}

/// `SIOCGIFFLAGS`: the low 16 `IFF_*` bits.
pub(crate) fn interface_flags(fd: BorrowedFd<'_>, name: &Name) -> io::Result<libc::c_short> {
    let mut request = ifreq(name);
    ioctl(fd, libc::SIOCGIFFLAGS, &mut request)?;
    // SAFETY: every byte of the union is initialised, and any bits are a valid integer.
    Ok(unsafe { request.ifr_ifru.ifru_flags })
}

/// `SIOCSIFFLAGS`.
pub(crate) fn set_interface_flags(fd: BorrowedFd<'_>, name: &Name, flags: libc::c_short) -> io::Result<()> {
    let mut request = ifreq(name);
    request.ifr_ifru.ifru_flags = flags;
    ioctl(fd, libc::SIOCSIFFLAGS, &mut request)
}

/// `TUNSETIFF` on an open `/dev/net/tun`; gives the name that the kernel chose.
pub(crate) fn tun_attach(fd: BorrowedFd<'_>, name: &Name, flags: libc::c_int) -> io::Result<String> {
    let mut request = ifreq(name);
    request.ifr_ifru.ifru_flags = flags as libc::c_short;
    ioctl(fd, libc::TUNSETIFF, &mut request)?;
    let bytes = request.ifr_name.iter().map(|&byte| byte as u8);
    let bytes: Vec<u8> = bytes.take_while(|&byte| byte != 0).collect();
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// `TUNSETOFFLOAD` with no offload: the kernel completes checksums and segments before it hands frames over.
pub(crate) fn tun_no_offload(fd: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: TUNSETOFFLOAD takes a number and no pointer.
    let answer = unsafe { libc::ioctl(fd.as_raw_fd(), libc::TUNSETOFFLOAD, 0 as libc::c_ulong) };
    checked(answer).map(|_| ())
}

/// A C value without padding rules to break: any bytes are one, and all its bytes may be given away.
///
/// # Safety
///
/// For the implementer: the type is made of integers only, and has no padding.
pub(crate) unsafe trait Plain: Copy {}
// SAFETY: an integer.
unsafe impl Plain for libc::c_int {}
// SAFETY: seven `c_uint`.
unsafe impl Plain for libc::tpacket_req3 {}
// SAFETY: `c_int`, two `c_ushort` and eight bytes: 16 bytes, none of them padding.
unsafe impl Plain for libc::packet_mreq {}
// SAFETY: three `c_uint`.
unsafe impl Plain for libc::tpacket_stats_v3 {}

/// `setsockopt(SOL_PACKET)`.
pub(crate) fn set_packet_option<T: Plain>(
    fd: BorrowedFd<'_>,
    option: libc::c_int,
    value: &T,
) -> io::Result<()> {
    // SAFETY: `value` is valid for reads of its size, and `Plain` says that all its bytes are initialised.
    let answer = unsafe {
        libc::setsockopt(
            fd.as_raw_fd(),
            libc::SOL_PACKET,
            option,
            std::ptr::from_ref(value).cast(),
            size_of::<T>() as libc::socklen_t,
        )
    };
    checked(answer).map(|_| ())
}

/// `getsockopt(SOL_PACKET)`.
pub(crate) fn packet_option<T: Plain>(fd: BorrowedFd<'_>, option: libc::c_int) -> io::Result<T> {
    let mut value = MaybeUninit::<T>::zeroed();
    let mut len = size_of::<T>() as libc::socklen_t;
    // SAFETY: `value` is valid for writes of `len` bytes, which is its size.
    let answer = unsafe {
        libc::getsockopt(fd.as_raw_fd(), libc::SOL_PACKET, option, value.as_mut_ptr().cast(), &raw mut len)
    };
    checked(answer)?;
    // SAFETY: it was zeroed before the kernel wrote to it, and `Plain` says that any bytes are a valid `T`.
    Ok(unsafe { value.assume_init() })
}

/// Binds a packet socket to one interface and all protocols. From here on it hears.
pub(crate) fn bind_packet(fd: BorrowedFd<'_>, ifindex: u32) -> io::Result<()> {
    let address = libc::sockaddr_ll {
        sll_family: libc::AF_PACKET as libc::c_ushort,
        sll_protocol: (libc::ETH_P_ALL as u16).to_be(),
        sll_ifindex: ifindex.cast_signed(),
        sll_hatype: 0,
        sll_pkttype: 0,
        sll_halen: 0,
        sll_addr: [0; 8],
    };
    // SAFETY: `address` is valid for reads of the length that is passed, which is its size.
    let answer = unsafe {
        libc::bind(fd.as_raw_fd(), (&raw const address).cast(), size_of_val(&address) as libc::socklen_t)
    };
    checked(answer).map(|_| ())
}

/// `sendmmsg`: sends frames from the first on, each behind an empty `virtio_net_hdr`, and says how many went.
///
/// At most [`BATCH`] are taken. An error is the first frame's.
pub(crate) fn send_batch<'a>(
    fd: BorrowedFd<'_>,
    frames: impl Iterator<Item = &'a [u8]>,
) -> io::Result<usize> {
    static HEADER: [u8; VNET_HEADER_LEN] = [0; VNET_HEADER_LEN];
    let part =
        |bytes: &[u8]| libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
    let mut parts: Vec<[libc::iovec; 2]> =
        frames.take(BATCH).map(|frame| [part(&HEADER), part(frame)]).collect();
    let mut messages: Vec<libc::mmsghdr> = parts
        .iter_mut()
        .map(|parts| {
            // SAFETY: `mmsghdr` holds integers and raw pointers only, for which zero is a valid value.
            let mut message: libc::mmsghdr = unsafe { mem::zeroed() };
            message.msg_hdr.msg_iov = parts.as_mut_ptr();
            message.msg_hdr.msg_iovlen = parts.len() as _;
            message
        })
        .collect();
    // SAFETY: `messages` holds as many headers as are said; each points to two parts in `parts`, which lives
    // until the end of this function and is not moved; each part points to `HEADER` or to a frame that the
    // caller borrows for longer than this call, and sending only reads them.
    let answer = unsafe {
        libc::sendmmsg(
            fd.as_raw_fd(),
            messages.as_mut_ptr(),
            messages.len() as libc::c_uint,
            libc::MSG_DONTWAIT as _,
        )
    };
    checked(answer).map(|sent| sent.unsigned_abs() as usize)
}
