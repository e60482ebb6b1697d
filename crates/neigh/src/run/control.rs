//! The control socket: who connects may ask for the table.

use crate::failure::Failure;
use neighbour_ctl::{Frames, Snapshot, respond};
use nix::sys::stat::{Mode, umask};
use std::fs;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

/// Conversations at a time; more wait in the listener's queue.
const CLIENTS_MAX: usize = 64;
/// A client that does not take its answers is not asked for more requests beyond this.
const ANSWER_MAX: usize = 4 * 1024 * 1024;

/// The listening socket, its file, and the conversations. The file goes when this is dropped.
#[derive(Debug)]
pub(super) struct Control {
    listener: UnixListener,
    path: PathBuf,
    /// The file's device and inode, so that another daemon's file is not removed.
    identity: (u64, u64),
    clients: Vec<Client>,
}

#[derive(Debug)]
struct Client {
    stream: UnixStream,
    frames: Frames,
    answer: Vec<u8>,
    sent: usize,
    /// No more is read; it goes when its answers are taken.
    finished: bool,
}

impl Control {
    /// Listens. The file of a daemon that is no more is replaced.
    pub(super) fn bind(path: PathBuf) -> Result<Self, Failure> {
        let failed = |error: io::Error| {
            let what = format!("--socket {}: cannot listen: {error}", path.display());
            Failure::new(what, "name a file in a directory that exists and can be written to")
        };
        if path.symlink_metadata().is_ok() {
            remove_stale(&path)?;
        }
        // The owner and the group may ask.
        let old = umask(Mode::from_bits_truncate(0o117));
        let bound = UnixListener::bind(&path);
        umask(old);
        let listener = bound.map_err(failed)?;
        let identity = listener.set_nonblocking(true).and_then(|()| identity(&path)).map_err(|error| {
            let _gone = fs::remove_file(&path);
            failed(error)
        })?;
        Ok(Self { listener, path, identity, clients: Vec::new() })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// What to wait for: each descriptor, and whether to wait until it can be written.
    pub(super) fn descriptors(&self) -> impl Iterator<Item = (BorrowedFd<'_>, bool)> {
        let listener = (self.clients.len() < CLIENTS_MAX).then(|| (self.listener.as_fd(), false));
        let clients = self.clients.iter().map(|client| (client.stream.as_fd(), client.has_answer()));
        listener.into_iter().chain(clients)
    }

    /// Takes new conversations, reads requests and answers them, as far as it goes without waiting.
    pub(super) fn serve(&mut self, snapshot: &impl Snapshot) {
        while self.clients.len() < CLIENTS_MAX {
            let Ok((stream, _)) = self.listener.accept() else { break };
            if stream.set_nonblocking(true).is_ok() {
                self.clients.push(Client {
                    stream,
                    frames: Frames::default(),
                    answer: Vec::new(),
                    sent: 0,
                    finished: false,
                });
            }
        }
        self.clients.retain_mut(|client| client.serve(snapshot));
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        if identity(&self.path).is_ok_and(|identity| identity == self.identity) {
            let _gone = fs::remove_file(&self.path);
        }
    }
}

impl Client {
    fn has_answer(&self) -> bool {
        self.sent < self.answer.len()
    }

    /// Does the conversation go on?
    fn serve(&mut self, snapshot: &impl Snapshot) -> bool {
        loop {
            if self.send().is_err() {
                return false;
            }
            if self.answer.len() - self.sent > ANSWER_MAX {
                return true;
            }
            match self.frames.next_message() {
                Ok(Some(request)) => respond(request, snapshot, &mut self.answer),
                Ok(None) if self.finished => return self.has_answer(),
                Ok(None) => match self.read() {
                    Ok(true) => {}
                    Ok(false) => self.finished = true,
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => return true,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(_) => return false,
                },
                Err(error) => {
                    tracing::warn!("a conversation was closed: {error}");
                    return false;
                }
            }
        }
    }

    /// False at the end.
    fn read(&mut self) -> io::Result<bool> {
        let mut chunk = [0; 4096];
        let len = self.stream.read(&mut chunk)?;
        self.frames.push(chunk.get(..len).unwrap_or_default());
        Ok(len > 0)
    }

