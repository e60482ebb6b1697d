//! Frames out of a capture file: pcap of any byte order and resolution, or pcapng.
//!
//! A capture comes from anywhere, and may say anything: lengths that lie, times that go backwards, an end in the middle
//! of a frame. Whatever it says, no more than [`BUFFER`] bytes of it are in memory at a time.

use crate::Time;
use pcap_file::DataLink;
use pcap_file::pcap::{PcapReadError, PcapReader, PcapTsResolution};
use pcap_file::pcapng::blocks::interface_description::InterfaceDescriptionOption;
use pcap_file::pcapng::{Block, PcapNgReadError, PcapNgReader};
use std::fmt;
use std::fs::File;
use std::io::{self, BufReader, Chain, Cursor, Read};
use std::path::Path;

/// The longest frame, with what stands around it in the file: longer than any link has.
const BUFFER: usize = 1024 * 1024;
/// More interfaces than this in one section are an attack on the reader.
const INTERFACES_MAX: usize = 1024;
/// What a pcapng file begins with.
const SECTION: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];

/// Why a capture could not be read any further.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CaptureError {
    /// The system's error.
    #[error("it cannot be read: {0}")]
    Io(#[from] io::Error),
    /// It is neither pcap nor pcapng.
    #[error("it is no capture: expected pcap or pcapng, got bytes {0:02x?}")]
    NoCapture(Vec<u8>),
    /// It has no Ethernet frames.
    #[error("its frames are of link type {0}, expected 1 (Ethernet)")]
    NotEthernet(u32),
    /// It ends in the middle of something.
    #[error("it ends in the middle of a frame, or has one of more than {BUFFER} bytes")]
    Cut,
    /// What should be the next frame is none.
    #[error("what follows is no frame: {0}")]
    Broken(String),
    /// One section has more interfaces than anybody has.
    #[error("it has more than {INTERFACES_MAX} interfaces")]
    Interfaces,
}

/// What a capture says of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Captured {
    /// When, since 1970.
    pub at: Time,
    /// On which of its interfaces: see [`Capture::interface`].
    pub interface: u32,
    /// How many bytes the frame had on the wire; the file may have fewer.
    pub wire_len: usize,
}

/// A capture file that is read frame by frame.
pub struct Capture<R: Read = File> {
    reader: Reader<R>,
    /// That of the last frame, for those that have none of their own.
    at: Time,
    skipped: u64,
}

/// The first bytes, which said what it is, and the rest.
type Input<R> = Chain<Cursor<Vec<u8>>, BufReader<R>>;

enum Reader<R: Read> {
    Pcap(PcapReader<Input<R>>),
    Pcapng(PcapNgReader<Input<R>>),
}

impl Capture {
    /// Opens a file.
    ///
    /// # Errors
    ///
    /// It cannot be read, is no capture, or one of another kind of link.
    pub fn open(path: &Path) -> Result<Self, CaptureError> {
        Self::new(File::open(path)?)
    }
}

impl<R: Read> Capture<R> {
    /// As [`open`](Capture::open), out of anything that gives bytes.
    ///
    /// # Errors
    ///
    /// Those of [`open`](Capture::open).
    pub fn new(input: R) -> Result<Self, CaptureError> {
        let mut input = BufReader::new(input);
        let mut head = Vec::new();
        input.by_ref().take(SECTION.len() as u64).read_to_end(&mut head)?;
        let is_pcapng = head == SECTION;
        let no_capture = CaptureError::NoCapture(head.clone());
        let input = Cursor::new(head).chain(input);
        let reader = if is_pcapng {
            Reader::Pcapng(PcapNgReader::with_capacity(input, BUFFER).map_err(|_| no_capture)?)
        } else {
            let pcap = PcapReader::with_capacity(input, BUFFER).map_err(|_| no_capture)?;
            let datalink = pcap.header().datalink;
            if datalink != DataLink::ETHERNET {
                return Err(CaptureError::NotEthernet(datalink.into()));
            }
            Reader::Pcap(pcap)
        };
        Ok(Self { reader, at: Time::ZERO, skipped: 0 })
    }

