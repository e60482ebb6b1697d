//! The control socket: who connects may ask for the table, change it, and hear what becomes of it.

use super::access::Access;
use crate::failure::Failure;
use neighbour_ctl::{Conversation, Frames, Host, overrun};
use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
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
/// Beyond this a member of a group misses news, and is told so; as much as `ip monitor` asks for.
const NEWS_MAX: usize = 1024 * 1024;
/// Bytes that a client took, and room for answers that are taken, are kept up to here.
const CHUNK: usize = 256 * 1024;
/// Parts of a dump that a client has before others have their turn.
const PARTS_A_TURN: usize = 16;
/// Requests of one client that are answered before frames, time and others have their turn.
const REQUESTS_A_TURN: usize = 64;
/// Where port ids begin that are no process's, counted downwards, as the kernel does.
const PORT_ABOVE: u32 = 0u32.wrapping_sub(4096);

/// Something that those who listen are to hear.
#[derive(Clone, Debug)]
pub(super) enum News {
    /// This message, of `RTNLGRP_NEIGH`.
    Message(Vec<u8>),
    /// This message, of the alerts.
    Alert(Vec<u8>),
    /// That something was lost before it came here.
    Lost,
}

/// What the socket is about.
pub(super) trait Subject: Host {
    /// What happened since the last call that listeners are to hear; nothing if nobody listens.
    fn news(&mut self, anybody_listens: bool) -> Vec<News>;
}

/// The listening socket, its file, and the conversations. The file goes when this is dropped.
#[derive(Debug)]
pub(super) struct Control {
    listener: UnixListener,
    path: PathBuf,
    /// The file's device and inode, so that another daemon's file is not removed.
    identity: (u64, u64),
    access: Access,
    clients: Vec<Client>,
}

#[derive(Debug)]
struct Client {
    stream: UnixStream,
    conversation: Conversation,
    frames: Frames,
    answer: Vec<u8>,
    sent: usize,
    /// News are lost until it has taken what waits.
    overrun: bool,
    /// Its turn ended before its requests did.
    interrupted: bool,
    /// No more is read; it goes when its answers are taken.
    finished: bool,
}

