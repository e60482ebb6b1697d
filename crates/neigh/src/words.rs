//! The words of a command, one after another, as iproute2 reads them.

use crate::failure::Failure;
use std::slice::Iter;

/// Words that are still to be read.
#[derive(Clone, Debug)]
pub(crate) struct Words<'a> {
    rest: Iter<'a, String>,
}

impl<'a> Words<'a> {
    pub(crate) fn new(words: &'a [String]) -> Self {
        Self { rest: words.iter() }
    }

    /// The value of the keyword that was read last.
    pub(crate) fn value(&mut self) -> Result<&'a str, Failure> {
        let incomplete = || Failure::exact("Command line is not complete. Try option \"help\"", 255);
        self.next().ok_or_else(incomplete)
    }

    /// Is nothing left?
    pub(crate) fn is_empty(&self) -> bool {
        self.rest.len() == 0
    }
}

impl<'a> Iterator for Words<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        self.rest.next().map(String::as_str)
    }
}

/// Is `word` a beginning of `keyword`? The empty word is none.
pub(crate) fn begins(word: &str, keyword: &str) -> bool {
    !word.is_empty() && keyword.starts_with(word)
}

/// `what` must stand only once.
pub(crate) fn duplicate(what: &str, second: &str) -> Failure {
    Failure::exact(format!("Error: duplicate \"{what}\": \"{second}\" is the second value."), 255)
}

/// `argument` is no good; `why` says so. Some of iproute2's reasons end in a line break of their own.
pub(crate) fn wrong(argument: &str, why: &str) -> Failure {
    Failure::exact(format!("Error: argument \"{argument}\" is wrong: {why}"), 255)
}

/// A number as C's `strtoul` reads it with base 0: decimal, octal after 0, hexadecimal after 0x; blanks
/// and a sign may stand before it, a minus turns it around.
pub(crate) fn number(text: &str) -> Option<u64> {
    let text = text.trim_start();
    let (negative, text) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let hexadecimal = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    let (digits, radix) = match hexadecimal {
        Some(digits) => (digits, 16),
        None if text.len() > 1 && text.starts_with('0') => (text.get(1..)?, 8),
        None => (text, 10),
    };
    if !digits.chars().all(|c| c.is_digit(radix)) {
        return None;
    }
    let magnitude = u64::from_str_radix(digits, radix).ok()?;
    Some(if negative { magnitude.wrapping_neg() } else { magnitude })
}

/// The same, of 32 bits.
pub(crate) fn number32(text: &str) -> Option<u32> {
    number(text).and_then(|number| number.try_into().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_c_reads_them() {
        for (text, expected) in [
            ("12", Some(12)),
            ("010", Some(8)),
            ("0x10", Some(16)),
            ("0X1f", Some(31)),
            ("+1", Some(1)),
            (" 1", Some(1)),
            ("0", Some(0)),
            ("-1", Some(u64::MAX)),
            ("", None),
            ("0x", None),
            ("08", None),
            ("1 ", None),
            ("x", None),
            ("+-1", None),
            ("18446744073709551616", None),
        ] {
            assert_eq!(number(text), expected, "{text:?}");
        }
        assert_eq!((number32("-1"), number32("4294967295")), (None, Some(u32::MAX)));
    }

    #[test]
    fn the_empty_word_begins_nothing() {
        assert!(begins("pro", "proxy") && begins("proxy", "proxy"));
        assert!(!begins("", "proxy") && !begins("proxyx", "proxy"));
    }

    #[test]
    fn a_keyword_without_its_value_is_an_incomplete_line() {
        let words = ["dev".to_owned()];
        let mut words = Words::new(&words);
        assert_eq!(words.next(), Some("dev"));
        assert_eq!(words.value().unwrap_err().code(), 255);
    }
}