    /// How many frames and other blocks were passed over: not Ethernet's, or broken within their bounds.
    #[must_use]
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// The name of an interface, if the capture says it.
    #[must_use]
    pub fn interface(&self, number: u32) -> Option<String> {
        let Reader::Pcapng(reader) = &self.reader else { return None };
        let described = reader.interfaces().get(number as usize)?;
        described.options.iter().find_map(|option| match option {
            InterfaceDescriptionOption::IfName(name) => Some(name.to_string()),
            _ => None,
        })
    }

    /// Puts the next frame into `buf`, as far as the capture has it; `None` at the end.
    ///
    /// # Errors
    ///
    /// It cannot be read any further; what was read before stands.
    pub fn next(&mut self, buf: &mut Vec<u8>) -> Result<Option<Captured>, CaptureError> {
        buf.clear();
        loop {
            let step = match &mut self.reader {
                Reader::Pcap(reader) => from_pcap(reader, buf)?,
                Reader::Pcapng(reader) => from_pcapng(reader, buf)?,
            };
            match step {
                Step::End => return Ok(None),
                Step::Skipped => self.skipped += 1,
                Step::Other => {}
                Step::Frame { at, interface, wire_len } => {
                    self.at = at.unwrap_or(self.at);
                    return Ok(Some(Captured { at: self.at, interface, wire_len }));
                }
            }
        }
    }
}

impl<R: Read> fmt::Debug for Capture<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Capture").field("skipped", &self.skipped).finish_non_exhaustive()
    }
}

enum Step {
    End,
    /// A frame or block that cannot be used.
    Skipped,
    /// A block that is no frame.
    Other,
    Frame {
        at: Option<Time>,
        interface: u32,
        wire_len: usize,
    },
}

fn from_pcap<R: Read>(reader: &mut PcapReader<R>, buf: &mut Vec<u8>) -> Result<Step, CaptureError> {
    let fraction = match reader.header().ts_resolution {
        PcapTsResolution::MicroSecond => 1000,
        PcapTsResolution::NanoSecond => 1,
    };
    let Some(packet) = reader.next_raw_packet() else { return Ok(Step::End) };
    let packet = packet.map_err(|error| match error {
        PcapReadError::Io(error) => cut(error),
        other => CaptureError::Broken(other.to_string()),
    })?;
    buf.extend_from_slice(&packet.data);
    let nanoseconds = u64::from(packet.ts_frac) * fraction;
    let at = Time::from_secs(packet.ts_sec.into()).saturating_add(Time::from_nanos(nanoseconds));
    Ok(Step::Frame { at: Some(at), interface: 0, wire_len: packet.orig_len as usize })
}

fn from_pcapng<R: Read>(reader: &mut PcapNgReader<R>, buf: &mut Vec<u8>) -> Result<Step, CaptureError> {
    if reader.interfaces().len() > INTERFACES_MAX {
        return Err(CaptureError::Interfaces);
    }
    let Some(block) = reader.next_raw_block() else { return Ok(Step::End) };
    let (block, state) = block.map_err(|error| match error {
        PcapNgReadError::Io(error) => cut(error),
        other => CaptureError::Broken(other.to_string()),
    })?;
    let Ok(block) = block.try_into_block(state) else { return Ok(Step::Skipped) };
    let (interface, at, wire_len, data) = match block {
        Block::EnhancedPacket(block) => {
            (block.interface_id, Some(block.timestamp), block.original_len, block.data)
        }
        Block::SimplePacket(block) => (0, None, block.original_len, block.data),
        Block::Packet(block) => {
            (u32::from(block.interface_id), Some(block.timestamp), block.original_len, block.data)
        }
        _ => return Ok(Step::Other),
    };
    let described = state.interfaces().get(interface as usize);
    if described.is_none_or(|described| described.linktype != DataLink::ETHERNET) {
        return Ok(Step::Skipped);
    }
    buf.extend_from_slice(&data);
    Ok(Step::Frame { at, interface, wire_len: wire_len as usize })
}

fn cut(error: io::Error) -> CaptureError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => CaptureError::Cut,
        _ => CaptureError::Io(error),
    }
}