impl Control {
    /// Listens. The file of a daemon that is no more is replaced.
    pub(super) fn bind(path: PathBuf, access: Access) -> Result<Self, Failure> {
        let failed = |error: io::Error| {
            let what = format!("--socket {}: cannot listen: {error}", path.display());
            Failure::new(what, "name a file in a directory that exists and can be written to")
        };
        if path.symlink_metadata().is_ok() {
            remove_stale(&path)?;
        }
        // Everybody may ask; who may change is decided by who asks.
        let old = umask(Mode::from_bits_truncate(0o111));
        let bound = UnixListener::bind(&path);
        umask(old);
        let listener = bound.map_err(failed)?;
        let identity = listener.set_nonblocking(true).and_then(|()| identity(&path)).map_err(|error| {
            let _gone = fs::remove_file(&path);
            failed(error)
        })?;
        access.show(&path);
        Ok(Self { listener, path, identity, access, clients: Vec::new() })
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
    pub(super) fn serve(&mut self, subject: &mut impl Subject) {
        while self.clients.len() < CLIENTS_MAX {
            let Ok((stream, _)) = self.listener.accept() else { break };
            if stream.set_nonblocking(true).is_ok() {
                let client = getsockopt(&stream, PeerCredentials).ok();
                let may_change = client.is_some_and(|client| self.access.may_change(&client));
                let conversation = Conversation::new(self.port_id(&stream)).may_change(may_change);
                self.clients.push(Client {
                    stream,
                    conversation,
                    frames: Frames::default(),
                    answer: Vec::new(),
                    sent: 0,
                    overrun: false,
                    interrupted: false,
                    finished: false,
                });
            }
        }
        let mut index = 0;
        while index < self.clients.len() {
            if self.serve_one(index, subject) {
                index += 1;
            } else {
                self.clients.remove(index);
            }
        }
    }

    /// Are there requests whose turn is still to come, for which nothing is to be waited for?
    pub(super) fn has_more(&self) -> bool {
        self.clients.iter().any(|client| client.interrupted)
    }

    /// Does anybody listen?
    pub(super) fn is_heard(&self) -> bool {
        let listens =
            |conversation: &Conversation| conversation.hears_neighbours() || conversation.hears_alerts();
        self.clients.iter().any(|client| listens(&client.conversation))
    }

    /// Tells those who listen.
    pub(super) fn tell(&mut self, news: &[News]) {
        for client in &mut self.clients {
            news.iter().for_each(|news| client.hear(news));
        }
    }

    /// Sends what is left to send.
    pub(super) fn flush(&mut self) {
        self.clients.retain_mut(|client| client.send().is_ok());
    }

    /// The process's id, as the kernel gives it to a process's first socket, unless it is taken.
    fn port_id(&self, stream: &UnixStream) -> u32 {
        let taken = |port: &u32| self.clients.iter().any(|client| client.conversation.port() == *port);
        let process = getsockopt(stream, PeerCredentials).ok().and_then(|c| u32::try_from(c.pid()).ok());
        let process = process.filter(|pid| *pid != 0 && !taken(pid));
        // There are fewer clients than numbers.
        process.or_else(|| (1..=PORT_ABOVE).rev().find(|port| !taken(port))).unwrap_or(PORT_ABOVE)
    }

    /// Does the conversation go on?
    fn serve_one(&mut self, index: usize, subject: &mut impl Subject) -> bool {
        let (mut parts, mut requests) = (0, 0);
        loop {
            let Some(client) = self.clients.get_mut(index) else { return false };
            client.interrupted = false;
            if client.send().is_err() {
                return false;
            }
            if client.conversation.is_telling() {
                // The rest waits until this much is taken, and others have had their turn.
                if client.waiting() > 0 || parts == PARTS_A_TURN {
                    return true;
                }
                parts += 1;
                client.conversation.go_on(subject, &mut client.answer);
                continue;
            }
            if client.waiting() > ANSWER_MAX {
                return true;
            }
            if requests == REQUESTS_A_TURN {
                // What it has not read yet is waited for like any other.
                client.interrupted = !client.frames.is_empty();
                return true;
            }
            let mut answer = Vec::new();
            match client.frames.next_message() {
                Ok(Some(request)) => {
                    requests += 1;
                    client.conversation.respond(request, subject, &mut answer);
                }
                Ok(None) if client.finished => return client.has_answer(),
                Ok(None) => match client.read() {
                    Ok(true) => {}
                    Ok(false) => client.finished = true,
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => return true,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(_) => return false,
                },
                Err(error) => {
                    tracing::warn!("a conversation was closed: {error}");
                    return false;
                }
            }
            if !answer.is_empty() {
                // What a request brought about is told before the request is acknowledged.
                let news = subject.news(self.is_heard());
                self.tell(&news);
                if let Some(client) = self.clients.get_mut(index) {
                    client.answer.append(&mut answer);
                }
            }
        }
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
    /// Is there something to send, or to be told first?
    fn has_answer(&self) -> bool {
        self.sent < self.answer.len() || self.conversation.is_telling()
    }

    fn waiting(&self) -> usize {
        self.answer.len() - self.sent
    }

    /// Takes news in, if it listens and has room.
    fn hear(&mut self, news: &News) {
        let heard = match news {
            News::Message(_) => self.conversation.hears_neighbours(),
            News::Alert(_) => self.conversation.hears_alerts(),
            News::Lost => self.conversation.hears_neighbours() || self.conversation.hears_alerts(),
        };
        if !heard || self.overrun {
            return;
        }
        match news {
            News::Message(message) | News::Alert(message) if self.waiting() + message.len() <= NEWS_MAX => {
                self.answer.extend_from_slice(message);
            }
            News::Message(_) | News::Alert(_) => {
                self.overrun = true;
                self.answer.extend_from_slice(&overrun(self.conversation.port()));
            }
            News::Lost => self.answer.extend_from_slice(&overrun(self.conversation.port())),
        }
    }

    /// False at the end.
    fn read(&mut self) -> io::Result<bool> {
        let mut chunk = [0; 32 * 1024];
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
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    // What was taken does not pile up while it never takes all.
                    if self.sent > CHUNK {
                        self.answer.drain(..self.sent);
                        self.sent = 0;
                    }
                    return Ok(());
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        // A dump comes in many parts of one size, an acknowledgement is small: the room for those is kept.
        self.answer.clear();
        if self.answer.capacity() > CHUNK {
            self.answer = Vec::new();
        }
        self.sent = 0;
        self.overrun = false;
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
#[path = "control_tests.rs"]
mod tests;
