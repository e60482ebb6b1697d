//! A layer that writes each frame that passes into a capture file.
//!
//! The format is pcapng: one interface with its name, times in nanoseconds, and in each packet's flags
//! whether it came in or went out. tcpdump and Wireshark read it.

use crate::{Link, Time};
use pcap_file::DataLink;
use pcap_file::pcapng::blocks::enhanced_packet::{EnhancedPacketBlock, EnhancedPacketOption};
use pcap_file::pcapng::blocks::interface_description::{
    InterfaceDescriptionBlock, InterfaceDescriptionOption, InterfaceTsResolution,
};
use pcap_file::pcapng::{PcapNgWriteError, PcapNgWriter};
use std::borrow::Cow;
use std::fmt;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::fd::BorrowedFd;
use std::path::Path;

/// `epb_flags`, bits 0 and 1: the direction (pcapng, section 4.3).
const INBOUND: u32 = 1;
const OUTBOUND: u32 = 2;

/// Writes the frames that were received, and those that the link below took to transmit.
///
/// Each frame is in the file before the call returns, so that a program which is killed leaves a capture
/// that can be read. A capture that can no longer be written (a full disk) does not stop the traffic:
/// writing ends there, and the next [`flush`](Link::flush) reports it once.
pub struct Pcap<L, W: Write = File> {
    below: L,
    /// Buffered, so that one frame is one write; none once writing has failed.
    writer: Option<PcapNgWriter<BufWriter<W>>>,
    epoch: Time,
    failure: Option<io::Error>,
}

impl<L: Link> Pcap<L> {
    /// Puts the layer over a link and makes the file, empty if it was there before.
    ///
    /// `interface` is the name that the capture shows; `epoch` is how long after 1970 [`Time::ZERO`] is.
    ///
    /// # Errors
    ///
    /// The file cannot be made or written.
    pub fn create(below: L, path: &Path, interface: &str, epoch: Time) -> io::Result<Self> {
        Self::new(below, File::create(path)?, interface, epoch)
    }
}

impl<L: Link, W: Write + Send> Pcap<L, W> {
    /// As [`create`](Pcap::create), into anything that takes bytes.
    ///
    /// # Errors
    ///
    /// The head of the capture cannot be written.
    pub fn new(below: L, output: W, interface: &str, epoch: Time) -> io::Result<Self> {
        let mut description = InterfaceDescriptionBlock::new(DataLink::ETHERNET, 0);
        let resolution = InterfaceTsResolution::NANO;
        description.options = vec![
            InterfaceDescriptionOption::IfName(Cow::Borrowed(interface)),
            InterfaceDescriptionOption::IfTsResol(resolution),
        ];
        let start = || {
            let mut writer = PcapNgWriter::new(BufWriter::new(output))?;
            writer.write_pcapng_block(description)?;
            writer.get_mut().flush()?;
            Ok(writer)
        };
        Ok(Self { below, writer: Some(start().map_err(io_error)?), epoch, failure: None })
    }

    /// The link below.
    pub fn below(&self) -> &L {
        &self.below
    }

    /// The link below, to be replaced by another one whose frames go into the same file.
    pub fn below_mut(&mut self) -> &mut L {
        &mut self.below
    }

    fn write(&mut self, now: Time, flags: u32, frame: &[u8]) {
        let Some(writer) = &mut self.writer else {
            return;
        };
        let block = EnhancedPacketBlock {
            interface_id: 0,
            timestamp: self.epoch.saturating_add(now),
            original_len: u32::try_from(frame.len()).unwrap_or(u32::MAX),
            data: Cow::Borrowed(frame),
            options: vec![EnhancedPacketOption::Flags(flags)],
        };
        let written = writer.write_pcapng_block(block).and_then(|_| Ok(writer.get_mut().flush()?));
        if let Err(error) = written {
            let error = io_error(error);
            let text = format!("the capture ends here, for it cannot be written: {error}");
            self.failure = Some(io::Error::new(error.kind(), text));
            // What the buffer still holds must not be written behind a block that is not whole.
            if let Some(writer) = self.writer.take() {
                let _unwritten = writer.into_inner().into_parts();
            }
        }
    }
}

impl<L: fmt::Debug, W: Write> fmt::Debug for Pcap<L, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pcap")
            .field("below", &self.below)
            .field("writing", &self.writer.is_some())
            .finish_non_exhaustive()
    }
}

fn io_error(error: PcapNgWriteError) -> io::Error {
    match error {
        PcapNgWriteError::Io(error) => error,
        other => io::Error::other(other),
    }
}

impl<L: Link, W: Write + Send> Link for Pcap<L, W> {
    fn receive(&mut self, now: Time, buf: &mut Vec<u8>) -> io::Result<bool> {
        let received = self.below.receive(now, buf)?;
        if received {
            self.write(now, INBOUND, buf);
        }
        Ok(received)
    }

    fn transmit(&mut self, now: Time, frame: &[u8]) -> io::Result<()> {
        self.below.transmit(now, frame)?;
        self.write(now, OUTBOUND, frame);
        Ok(())
    }

    /// Flushes the link below.
    ///
    /// # Errors
    ///
    /// The link's own, or, once, that the capture could not be written any further.
    fn flush(&mut self) -> io::Result<()> {
        self.below.flush()?;
        self.failure.take().map_or(Ok(()), Err)
    }

    fn as_fd(&self) -> Option<BorrowedFd<'_>> {
        self.below.as_fd()
    }

    fn next_deadline(&self) -> Option<Time> {
        self.below.next_deadline()
    }

    fn losses(&mut self) -> u64 {
        self.below.losses()
    }

    fn set_multicast(&mut self, groups: &[[u8; 6]]) -> io::Result<()> {
        self.below.set_multicast(groups)
    }
}
