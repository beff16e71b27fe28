//! What may be written: names that cannot pretend to be something else, and chat.

use crate::Rejection;
use crate::limits::{CHAT_CHARS, NAME_CHARS, ROOM_NAME_CHARS};

/// A participant's name, trimmed: 1–64 characters of which at least one shows.
///
/// # Errors
/// [`Rejection::Invalid`].
pub fn participant_name(text: &str) -> Result<String, Rejection> {
    let text = text.trim();
    let fits = (1..=NAME_CHARS).contains(&text.chars().count());
    if fits && is_honest(text) && text.chars().any(|c| !is_invisible(c)) {
        Ok(text.to_owned())
    } else {
        Err(Rejection::Invalid("name"))
    }
}

/// A room's name, trimmed; it may be empty.
pub(super) fn room_name(text: &str) -> Result<String, Rejection> {
    let text = text.trim();
    if text.chars().count() <= ROOM_NAME_CHARS && is_honest(text) {
        Ok(text.to_owned())
    } else {
        Err(Rejection::Invalid("room name"))
    }
}

/// A line of chat, trimmed; it may have line breaks and tabs.
pub(super) fn chat(text: &str) -> Result<String, Rejection> {
    let text = text.trim();
    let fits = (1..=CHAT_CHARS).contains(&text.chars().count());
    let plain = text.chars().all(|c| matches!(c, '\n' | '\t') || !c.is_control());
    if fits && plain {
        Ok(text.to_owned())
    } else {
        Err(Rejection::Invalid("text"))
    }
}

/// Nothing that breaks the line or turns the reading direction around what follows.
fn is_honest(text: &str) -> bool {
    let lies = |c: char| {
        let breaks_line = matches!(c, '\u{2028}' | '\u{2029}');
        let turns = matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
        c.is_control() || breaks_line || turns
    };
    !text.chars().any(lies)
}

fn is_invisible(c: char) -> bool {
    c.is_whitespace()
        || matches!(c, '\u{AD}' | '\u{200B}'..='\u{200F}' | '\u{2060}'..='\u{2064}' | '\u{FEFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_trimmed_and_counted_in_characters() {
        assert_eq!(participant_name("  Анна \t"), Ok("Анна".to_owned()));
        assert_eq!(participant_name(&"ы".repeat(64)), Ok("ы".repeat(64)));
        assert_eq!(participant_name(&"y".repeat(65)), Err(Rejection::Invalid("name")));
    }

    #[test]
    fn a_name_that_hides_or_disguises_itself_is_refused() {
        for bad in [
            "",
            "   ",
            "a\u{0}b",
            "a\nb",
            "\u{202E}tsoh",
            "a\u{2066}b",
            "\u{200B}\u{200D}",
            "a\u{2028}b",
        ] {
            assert_eq!(participant_name(bad), Err(Rejection::Invalid("name")), "{bad:?}");
        }
        assert!(
            participant_name("👩\u{200D}🚀").is_ok(),
            "joiners inside an emoji are no disguise"
        );
    }

    #[test]
    fn a_room_may_have_no_name() {
        assert_eq!(room_name("  "), Ok(String::new()));
        assert_eq!(room_name(&"x".repeat(121)), Err(Rejection::Invalid("room name")));
    }

    #[test]
    fn chat_keeps_line_breaks_and_tabs_and_refuses_other_controls() {
        assert_eq!(chat("\n a\n\tb \n"), Ok("a\n\tb".to_owned()));
        assert_eq!(chat(&"я".repeat(4000)), Ok("я".repeat(4000)));
        for bad in ["", " \n ", "a\u{1b}[31m", "a\rb", &"x".repeat(4001)] {
            assert_eq!(chat(bad), Err(Rejection::Invalid("text")));
        }
    }
}
