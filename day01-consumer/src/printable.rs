//! Text of records for people: on one line, in the order in which it stands, and not too much of it.
//!
//! A record may hold anything. Control characters steer a terminal, line ends forge a line of output, and the marks of
//! bidirectional text show the characters around them in another order. All of these are shown as escapes, such as `\u{1b}`.
//! And a record may be long: what a message shows of it is bounded.

use std::borrow::Cow;

use unicode_width::UnicodeWidthStr;

/// How many columns of a record a message shows.
pub const COLUMNS: usize = 200;
/// How many of them lie before the place that the message is about.
const BEFORE: usize = 100;
/// No character has more bytes.
const LONGEST_CHARACTER: usize = 4;

/// Whether a character does something to the text around it, in place of being seen.
fn acts(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            // The marks of bidirectional text, and the line ends that are no control characters.
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        )
}

/// A text on one line, with escapes for characters that would do something else than be seen.
///
/// ```
/// # use day01_consumer::printable::printable;
/// assert_eq!(printable("店 \"Zoë\" \\"), "店 \"Zoë\" \\");
/// assert_eq!(printable("line\nbreak\u{1b}[2J"), "line\\nbreak\\u{1b}[2J");
/// ```
pub fn printable(text: &str) -> Cow<'_, str> {
    match text.contains(acts) {
        false => Cow::Borrowed(text),
        true => Cow::Owned(text.chars().map(shown).collect()),
    }
}

fn shown(character: char) -> String {
    match acts(character) {
        true => character.escape_default().to_string(),
        false => character.to_string(),
    }
}

/// What is found around a place of a record, on one line of at most [`COLUMNS`] columns. `…` stands for what is left out.
pub fn excerpt(record: &[u8], place: usize) -> String {
    let is_inside = |at: &usize| record.get(*at).is_some_and(|byte| byte & 0xc0 == 0x80);
    let mut place = place.min(record.len());
    while place > 0 && is_inside(&place) {
        place -= 1;
    }
    // No more of a long record is looked at than can be shown.
    let start = (place.saturating_sub(LONGEST_CHARACTER * BEFORE)..=place).find(|at| !is_inside(at));
    let start = start.unwrap_or(place);
    let end = record.len().min(place + LONGEST_CHARACTER * COLUMNS);
    let before = String::from_utf8_lossy(&record[start..place]);
    let behind = String::from_utf8_lossy(&record[place..end]);

    let mut room = BEFORE;
    let (taken, all) = take(before.chars().rev(), &mut room);
    let before: String = taken.into_iter().rev().collect();
    let first = if all && start == 0 { "" } else { "…" };
    // What there was no room for in front is room behind.
    let mut room = room + COLUMNS - BEFORE - 2;
    let (taken, all) = take(behind.chars(), &mut room);
    let last = if all && end == record.len() { "" } else { "…" };
    format!("{first}{before}{}{last}", taken.concat())
}

/// Characters as they are shown, as many as there is room for, and whether that is all. One that only changes the one before
/// it can make that wider, and so counts as a column too.
fn take(characters: impl Iterator<Item = char>, room: &mut usize) -> (Vec<String>, bool) {
    let mut taken = Vec::new();
    for character in characters {
        let shown = shown(character);
        match room.checked_sub(shown.width().max(1)) {
            Some(left) => *room = left,
            None => return (taken, false),
        }
        taken.push(shown);
    }
    (taken, true)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nothing_that_acts_on_its_surroundings_gets_through() {
        for (text, expected) in [
            ("a\r\nb", "a\\r\\nb"),
            ("\u{9b}2J\u{7f}", "\\u{9b}2J\\u{7f}"),
            ("\u{202e}txt.exe\u{2069}", "\\u{202e}txt.exe\\u{2069}"),
            ("one\u{2028}two", "one\\u{2028}two"),
        ] {
            assert_eq!(printable(text), expected);
        }
    }

    #[test]
    fn a_short_record_is_shown_whole_and_a_long_one_around_the_place() {
        assert_eq!(excerpt(b"", 7), "");
        assert_eq!(excerpt("{\"é\":\n1}".as_bytes(), 3), "{\"é\":\\n1}");
        assert_eq!(excerpt(b"\xff{", 0), "\u{fffd}{");
        let long = format!("{}HERE{}", "a".repeat(1 << 20), "b".repeat(1 << 20));
        let shown = excerpt(long.as_bytes(), 1 << 20);
        assert_eq!(shown, format!("…{}HERE{}…", "a".repeat(100), "b".repeat(94)));
        assert_eq!(excerpt(long.as_bytes(), 0), format!("{}…", "a".repeat(198)));
    }

    proptest! {
        #[test]
        fn an_excerpt_is_one_bounded_line_whatever_the_bytes(
            bytes in prop::collection::vec(any::<u8>(), 0..2_000), place in 0..2_100_usize
        ) {
            let shown = excerpt(&bytes, place);
            prop_assert!(shown.width() <= COLUMNS, "{}", shown.width());
            prop_assert!(!shown.contains(acts));
        }

        #[test]
        fn an_excerpt_of_wide_text_is_bounded_too(text in "[店é\u{301}\u{202e}0\u{fe0f}\n a]{0,400}", place in 0..1_700_usize) {
            let shown = excerpt(text.as_bytes(), place);
            prop_assert!(shown.width() <= COLUMNS, "{}", shown.width());
        }
    }
}
