//! `--pcap FILE`: a layer over each link that writes what passes.

use super::port::Port;
use crate::failure::Failure;
use neighbour_link::{Link, Memory, Pcap, Time, memory};
use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};

/// A port's link, with the layer over it if there is one.
pub(super) enum Layered {
    Plain(Box<dyn Link>),
    Captured(Box<Pcap<Box<dyn Link>>>),
}

impl Layered {
    /// Another link takes the place of the one that was opened first; a capture goes on in its file.
    pub(super) fn replace(&mut self, link: Box<dyn Link>) {
        match self {
            Self::Plain(below) => *below = link,
            Self::Captured(layer) => *layer.below_mut() = link,
        }
    }
}

impl Deref for Layered {
    type Target = dyn Link;

    fn deref(&self) -> &Self::Target {
        match self {
            Self::Plain(link) => &**link,
            Self::Captured(layer) => &**layer,
        }
    }
}

impl DerefMut for Layered {
    fn deref_mut(&mut self) -> &mut Self::Target {
        match self {
            Self::Plain(link) => &mut **link,
            Self::Captured(layer) => &mut **layer,
        }
    }
}

/// Begins the capture. `epoch` is how long after 1970 the daemon's clock began.
pub(super) fn start(ports: &mut [Port], path: &Path, epoch: Time) -> Result<(), Failure> {
    let several = ports.len() > 1;
    for port in ports {
        let path = if several { beside(path, &port.name) } else { path.to_owned() };
        let link = std::mem::replace(&mut port.link, Layered::Plain(Box::new(nowhere())));
        let Layered::Plain(below) = link else { continue };
        let layer = Pcap::create(below, &path, &port.name, epoch).map_err(|error| {
            let what = format!("--pcap {}: the file cannot be written: {error}", path.display());
            Failure::new(what, "name a file in a directory that exists and can be written to")
        })?;
        port.link = Layered::Captured(Box::new(layer));
    }
    Ok(())
}

/// Holds a link's place while a layer is put over it.
pub(super) fn nowhere() -> Memory {
    memory::pair(0).0
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
