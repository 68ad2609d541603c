//! When an X.509 certificate is valid, read off its DER: the one thing about
//! an authority that has to be known and that no library in use tells.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::Window;

const INTEGER: u8 = 0x02;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
/// The version number, which is left out in the first version.
const VERSION: u8 = 0xa0;

/// When the certificate is valid; `None` if this is none.
pub fn validity(der: &[u8]) -> Option<Window> {
    let (certificate, _) = of_tag(der, SEQUENCE)?;
    let (fields, _) = of_tag(certificate, SEQUENCE)?;
    let rest = of_tag(fields, VERSION).map_or(fields, |(_, rest)| rest);
    let (_serial, rest) = of_tag(rest, INTEGER)?;
    let (_algorithm, rest) = of_tag(rest, SEQUENCE)?;
    let (_issuer, rest) = of_tag(rest, SEQUENCE)?;
    let (validity, _) = of_tag(rest, SEQUENCE)?;
    let (from, rest) = time(validity)?;
    let (until, _) = time(rest)?;
    Some(Window { from, until })
}

/// The content of the first value, if it has this tag, and what follows it.
fn of_tag(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (found, content, rest) = value(der)?;
    (found == tag).then_some((content, rest))
}

/// The first value: its tag, its content, and what follows it.
fn value(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        // The length itself takes one to four bytes.
        0x81..=0x84 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            let length = bytes
                .iter()
                .fold(0_usize, |length, byte| (length << 8) | usize::from(*byte));
            (length, rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

/// A time: `YYMMDDHHMMSSZ`, or with a year of four digits.
fn time(der: &[u8]) -> Option<(Timestamp, &[u8])> {
    let (tag, content, rest) = value(der)?;
    let text = std::str::from_utf8(content).ok()?.strip_suffix('Z')?;
    let text = match tag {
        GENERALIZED_TIME => text.to_owned(),
        UTC_TIME => {
            let year: u8 = text.get(..2)?.parse().ok()?;
            format!("{}{text}", if year < 50 { "20" } else { "19" })
        }
        _ => return None,
    };
    let time = DateTime::strptime("%Y%m%d%H%M%S", &text).ok()?;
    let time = time.to_zoned(TimeZone::UTC).ok()?.timestamp();
    Some((time, rest))
}
