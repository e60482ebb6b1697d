//! What attributes may look like, checked as the kernel checks them (NL-8).

use super::trouble::Trouble;
use crate::message::{Attributes, Writer};

const EINVAL: i32 = 22;
const ERANGE: i32 = 34;

/// What one attribute is to look like.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Rule {
    /// Anything. Where checking is strict: nothing at all.
    Unspecified,
    /// At least so many bytes.
    AtLeast(usize),
    /// At most so many bytes.
    Binary(usize),
    /// A text with at most so many bytes before its zero byte.
    Text(usize),
    U8,
    U16,
    U32,
    U64,
    /// A u32 with no other bits than these.
    Mask(u32),
    /// Attributes, and the flag that says so.
    Nested,
    /// Never.
    Reject,
}

/// How strict a parse is: the kernel's validation flags that matter here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Strictness {
    /// Bytes behind the attributes and attributes of unknown type are errors.
    pub(crate) shape: bool,
    /// From this type on lengths must be exact.
    pub(crate) exact_from: u16,
}

impl Rule {
    /// The value's length where it is fixed.
    const fn size(self) -> Option<usize> {
        match self {
            Self::U8 => Some(1),
            Self::U16 => Some(2),
            Self::U32 | Self::Mask(_) => Some(4),
            Self::U64 => Some(8),
            _ => None,
        }
    }

    /// Does the kernel tell of it in an error?
    pub(super) const fn is_told(self) -> bool {
        !matches!(self, Self::Unspecified | Self::AtLeast(_) | Self::Reject)
    }

    /// As `NLMSGERR_ATTR_POLICY` tells it: limits, then the type.
    pub(super) fn write(self, message: &mut Writer<'_>) {
        let range = |message: &mut Writer<'_>, most: u64| {
            message.u64(4, 0);
            message.u64(5, most);
        };
        let kind = match self {
            Self::Unspecified | Self::AtLeast(_) | Self::Reject => return,
            Self::U8 => {
                range(message, u8::MAX.into());
                2
            }
            Self::U16 => {
                range(message, u16::MAX.into());
                3
            }
            Self::U32 => {
                range(message, u32::MAX.into());
                4
            }
            Self::U64 => {
                range(message, u64::MAX);
                5
            }
            Self::Mask(mask) => {
                message.u64(12, mask.into());
                4
            }
            Self::Binary(most) => {
                message.u32(7, u32::try_from(most).unwrap_or(u32::MAX));
                10
            }
            Self::Text(most) => {
                message.u32(7, u32::try_from(most).unwrap_or(u32::MAX));
                11
            }
            Self::Nested => 13,
        };
        message.u32(1, kind);
    }

    /// The errno and the text, and whether the kernel tells the rule with it.
    fn check(self, value: &[u8], nested: bool, exact: bool) -> Result<(), (i32, &'static str, bool)> {
        const FAILED: &str = "Attribute failed policy validation";
        if exact && self.size().is_some_and(|size| size != value.len()) {
            return Err((EINVAL, "invalid attribute length", true));
        }
        if exact && self == Self::Nested && !nested {
            return Err((EINVAL, "NLA_F_NESTED is missing", true));
        }
        if exact && self != Self::Nested && nested && self != Self::Unspecified {
            return Err((EINVAL, "NLA_F_NESTED not expected", true));
        }
        match self {
            Self::Reject => Err((EINVAL, "Unsupported attribute", false)),
            Self::Unspecified if exact => Err((EINVAL, "Unsupported attribute", false)),
            Self::AtLeast(least) if value.len() < least => Err((ERANGE, FAILED, true)),
            Self::Binary(most) if value.len() > most => Err((ERANGE, FAILED, true)),
            Self::Text(most) => {
                let end = value.iter().position(|byte| *byte == 0);
                let long = end.unwrap_or(value.len()) > most || value.is_empty();
                if long { Err((ERANGE, FAILED, true)) } else { Ok(()) }
            }
            Self::Mask(mask) => match value.first_chunk() {
                Some(bytes) if u32::from_ne_bytes(*bytes) & !mask != 0 => {
                    Err((EINVAL, "reserved bit set", false))
                }
                Some(_) => Ok(()),
                None => Err((EINVAL, "invalid attribute length", true)),
            },
            _ if self.size().is_some_and(|size| value.len() < size) => Err((ERANGE, FAILED, true)),
            _ => Ok(()),
        }
    }
}

/// The attributes of a request, by type: of two of one type the last counts.
#[derive(Debug)]
pub(crate) struct Parsed<'m, const KINDS: usize> {
    values: [Option<&'m [u8]>; KINDS],
    /// Bytes behind the attributes, which were passed over.
    pub(crate) warning: Trouble,
}

impl<'m, const KINDS: usize> Parsed<'m, KINDS> {
    pub(crate) fn get(&self, kind: u16) -> Option<&'m [u8]> {
        self.values.get(usize::from(kind)).copied().flatten()
    }

    pub(crate) fn u8(&self, kind: u16) -> Option<u8> {
        self.get(kind)?.first().copied()
    }

    pub(crate) fn u32(&self, kind: u16) -> Option<u32> {
        crate::message::u32_at(self.get(kind)?, 0)
    }

    pub(crate) fn u64(&self, kind: u16) -> Option<u64> {
        crate::message::u64_at(self.get(kind)?, 0)
    }

    /// The types that are there, in order.
    pub(crate) fn kinds(&self) -> impl Iterator<Item = u16> + '_ {
        (0..).zip(&self.values).filter(|(_, value)| value.is_some()).map(|(kind, _)| kind)
    }
}

/// Checks attributes that begin at `offset` of the request. `rules` are by type, from 0.
pub(crate) fn parse<'m, const KINDS: usize>(
    bytes: &'m [u8],
    offset: usize,
    rules: &[Rule; KINDS],
    strictness: Strictness,
) -> Result<Parsed<'m, KINDS>, Trouble> {
    let mut values = [None; KINDS];
    let mut attributes = Attributes::new(bytes);
    for attribute in attributes.by_ref() {
        let place = Some(offset + attribute.offset);
        let slot = values.get_mut(usize::from(attribute.kind)).filter(|_| attribute.kind != 0);
        let (Some(slot), Some(rule)) = (slot, rules.get(usize::from(attribute.kind))) else {
            if strictness.shape {
                return Err(Trouble { offset: place, ..Trouble::text(EINVAL, "Unknown attribute type") });
            }
            continue;
        };
        let exact = attribute.kind >= strictness.exact_from;
        if let Err((errno, text, tells)) = rule.check(attribute.value, attribute.nested, exact) {
            let rule = Some(*rule).filter(|_| tells);
            return Err(Trouble { offset: place, rule, ..Trouble::text(errno, text) });
        }
        *slot = Some(attribute.value);
    }
    let mut warning = Trouble::default();
    if attributes.has_leftover() {
        let text = "bytes leftover after parsing attributes";
        if strictness.shape {
            return Err(Trouble::text(EINVAL, text));
        }
        warning = Trouble::text(0, text);
    }
    Ok(Parsed { values, warning })
}
