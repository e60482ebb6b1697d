//! Each test closes its own thread only: both restrictions are a thread's, and the daemon has one.

use super::*;
use std::fs::{self, File};
use std::io;
use std::net::{TcpListener, UdpSocket};
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

/// A directory of this test's own, gone in the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("neigh-sandbox-{}-{name}", std::process::id()));
        for part in ["config", "state", "run", "elsewhere"] {
            fs::create_dir_all(path.join(part)).unwrap();
        }
        fs::write(path.join("config/neigh.toml"), "port = []").unwrap();
        fs::write(path.join("elsewhere/secret"), "42").unwrap();
        Self(path)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn needs(&self) -> Needs {
        Needs {
            config: Some(self.path("config/neigh.toml")),
            state: Some(self.path("state/state.json")),
            socket: self.path("run/neigh.sock"),
            packet: true,
            ..Needs::default()
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _gone = fs::remove_dir_all(&self.0);
    }
}

/// Runs it in a thread behind the closed doors. A panic in it is the test's.
fn inside<T: Send>(needs: &Needs, body: impl FnOnce() -> T + Send) -> T {
    let closed = || {
        files::restrict(needs).expect("Landlock of this kernel");
        calls::restrict(needs).expect("seccomp of this kernel");
        body()
    };
    std::thread::scope(|scope| match scope.spawn(closed).join() {
        Ok(value) => value,
        Err(panic) => std::panic::resume_unwind(panic),
    })
}

#[track_caller]
fn refused<T>(result: io::Result<T>, errno: i32, what: &str) {
    let error = result.err().unwrap_or_else(|| panic!("{what} was allowed"));
    assert_eq!(error.raw_os_error(), Some(errno), "{what}: {error}");
}

#[test]
fn no_program_is_run_and_no_process_made() {
    let scratch = Scratch::new("program");
    inside(&scratch.needs(), || {
        // If it could be run, it would take this process's place and fail.
        refused(Err::<(), _>(Command::new("/bin/false").exec()), libc::EPERM, "execve");
        refused(Command::new("/bin/false").spawn(), libc::EPERM, "a child");
        let thread = std::thread::Builder::new().spawn(|| {});
        refused(thread, libc::EPERM, "a thread");
    });
}

#[test]
fn sockets_of_other_families_are_refused_and_those_of_the_links_are_not() {
    let scratch = Scratch::new("sockets");
    let netlink = || {
        use nix::sys::socket::{AddressFamily, SockFlag, SockProtocol, SockType, socket};
        let protocol = SockProtocol::NetlinkRoute;
        socket(AddressFamily::Netlink, SockType::Raw, SockFlag::empty(), protocol).map_err(io::Error::from)
    };
    inside(&scratch.needs(), || {
        refused(UdpSocket::bind("127.0.0.1:0"), libc::EPERM, "UDP");
        refused(TcpListener::bind("[::1]:0"), libc::EPERM, "TCP");
        UnixDatagram::unbound().expect("who asks about interfaces");
        netlink().expect("who asks about links");
    });
}

#[test]
fn files_outside_are_refused_and_those_of_the_daemon_are_not() {
    let scratch = Scratch::new("files");
    let denied = |result: io::Result<File>, what: &str| refused(result, libc::EACCES, what);
    inside(&scratch.needs(), || {
        denied(File::open("/etc/passwd"), "the list of users");
        denied(File::open(scratch.path("elsewhere/secret")), "a file elsewhere");
        denied(File::create(scratch.path("elsewhere/new")), "a new file elsewhere");
        denied(File::create(scratch.path("config/neigh.toml")), "to write the configuration");
        refused(
            fs::remove_file(scratch.path("elsewhere/secret")),
            libc::EACCES,
            "to remove a file elsewhere",
        );
        refused(UnixListener::bind(scratch.path("run/other.sock")), libc::EACCES, "another socket");
        // An editor puts another file in the place of the one that was there.
        assert_eq!(fs::read_to_string(scratch.path("config/neigh.toml")).unwrap(), "port = []");
        let (new, state) = (scratch.path("state/state.json.new"), scratch.path("state/state.json"));
        for text in ["1", "2"] {
            fs::write(&new, text).unwrap();
            fs::rename(&new, &state).unwrap();
        }
        assert_eq!(fs::read_to_string(&state).unwrap(), "2");
        // Removed elsewhere meanwhile is not refused.
        let gone = fs::remove_file(scratch.path("run/neigh.sock")).unwrap_err();
        assert_eq!(gone.kind(), io::ErrorKind::NotFound);
    });
    assert!(scratch.path("elsewhere/secret").exists());
}

#[test]
fn a_configuration_that_was_put_in_its_place_is_read_again_also_behind_a_link() {
    let scratch = Scratch::new("renamed");
    let (file, link) = (scratch.path("config/neigh.toml"), scratch.path("run/neigh.toml"));
    std::os::unix::fs::symlink(&file, &link).unwrap();
    let needs = Needs { config: Some(link.clone()), ..scratch.needs() };
    // The editor is not closed in, and the one who reads is before it edits.
    let (closed, edited) = (std::sync::Barrier::new(2), std::sync::Barrier::new(2));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let next = scratch.path("config/next");
            closed.wait();
            fs::write(&next, "port = ['tap:a']").unwrap();
            fs::rename(&next, &file).unwrap();
            edited.wait();
        });
        let text = inside(&needs, || {
            closed.wait();
            edited.wait();
            fs::read_to_string(&link)
        });
        assert_eq!(text.unwrap(), "port = ['tap:a']");
    });
}

#[test]
fn memory_that_can_be_executed_is_refused_and_other_memory_is_not() {
    let scratch = Scratch::new("memory");
    inside(&scratch.needs(), || {
        let page = memmap2::MmapMut::map_anon(4096).expect("memory");
        refused(page.make_exec(), libc::EPERM, "a page of a program");
        assert!(vec![0_u8; 64 * 1024 * 1024].iter().all(|byte| *byte == 0));
    });
}

#[test]
fn who_is_in_a_group_can_be_asked_about() {
    let scratch = Scratch::new("groups");
    let needs = Needs { groups: true, ..scratch.needs() };
    inside(&needs, || {
        let root = nix::unistd::User::from_uid(nix::unistd::Uid::from_raw(0)).unwrap();
        assert_eq!(root.map(|user| user.name).as_deref(), Some("root"));
        assert!(!Path::new("/etc/group").exists() || File::open("/etc/group").is_ok());
    });
}
