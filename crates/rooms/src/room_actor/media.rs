//! The room's media: on which node it is, and what that node's media server must be told, in tasks of their own whose answers come back as messages.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use videorooms_domain::{Actor, Command, NodeIncarnation, ParticipantId, Rejection, Request, RoomId};

use super::{Envelope, Reply, RoomMessage, RoomState, Waiter};
use crate::api::RoomsError;
use crate::media_host::{MediaHost, RoomMedia};
use crate::media_plan::{Report, Wish, Work};
use crate::metrics as names;
use crate::rooms::unavailable;

/// Wait before the media server is asked again after a failure.
const MEDIA_RETRY: Duration = Duration::from_secs(1);
/// Most who wait for the media to have a node.
const MAX_WAITERS: usize = 1024;

impl RoomState {
    /// Media lives where the room is when its first member comes, and stays there wherever the room goes, as long as that boot of that node lives.
    /// Where it lives is durable, so that a later owner knows it.
    pub(super) fn claim_media(&mut self) {
        let room = self.pipeline.speculative();
        let (media, here) = (&self.services.media, &self.services.here);
        let is_carried = room.media_node().is_some_and(|node| media.carries(node));
        let is_wanted = room.ended().is_none() && room.members().next().is_some();
        if is_carried || !is_wanted || !self.pipeline.store_answers() {
            return;
        }
        let (first, second) = chance();
        let node = self.services.ownership.choose_media(here, first, second);
        if room.media_node() == Some(&node) {
            return;
        }
        let request = Request {
            by: Actor::System,
            id: None,
            command: Command::SetMediaNode { node },
        };
        self.submit(&request, Waiter::Nobody);
    }

    /// Someone asks where the media is.
    pub(super) fn wait_for_media(&mut self, reply: Reply<NodeIncarnation>) {
        self.media_waiters.retain(|waiter| !waiter.is_closed());
        if self.media_waiters.len() >= MAX_WAITERS {
            drop(reply.send(Err(unavailable("too many wait for the room's media"))));
            return;
        }
        self.media_waiters.push(reply);
    }

    /// Answers them once there is one that lives, durably.
    pub(super) fn answer_media_waiters(&mut self) {
        if self.media_waiters.is_empty() {
            return;
        }
        let room = self.pipeline.committed();
        let node = room.media_node().filter(|node| self.services.media.carries(node));
        let answer: Result<_, RoomsError> = match (room.ended(), node) {
            (Some(_), _) => Err(Rejection::Ended.into()),
            (None, Some(node)) => Ok(node.clone()),
            (None, None) => return,
        };
        for waiter in self.media_waiters.drain(..) {
            drop(waiter.send(answer.clone()));
        }
    }

    /// What the media server is told follows committed state, so it need not wait for the store.
    pub(super) fn ask_media(&mut self) {
        if self.pipeline.is_over() {
            return;
        }
        let Some(work) = self.media_plan.next() else {
            return;
        };
        let node = match &work {
            Work::Leave(node) => Some(node),
            Work::Survey | Work::Participants(_) | Work::Close => self.media_plan.node(),
        };
        let (media, myself, room) = (self.services.media.clone(), self.myself.clone(), self.door.room);
        let (gate, node) = (Arc::clone(&self.door.media_gate), node.cloned());
        let task = async move {
            // A predecessor's last calls must not come after ours.
            let held = gate.lock().await;
            let report = match node.and_then(|node| reach(&media, room, &node, &work)) {
                Some(media) => carry_out(&media, room, work).await,
                None => nothing_left(&work),
            };
            drop(held);
            drop(myself.cast(Envelope::inner(RoomMessage::MediaDone(report))));
        };
        drop(tokio::spawn(task));
    }

    pub(super) fn media_done(&mut self, report: Report) {
        if self.media_plan.done(self.pipeline.committed(), report) {
            drop(
                self.myself
                    .send_after(MEDIA_RETRY, || Envelope::inner(RoomMessage::RetryMedia)),
            );
        }
    }
}

/// The media for which the work is meant; none where it has died with its node.
fn reach(media: &MediaHost, room: RoomId, node: &NodeIncarnation, work: &Work) -> Option<RoomMedia> {
    // A server that all nodes reach is never left.
    let is_left = matches!(work, Work::Leave(_)) && media.is_everywhere();
    media.reach(room, node).filter(|_| !is_left)
}

/// There is no media of anyone.
fn nothing_left(work: &Work) -> Report {
    match work {
        Work::Survey => Report::Present(Vec::new()),
        Work::Participants(_) | Work::Close | Work::Leave(_) => Report::Failed(BTreeSet::new()),
    }
}

async fn carry_out(media: &RoomMedia, room: RoomId, work: Work) -> Report {
    match work {
        Work::Survey => match media.present().await {
            Ok(present) => Report::Present(present),
            Err(error) => failed(room, &error, Report::Nothing),
        },
        Work::Close | Work::Leave(_) => match media.close().await {
            Ok(()) => Report::Failed(BTreeSet::new()),
            Err(error) => failed(room, &error, Report::Nothing),
        },
        Work::Participants(wishes) => {
            let mut undone: BTreeSet<ParticipantId> = wishes.keys().copied().collect();
            let mut calls = JoinSet::new();
            for (participant, wish) in wishes {
                let media = media.clone();
                calls.spawn(async move {
                    let done = match wish {
                        Wish::Publish(allowed) => media.set_publishing(participant, allowed).await,
                        Wish::Remove => media.remove(participant).await,
                    };
                    (participant, done)
                });
            }
            while let Some(call) = calls.join_next().await {
                match call {
                    Ok((participant, Ok(()))) => drop(undone.remove(&participant)),
                    Ok((_, Err(error))) => failed(room, &error, ()),
                    Err(error) => failed(room, &error, ()),
                }
            }
            Report::Failed(undone)
        }
    }
}

fn failed<T>(room: RoomId, error: &dyn std::fmt::Display, report: T) -> T {
    metrics::counter!(names::MEDIA_RETRIES).increment(1);
    tracing::warn!(room.id = %room, %error, "media server did not do what the room asked, will ask again");
    report
}

/// Two numbers by which two of the other nodes are compared; without randomness always the same two.
fn chance() -> (usize, usize) {
    let bits = getrandom::u64().unwrap_or_default();
    ((bits >> 32) as usize, bits as u32 as usize)
}
