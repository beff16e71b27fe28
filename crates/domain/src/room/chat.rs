//! Chat, and how much of it is kept: a number of lines, of bytes and of days, whichever ends first.

use std::collections::VecDeque;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Decision, Member, Room, text};
use crate::limits::{CHAT_AGE, CHAT_BYTES, CHAT_LINES};
use crate::{ChatLine, CommandId, Event, Rejection, Role, Timestamp};

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "VecDeque<Arc<ChatLine>>", into = "VecDeque<Arc<ChatLine>>")]
pub(super) struct ChatLog {
    lines: VecDeque<Arc<ChatLine>>,
    text_bytes: usize,
}

impl ChatLog {
    pub(super) fn push(&mut self, line: ChatLine) {
        self.text_bytes += line.text.len();
        self.lines.push_back(Arc::new(line));
        while self.lines.len() > CHAT_LINES || self.text_bytes > CHAT_BYTES {
            self.forget_first();
        }
    }

    /// Judged by the front alone: lines are in order, and a clock that jumped only makes some live longer.
    pub(super) fn forget_older(&mut self, now: Timestamp) {
        while self
            .lines
            .front()
            .is_some_and(|line| line.at.after(CHAT_AGE) < now)
        {
            self.forget_first();
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &ChatLine> {
        self.lines.iter().map(|line| &**line)
    }

    fn forget_first(&mut self) {
        if let Some(line) = self.lines.pop_front() {
            self.text_bytes -= line.text.len();
        }
    }
}

impl From<ChatLog> for VecDeque<Arc<ChatLine>> {
    fn from(log: ChatLog) -> Self {
        log.lines
    }
}

impl From<VecDeque<Arc<ChatLine>>> for ChatLog {
    fn from(lines: VecDeque<Arc<ChatLine>>) -> Self {
        let text_bytes = lines.iter().map(|line| line.text.len()).sum();
        Self { lines, text_bytes }
    }
}

impl Room {
    pub(super) fn post(&self, member: &Member, text: &str, id: Option<CommandId>) -> Decision {
        if member.role == Role::Viewer {
            return Err(Rejection::Forbidden);
        }
        let text = text::chat(text)?;
        Ok(vec![Event::ChatPosted {
            from: member.participant,
            name: member.name.clone(),
            text,
            id,
        }])
    }
}

#[cfg(test)]
mod tests {
    use crate::limits::{CHAT_AGE, CHAT_BYTES, CHAT_LINES};
    use crate::room::testing::{Scene, id};
    use crate::{Command, Rejection, Role};

    fn say(text: &str) -> Command {
        Command::Chat { text: text.into() }
    }

    fn texts(scene: &Scene) -> Vec<&str> {
        scene.room.chat.iter().map(|line| line.text.as_str()).collect()
    }

    #[test]
    fn a_line_is_named_by_the_clients_id_or_by_its_seq_and_keeps_the_name_of_then() {
        let mut scene = Scene::with(&[(1, Role::Host)]);
        scene.ok_as(1, Some("x"), say("a"));
        scene.ok(1, Command::Rename { name: "Ann".into() });
        scene.ok(1, say("b"));
        let lines: Vec<_> = scene
            .room
            .chat
            .iter()
            .map(|line| (line.id.clone(), line.name.clone()))
            .collect();
        let unnamed = format!("m{}", scene.room.seq().0);
        assert_eq!(
            lines,
            [("x".to_owned(), "p1".to_owned()), (unnamed, "Ann".to_owned())]
        );
    }

    #[test]
    fn viewers_and_strangers_say_nothing() {
        let mut scene = Scene::with(&[(1, Role::Viewer)]);
        assert_eq!(scene.refused(1, say("a")), Rejection::Forbidden);
        assert_eq!(scene.refused(2, say("a")), Rejection::NotMember);
        assert_eq!(scene.system(say("a")), Err(Rejection::Forbidden));
    }

    #[test]
    fn the_oldest_line_goes_when_there_are_too_many() {
        let mut scene = Scene::with(&[(1, Role::Host)]);
        for n in 0..=CHAT_LINES {
            scene.ok(1, say(&n.to_string()));
        }
        assert_eq!((texts(&scene).len(), texts(&scene)[0]), (CHAT_LINES, "1"));
    }

    #[test]
    fn the_oldest_lines_go_when_they_are_too_big() {
        let mut scene = Scene::with(&[(1, Role::Host)]);
        let line = "😀".repeat(4000);
        for _ in 0..CHAT_LINES {
            scene.ok(1, say(&line));
        }
        assert_eq!(texts(&scene).len(), CHAT_BYTES / line.len());
    }

    #[test]
    fn lines_older_than_a_week_go_with_the_next_event() {
        let mut scene = Scene::with(&[(1, Role::Host)]);
        scene.ok(1, say("old"));
        scene.wait(CHAT_AGE / 2);
        scene.ok(1, say("young"));
        scene.wait(CHAT_AGE / 2 + std::time::Duration::from_millis(1));
        scene.ok(1, Command::RaiseHand);
        assert_eq!(texts(&scene), ["young"]);
        assert!(scene.room.member(id(1)).is_some());
    }
}
