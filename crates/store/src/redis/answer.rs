//! What a script answers: a word, the server's time, and what the word asks for.

use std::collections::HashMap;

use redis::{FromRedisValue, Value, from_redis_value};
use videorooms_domain::{Epoch, NodeIncarnation, Seq};

use crate::Verdict;
use crate::ownership::{Lost, NotDeclared, Refusal};
use crate::ruling::verdict_of;

pub(super) struct Answer {
    pub(super) word: String,
    /// Milliseconds, by the server's clock.
    pub(super) at_ms: u64,
    rest: std::vec::IntoIter<Value>,
}

impl Answer {
    /// `None` when it is no answer of a script of ours; so answer all that follow.
    pub(super) fn read(value: Value) -> Option<Self> {
        let Value::Array(values) = value else { return None };
        let mut rest = values.into_iter();
        let word = from_redis_value(rest.next()?).ok()?;
        let at_ms = from_redis_value(rest.next()?).ok()?;
        Some(Self { word, at_ms, rest })
    }

    /// The next thing, read as what it must be. Rows read as a map; missing ones as `None`.
    pub(super) fn next<T: FromRedisValue>(&mut self) -> Option<T> {
        from_redis_value(self.rest.next()?).ok()
    }

    pub(super) fn next_epoch(&mut self) -> Option<Epoch> {
        self.next().map(Epoch)
    }

    /// Fields of a hash.
    pub(super) fn next_rows(&mut self) -> Option<HashMap<String, String>> {
        self.next()
    }

    pub(super) fn refusal(mut self) -> Option<Refusal> {
        Some(match self.word.as_str() {
            "store_changed" => Refusal::StoreChanged,
            "settling" => Refusal::Settling,
            "forgotten" => Refusal::Forgotten,
            "superseded" => Refusal::Superseded(self.next()?),
            "not_alive" => Refusal::NotAlive,
            "lost" => Refusal::Lost(Lost {
                owner: NodeIncarnation {
                    node: self.next::<String>()?.parse().ok()?,
                    incarnation: self.next()?,
                },
                epoch: self.next_epoch()?,
            }),
            _ => return None,
        })
    }

    pub(super) fn not_declared(self) -> Option<NotDeclared> {
        Some(match self.word.as_str() {
            "outdated" => NotDeclared::Outdated,
            "alive" => NotDeclared::Alive,
            "gone" => NotDeclared::Gone,
            _ => NotDeclared::Refused(self.refusal()?),
        })
    }

    /// On a write in the reign `epoch`.
    pub(super) fn verdict(mut self, epoch: Epoch) -> Option<Verdict> {
        Some(match self.word.as_str() {
            "committed" => Verdict::Committed,
            "deposed" => Verdict::Deposed {
                epoch: self.next_epoch()?,
            },
            "behind" => Verdict::Behind {
                stored: Seq(self.next()?),
            },
            _ => verdict_of(self.refusal()?, epoch),
        })
    }
}