    /// As much as the client takes now.
    fn send(&mut self) -> io::Result<()> {
        while let Some(rest) = self.answer.get(self.sent..).filter(|rest| !rest.is_empty()) {
            match self.stream.write(rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(len) => self.sent += len,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.answer = Vec::new();
        self.sent = 0;
        Ok(())
    }
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    path.symlink_metadata().map(|file| (file.dev(), file.ino()))
}

/// Removes a socket that nobody listens to; anything else is an error.
fn remove_stale(path: &Path) -> Result<(), Failure> {
    let is_socket = path.symlink_metadata().is_ok_and(|file| file.file_type().is_socket());
    if !is_socket {
        let what = format!("--socket {}: there is a file that is no socket", path.display());
        return Err(Failure::new(what, "name another path, or remove the file"));
    }
    if UnixStream::connect(path).is_ok() {
        let what = format!("--socket {}: another daemon listens there", path.display());
        return Err(Failure::new(what, "end it first, or give --socket another path"));
    }
    fs::remove_file(path).map_err(|error| {
        let what = format!("--socket {}: an old socket cannot be removed: {error}", path.display());
        Failure::new(what, "give --socket another path")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use neighbour_ctl::{Entry, Filter, Interface, Table, TableError, request};
    use std::thread;

    struct One;

    impl Snapshot for One {
        fn interfaces(&self) -> Vec<Interface> {
            vec![Interface { index: 1, name: "lo".into(), hardware: 772, flags: 0, lladdr: None }]
        }

        fn neighbours(&self, _: &Filter) -> Vec<Entry> {
            Vec::new()
        }
    }

    fn path(name: &str) -> PathBuf {
        std::env::temp_dir().join(format!("neigh-{}-{name}.sock", std::process::id()))
    }

    #[test]
    fn a_client_is_answered_and_the_file_goes_in_the_end() {
        let path = path("answered");
        let mut control = Control::bind(path.clone()).unwrap();
        let asking = thread::spawn({
            let path = path.clone();
            move || Table::daemon(&path).and_then(|mut table| table.interfaces())
        });
        while !asking.is_finished() {
            control.serve(&One);
            thread::yield_now();
        }
        assert_eq!(asking.join().unwrap().unwrap(), One.interfaces());
        drop(control);
        assert!(!path.exists());
    }

    #[test]
    fn a_stale_socket_is_replaced_and_a_live_one_is_respected() {
        let path = path("stale");
        drop(UnixListener::bind(&path).unwrap());
        assert!(path.exists(), "std leaves the file behind");
        let control = Control::bind(path.clone()).unwrap();
        let error = Control::bind(path.clone()).unwrap_err().to_string();
        assert!(error.contains("another daemon listens there"), "{error}");
        drop(control);
        fs::write(&path, "precious").unwrap();
        let error = Control::bind(path.clone()).unwrap_err().to_string();
        assert!(error.contains("no socket"), "{error}");
        assert_eq!(fs::read(&path).unwrap(), b"precious");
        fs::remove_file(&path).unwrap();
    }

    #[test]
    fn a_stream_that_lost_its_shape_is_closed() {
        let path = path("shape");
        let mut control = Control::bind(path.clone()).unwrap();
        let mut client = UnixStream::connect(&path).unwrap();
        client.write_all(&[0; 16]).unwrap();
        control.serve(&One);
        assert!(control.clients.is_empty());
        assert_eq!(client.read(&mut [0; 1]).unwrap(), 0);
    }

    #[test]
    fn a_client_that_asks_and_closes_its_side_is_answered_still() {
        let path = path("half");
        let mut control = Control::bind(path.clone()).unwrap();
        let mut client = UnixStream::connect(&path).unwrap();
        client.write_all(&request::interfaces(9)).unwrap();
        client.shutdown(std::net::Shutdown::Write).unwrap();
        control.serve(&One);
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).unwrap();
        assert!(answer.len() > 32 && control.clients.is_empty());
    }

    #[test]
    fn nobody_there_is_an_error_that_names_the_socket() {
        let error = Table::daemon(&path("nobody")).unwrap_err();
        assert!(matches!(error, TableError::NoDaemon { .. }));
        assert!(error.to_string().contains("nobody.sock"));
    }
}
