//! Frames out of a capture, pcap or pcapng, one after the other: however long it is, a few megabytes of it are in
//! memory at a time.

use super::ReplayError;
use pcap_file::DataLink;
use pcap_file::pcap::{PcapReadError, PcapReader};
use pcap_file::pcapng::{Block, PcapNgReadError, PcapNgReader};
use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::time::Duration;

/// No frame of any link is longer.
const BUFFER: usize = 2 << 20;
/// The first bytes of a pcapng file; of pcap files in both orders of bytes, with micro- and nanoseconds.
const PCAPNG: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];
const PCAP: [[u8; 4]; 4] =
    [[0xa1, 0xb2, 0xc3, 0xd4], [0xd4, 0xc3, 0xb2, 0xa1], [0xa1, 0xb2, 0x3c, 0x4d], [0x4d, 0x3c, 0xb2, 0xa1]];

/// What was found in a capture beside frames.
#[derive(Clone, Debug, Default)]
pub(super) struct Oddities {
    /// Frames that the capture holds a part of.
    pub(super) cut_short: u64,
    /// Blocks without a time.
    pub(super) timeless: u64,
    /// Frames of interfaces that are no Ethernet.
    pub(super) foreign: u64,
    /// Why reading ended before the end of the file.
    pub(super) ended: Option<String>,
}

enum Format<R: Read> {
    Pcap(PcapReader<R>),
    PcapNg(Box<PcapNgReader<R>>),
}

/// A capture that is being read.
pub(super) struct Capture<R: Read> {
    format: Format<BufReader<R>>,
    frames: u64,
    pub(super) oddities: Oddities,
}

impl<R: Read> Capture<R> {
    /// Begins to read.
    pub(super) fn new(reader: R) -> Result<Self, ReplayError> {
        let mut reader = BufReader::with_capacity(1 << 16, reader);
        let magic = loop {
            match reader.fill_buf() {
                Ok(bytes) => break bytes.first_chunk::<4>().copied().ok_or(bytes.is_empty()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(ReplayError::Read(error)),
            }
        };
        let format = match magic {
            Err(true) => return Err(ReplayError::Empty),
            Ok(PCAPNG) => match PcapNgReader::with_capacity(reader, BUFFER) {
                Ok(reader) => Format::PcapNg(Box::new(reader)),
                Err(error) => return Err(ReplayError::Head(text_ng(&error))),
            },
            Ok(magic) if PCAP.contains(&magic) => match PcapReader::with_capacity(reader, BUFFER) {
                Ok(reader) => {
                    let link = reader.header().datalink;
                    if link != DataLink::ETHERNET {
                        return Err(ReplayError::LinkType(name(link)));
                    }
                    Format::Pcap(reader)
                }
                Err(error) => return Err(ReplayError::Head(text(&error))),
            },
            _ => return Err(ReplayError::NoCapture),
        };
        Ok(Self { format, frames: 0, oddities: Oddities::default() })
    }

    /// Hands the next frame with its time to `take`; false at the end.
    pub(super) fn next(&mut self, take: impl FnOnce(Duration, &[u8])) -> Result<bool, ReplayError> {
        let Self { format, frames, oddities } = self;
        let end = match format {
            Format::Pcap(reader) => match reader.next_packet() {
                None => return Ok(false),
                Some(Ok(packet)) => {
                    *frames += 1;
                    oddities.cut_short += u64::from(packet.len() < packet.orig_len());
                    take(packet.timestamp(), packet.data());
                    return Ok(true);
                }
                Some(Err(PcapReadError::Io(error))) if error.kind() != ErrorKind::UnexpectedEof => {
                    return Err(ReplayError::Read(error));
                }
                Some(Err(error)) => text(&error),
            },
            Format::PcapNg(reader) => loop {
                match reader.next_block() {
                    None => return Ok(false),
                    Some(Ok((Block::EnhancedPacket(packet), state))) => {
                        let link = state.interfaces().get(packet.interface_id as usize).map(|i| i.linktype);
                        match link {
                            Some(DataLink::ETHERNET) => {}
                            // A capture without a single frame of Ethernet is another kind of capture.
                            Some(link) if *frames == 0 && state.interfaces().len() == 1 => {
                                return Err(ReplayError::LinkType(name(link)));
                            }
                            _ => {
                                oddities.foreign += 1;
                                continue;
                            }
                        }
                        *frames += 1;
                        oddities.cut_short +=
                            u64::from((packet.data.len() as u64) < u64::from(packet.original_len));
                        take(packet.timestamp, &packet.data);
                        return Ok(true);
                    }
                    Some(Ok((Block::SimplePacket(_) | Block::Packet(_), _))) => oddities.timeless += 1,
                    Some(Ok(_)) => {}
                    Some(Err(PcapNgReadError::Io(error))) if error.kind() != ErrorKind::UnexpectedEof => {
                        return Err(ReplayError::Read(error));
                    }
                    Some(Err(error)) => break text_ng(&error),
                }
            },
        };
        oddities.ended = Some(end);
        Ok(false)
    }
}

fn text(error: &PcapReadError) -> String {
    match error {
        PcapReadError::Io(error) => io_text(error),
        other => format!("it is damaged: {other}"),
    }
}

fn text_ng(error: &PcapNgReadError) -> String {
    match error {
        PcapNgReadError::Io(error) => io_text(error),
        other => format!("it is damaged: {other}"),
    }
}

fn io_text(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::UnexpectedEof => "it is cut off there".into(),
        _ => error.to_string(),
    }
}

fn name(link: DataLink) -> String {
    format!("{link:?} ({})", u32::from(link))
}
