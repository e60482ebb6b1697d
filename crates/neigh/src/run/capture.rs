//! `--pcap FILE`: a layer over each link that writes what passes.

use super::port::Port;
use crate::failure::Failure;
use neighbour_link::{Link, Pcap, Time};
use std::io;
use std::os::fd::BorrowedFd;
use std::path::{Path, PathBuf};

/// Begins the capture. `epoch` is how long after 1970 the daemon's clock began.
pub(super) fn start(ports: &mut [Port], path: &Path, epoch: Time) -> Result<(), Failure> {
    let several = ports.len() > 1;
    for port in ports {
        let path = if several { beside(path, &port.name) } else { path.to_owned() };
        let below = std::mem::replace(&mut port.link, Box::new(Nowhere));
        let layer = Pcap::create(below, &path, &port.name, epoch).map_err(|error| {
            let what = format!("--pcap {}: the file cannot be written: {error}", path.display());
            Failure::new(what, "name a file in a directory that exists and can be written to")
        })?;
        port.link = Box::new(layer);
        port.captured = true;
    }
    Ok(())
}

/// `dir/all.pcap` for the port eth1: `dir/all-eth1.pcap`.
fn beside(path: &Path, port: &str) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let name = match path.extension() {
        Some(extension) => format!("{stem}-{port}.{}", extension.to_string_lossy()),
        None => format!("{stem}-{port}"),
    };
    path.with_file_name(name)
}

/// Holds a link's place while a layer is put over it.
struct Nowhere;

impl Link for Nowhere {
    fn receive(&mut self, _: Time, _: &mut Vec<u8>) -> io::Result<bool> {
        Ok(false)
    }

    fn transmit(&mut self, _: Time, _: &[u8]) -> io::Result<()> {
        Ok(())
    }

    fn as_fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_of_several_ports_has_a_file_of_its_own() {
        for (path, expected) in
            [("dir/all.pcap", "dir/all-eth1.pcap"), ("all", "all-eth1"), ("/a.b/c", "/a.b/c-eth1")]
        {
            assert_eq!(beside(Path::new(path), "eth1"), Path::new(expected));
        }
    }
}
