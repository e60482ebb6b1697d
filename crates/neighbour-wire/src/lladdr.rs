//! Link-layer addresses of 0 to 32 bytes.

use core::fmt;
use core::str::FromStr;

/// A link-layer address: six bytes on Ethernet, up to 32 elsewhere (Linux: `MAX_ADDR_LEN`), none on devices
/// without addresses.
///
/// It is a small value, held inline and copied freely. Bytes past `len` are always zero, so the derived
/// comparison and hash are those of the address.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct LlAddr {
    len: u8,
    bytes: [u8; 32],
}

impl LlAddr {
    /// The address of a device without addresses.
    pub const EMPTY: Self = Self { len: 0, bytes: [0; 32] };

    /// The longest address, in bytes (Linux: `MAX_ADDR_LEN`).
    pub const MAX_LEN: usize = 32;

    /// The address with these bytes; `None` if there are more than [`Self::MAX_LEN`].
    #[inline]
    pub fn new(address: &[u8]) -> Option<Self> {
        // Nearly all are Ethernet's, and six bytes known to be six are one or two moves.
        if let Ok(address) = <[u8; 6]>::try_from(address) {
            return Some(Self::from(address));
        }
        let mut bytes = [0; 32];
        bytes.get_mut(..address.len())?.copy_from_slice(address);
        Some(Self { len: u8::try_from(address.len()).ok()?, bytes })
    }

    /// The address of `len` zero bytes; `len` past [`Self::MAX_LEN`] counts as that.
    pub fn zeros(len: usize) -> Self {
        Self::filled(len, 0)
    }

    /// The broadcast address: `len` bytes of ff; `len` past [`Self::MAX_LEN`] counts as that.
    pub fn broadcast(len: usize) -> Self {
        Self::filled(len, 0xff)
    }

    fn filled(len: usize, value: u8) -> Self {
        let len = len.min(Self::MAX_LEN);
        let mut bytes = [0; 32];
        bytes.iter_mut().take(len).for_each(|byte| *byte = value);
        Self { len: len as u8, bytes }
    }

    /// The bytes of the address.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len()).unwrap_or(&self.bytes)
    }

    /// The number of bytes.
    pub const fn len(&self) -> usize {
        self.len as usize
    }

    /// Whether there are no bytes at all.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether it addresses a group: the low bit of the first byte (Ethernet's I/G bit). The broadcast
    /// address is a group, too.
    pub const fn is_group(&self) -> bool {
        self.bytes[0] & 1 == 1
    }

    /// Whether there are bytes and all of them are 00.
    pub fn is_zero(&self) -> bool {
        !self.is_empty() && self.as_bytes().iter().all(|&byte| byte == 0)
    }

    /// Whether there are bytes and all of them are ff.
    pub fn is_broadcast(&self) -> bool {
        !self.is_empty() && self.as_bytes().iter().all(|&byte| byte == 0xff)
    }

    /// The address as an Ethernet address, if it has six bytes.
    pub fn mac(&self) -> Option<[u8; 6]> {
        self.as_bytes().try_into().ok()
    }
}

impl From<[u8; 6]> for LlAddr {
    #[inline]
    fn from([a, b, c, d, e, f]: [u8; 6]) -> Self {
        let mut bytes = [0; 32];
        bytes[..6].copy_from_slice(&[a, b, c, d, e, f]);
        Self { len: 6, bytes }
    }
}

impl AsRef<[u8]> for LlAddr {
    fn as_ref(&self) -> &[u8] {
        self.as_bytes()
    }
}

/// Lower-case hexadecimal with colons, as `ip neigh` prints it: `02:00:00:00:00:aa`. Nothing for the empty
/// address.
impl fmt::Display for LlAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0_u8; 3 * Self::MAX_LEN];
        let mut used = 0;
        for (index, byte) in self.as_bytes().iter().enumerate() {
            let digit = |nibble: u8| {
                if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 }
            };
            for character in
                [b':', digit(byte >> 4), digit(byte & 15)].into_iter().skip(usize::from(index == 0))
            {
                if let Some(place) = text.get_mut(used) {
                    *place = character;
                    used += 1;
                }
            }
        }
        // `pad` honours width and alignment, which columns of output want.
        f.pad(text.get(..used).and_then(|text| str::from_utf8(text).ok()).unwrap_or_default())
    }
}

impl fmt::Debug for LlAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why a text is not a link-layer address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LlAddrError {
    /// The text is empty.
    #[error("link-layer address is empty; expected octets such as 02:00:00:00:00:aa")]
    Empty,
    /// An octet is not one or two hexadecimal digits; counted from 1.
    #[error("octet {0} of the link-layer address is not one or two hexadecimal digits; expected 00 to ff")]
    Octet(usize),
    /// There are more octets than any device's address has.
    #[error("link-layer address has more than 32 octets")]
    TooLong,
}

/// Reads octets in hexadecimal, one or two digits each, between colons or hyphens.
impl FromStr for LlAddr {
    type Err = LlAddrError;

    fn from_str(text: &str) -> Result<Self, LlAddrError> {
        if text.is_empty() {
            return Err(LlAddrError::Empty);
        }
        let mut bytes = [0; 32];
        let mut len = 0;
        for (index, octet) in text.split([':', '-']).enumerate() {
            let digits_only = octet.bytes().all(|digit| digit.is_ascii_hexdigit());
            if !digits_only || !(1..=2).contains(&octet.len()) {
                return Err(LlAddrError::Octet(index + 1));
            }
            let value = u8::from_str_radix(octet, 16).map_err(|_| LlAddrError::Octet(index + 1))?;
            *bytes.get_mut(index).ok_or(LlAddrError::TooLong)? = value;
            len += 1;
        }
        Ok(Self { len, bytes })
    }
}
