//! Lines that are chained: each ends with a check over its own text and the check of the line before it.
//!
//! ```text
//! {"at":"2026-01-02T03:04:05.678Z","event":"run_resumed","check":"0123456789abcdef"}
//! ```
//! A check is the first half of 128 bits of BLAKE3: it finds damage and editing by hand, it is no signature.

use serde::Serialize;

use super::{Event, Recorded};

const OPENING: &str = r#"{"at":""#;
const BEFORE_CHECK: &str = r#","check":""#;
const AFTER_CHECK: &str = r#""}"#;
const CHECK_LENGTH: usize = 16;
const TRAILER_LENGTH: usize = BEFORE_CHECK.len() + CHECK_LENGTH + AFTER_CHECK.len();

/// The check of a line, as its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Check([u8; CHECK_LENGTH]);

impl Check {
    /// What the first line is chained to.
    pub(super) fn first() -> Self {
        Self([b'0'; CHECK_LENGTH])
    }

    /// The line of an event, with its end, and its check.
    pub(super) fn line(self, at: &str, event: &Event) -> (String, Self) {
        #[derive(Serialize)]
        struct Line<'a> {
            at: &'a str,
            #[serde(flatten)]
            event: &'a Event,
        }

        let mut line = serde_json::to_string(&Line { at, event }).expect("events have text keys");
        let brace = line.pop();
        debug_assert_eq!(brace, Some('}'));
        let check = self.next(line.as_bytes());
        line.push_str(BEFORE_CHECK);
        line.extend(check.0.iter().map(|&digit| char::from(digit)));
        line.push_str(AFTER_CHECK);
        line.push('\n');
        (line, check)
    }

    fn next(self, body: &[u8]) -> Self {
        let hash = blake3::Hasher::new().update(&self.0).update(body).finalize();
        let mut check = [0; CHECK_LENGTH];
        check.copy_from_slice(&hash.to_hex().as_bytes()[..CHECK_LENGTH]);
        Self(check)
    }
}

/// The whole lines of a journal.
#[derive(Debug)]
pub(super) struct Chain {
    pub(super) recorded: Vec<Recorded>,
    /// Their length, in bytes.
    pub(super) length: u64,
    /// The check of the last one.
    pub(super) check: Check,
}

/// A line, counted from 1, that cannot stand where it stands.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(super) enum Damage {
    #[error(
        "line {line} does not end with a check, as every line must: it was changed; put back a copy of the journal, or remove the run with `xrun rm`"
    )]
    NoCheck { line: usize },
    #[error(
        "line {line} does not fit its check: it was changed, or a line before it was removed or moved; put back a copy of the journal, or remove the run with `xrun rm`"
    )]
    WrongCheck { line: usize },
    #[error("line {line} goes on after its check: something was added to it; remove what was added")]
    GoesOn { line: usize },
    #[error("line {line} is whole but holds no event that is known here: {reason}; use the xrun that wrote it")]
    NoEvent { line: usize, reason: String },
}

/// Reads the whole lines. What stands behind the last line's end is the start of a line that was cut short.
pub(super) fn read(bytes: &[u8]) -> Result<Chain, Damage> {
    let mut chain = Chain { recorded: Vec::new(), length: 0, check: Check::first() };
    for (index, line) in bytes.split_inclusive(|&byte| byte == b'\n').enumerate() {
        let number = index + 1;
        let Some(text) = line.strip_suffix(b"\n") else {
            // A line is written with its end in one piece: what was cut short cannot hold more than a whole line.
            return if goes_on(line, chain.check) { Err(Damage::GoesOn { line: number }) } else { Ok(chain) };
        };
        let (body, check) = split(text).ok_or(Damage::NoCheck { line: number })?;
        chain.check = chain.check.next(body);
        if chain.check != check {
            return Err(Damage::WrongCheck { line: number });
        }
        chain.recorded.push(event(text).map_err(|reason| Damage::NoEvent { line: number, reason })?);
        chain.length += line.len() as u64;
    }
    Ok(chain)
}

/// A line's text without its check, and the check.
fn split(line: &[u8]) -> Option<(&[u8], Check)> {
    let (body, trailer) = line.split_at_checked(line.len().checked_sub(TRAILER_LENGTH)?)?;
    let check = trailer.strip_prefix(BEFORE_CHECK.as_bytes())?.strip_suffix(AFTER_CHECK.as_bytes())?;
    Some((body, Check(check.try_into().ok()?)))
}

/// Whether a text begins with a whole line that holds its check, and does not end there.
fn goes_on(text: &[u8], before: Check) -> bool {
    let ends = text.windows(BEFORE_CHECK.len()).enumerate().filter(|(_, window)| *window == BEFORE_CHECK.as_bytes());
    ends.map(|(at, _)| at + TRAILER_LENGTH)
        .take_while(|&end| end < text.len())
        .any(|end| split(&text[..end]).is_some_and(|(body, check)| before.next(body) == check))
}

fn event(line: &[u8]) -> Result<Recorded, String> {
    let line = std::str::from_utf8(line).map_err(|error| error.to_string())?;
    let at = line.strip_prefix(OPENING).and_then(|rest| rest.split_once('"')).map(|(at, _)| at);
    let at = at.ok_or_else(|| format!("it does not begin with {OPENING}"))?.to_owned();
    let event = serde_json::from_str(line).map_err(|error| error.to_string())?;
    Ok(Recorded { at, event })
}
