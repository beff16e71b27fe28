//! What a provider promises about media: who receives what, and when it stops.

use std::time::Instant;

use tokio::sync::mpsc;
use videorooms_domain::{ParticipantId, Source, SourceSet};

use super::signalling::Session;
use super::{ANNA, BEN, Client, Clients, PATIENCE};
use crate::{AttachRequest, Attached, SfuError, SignalEvent, Slot, SlotPlan};

const CARL: ParticipantId = ParticipantId(3);
const BOTH: [Source; 2] = [Source::Microphone, Source::Camera];
/// Packets sent to see that none arrives, and looks at the network after which none is on its way any more.
const ENOUGH: usize = 20;

/// A room, and clients to come in.
pub(super) struct Call<'a> {
    session: Session<'a>,
    clients: &'a dyn Clients,
}

/// A participant with a connection.
struct Guest<'a> {
    client: Box<dyn Client + 'a>,
    token: String,
    attached: Attached,
    events: mpsc::Receiver<SignalEvent>,
    r#gen: u32,
    slots: Vec<Slot>,
    needed: Option<SlotPlan>,
    reset: bool,
}

impl<'a> Call<'a> {
    pub(super) fn new(session: Session<'a>, clients: &'a dyn Clients) -> Self {
        Self { session, clients }
    }

    pub(super) async fn everybody_gets_what_the_others_publish(&self) {
        let (mut anna, mut ben) = (self.join(ANNA, 1).await, self.join(BEN, 1).await);
        for source in BOTH {
            flows(&mut anna, ANNA, source, &mut ben).await;
            flows(&mut ben, BEN, source, &mut anna).await;
        }
        assert!(anna.slot(ANNA, Source::Camera).is_none(), "nobody gets its own");
        let info = self.session.provider.get_room_info(&self.session.room).await;
        let publishing: SourceSet = BOTH.into_iter().collect();
        for participant in info.expect("a room").participants {
            assert_eq!(participant.publishing, publishing);
        }
    }

    pub(super) async fn a_lost_socket_comes_back_to_flowing_media(&self) {
        let (mut anna, mut ben) = (self.join(ANNA, 1).await, self.join(BEN, 1).await);
        flows(&mut anna, ANNA, Source::Camera, &mut ben).await;
        let (peer, former) = (ben.attached.peer, ben.attached.attachment);
        self.session.signalling.detach(peer, former);
        stays(&mut anna, Source::Camera, &mut ben).await;
        let slots = std::mem::take(&mut ben.slots);
        self.attach_again(&mut ben, BEN).await;
        assert_eq!((ben.attached.peer, ben.attached.resumed), (peer, true));
        // That the socket before is gone is said late.
        self.session.signalling.detach(peer, former);
        until("its slots", &mut [&mut ben], |guests| guests[0].slots == slots).await;
        flows(&mut anna, ANNA, Source::Camera, &mut ben).await;
        self.mute(&anna, Source::Camera, true).await;
        let muted = |guests: &[&mut Guest<'_>]| guests[0].is_muted(ANNA, Source::Camera);
        until("an event on the new socket", &mut [&mut ben], muted).await;
    }

    pub(super) async fn slots_are_asked_for_until_everybody_has_one(&self) {
        let mut anna = self.join(ANNA, 1).await;
        let mut others = [self.join(BEN, 2).await, self.join(CARL, 2).await];
        let asked = |guests: &[&mut Guest<'_>]| guests[0].needed.is_some();
        until("a wish for slots", &mut [&mut anna], asked).await;
        let needed = anna.needed.expect("it was asked");
        assert!(needed.audio >= 1 && needed.video >= 1, "{needed:?}");
        self.offer(&mut anna, &[], 1).await;
        for (other, participant) in others.iter_mut().zip([BEN, CARL]) {
            for source in BOTH {
                flows(other, participant, source, &mut anna).await;
            }
        }
        let mut mids: Vec<_> = anna.slots.iter().map(|slot| &slot.mid).collect();
        mids.sort();
        mids.dedup();
        assert_eq!(mids.len(), 4, "each on a line of its own");
    }

    pub(super) async fn a_right_withdrawn_stops_the_packets(&self) {
        let (mut anna, mut ben) = (self.join(ANNA, 1).await, self.join(BEN, 1).await);
        flows(&mut anna, ANNA, Source::Camera, &mut ben).await;
        self.allow(ANNA, [Source::Microphone].into_iter().collect()).await;
        stops(&mut anna, Source::Camera, &mut ben).await;
        let gone = |guests: &[&mut Guest<'_>]| guests[0].slot(ANNA, Source::Camera).is_none();
        until("its slot to be free", &mut [&mut ben], gone).await;
        flows(&mut anna, ANNA, Source::Microphone, &mut ben).await;
        self.allow(ANNA, SourceSet::ALL).await;
        flows(&mut anna, ANNA, Source::Camera, &mut ben).await;
    }

    pub(super) async fn a_mute_stops_the_packets(&self) {
        let (mut anna, mut ben) = (self.join(ANNA, 1).await, self.join(BEN, 1).await);
        for source in BOTH {
            flows(&mut anna, ANNA, source, &mut ben).await;
            for muted in [true, false] {
                self.mute(&anna, source, muted).await;
                let shown = |guests: &[&mut Guest<'_>]| guests[0].is_muted(ANNA, source) == muted;
                until("the mute", &mut [&mut ben], shown).await;
                if muted {
                    stops(&mut anna, source, &mut ben).await;
                }
            }
            flows(&mut anna, ANNA, source, &mut ben).await;
        }
    }

    pub(super) async fn who_is_removed_or_leaves_frees_its_slots(&self) {
        let mut anna = self.join(ANNA, 1).await;
        let empty = |guests: &[&mut Guest<'_>]| guests[0].slots.is_empty();
        for leaves in [true, false] {
            let mut ben = self.join(BEN, 1).await;
            flows(&mut ben, BEN, Source::Camera, &mut anna).await;
            if leaves {
                let left = self.session.signalling.leave(ben.attached.peer).await;
                left.expect("leave");
            } else {
                let removed = self.session.provider.remove_participant(&self.session.room, &BEN);
                removed.await.expect("removal");
            }
            stops(&mut ben, Source::Camera, &mut anna).await;
            until("a reset", &mut [&mut ben], |guests| guests[0].reset).await;
            until("free slots", &mut [&mut anna], empty).await;
        }
        let mut carl = self.join(CARL, 1).await;
        flows(&mut carl, CARL, Source::Camera, &mut anna).await;
    }

    pub(super) async fn a_deleted_room_ends_every_connection(&self) {
        let (mut anna, mut ben) = (self.join(ANNA, 1).await, self.join(BEN, 1).await);
        flows(&mut anna, ANNA, Source::Camera, &mut ben).await;
        let room = &self.session.room;
        self.session.provider.delete_room(room).await.expect("deletion");
        stops(&mut anna, Source::Camera, &mut ben).await;
        let reset = |guests: &[&mut Guest<'_>]| guests.iter().all(|guest| guest.reset);
        until("resets", &mut [&mut anna, &mut ben], reset).await;
        for guest in [&anna, &ben] {
            self.session.is_unknown(guest.attached.peer).await;
        }
        let info = self.session.provider.get_room_info(room).await;
        assert_eq!(info, Err(SfuError::NoSuchRoom));
    }

    async fn join(&self, participant: ParticipantId, pairs: usize) -> Guest<'a> {
        let token = self.session.admit(participant).await;
        let (attached, events) = self
            .session
            .try_attach(self.session.room, participant, &token, None)
            .await;
        let mut guest = Guest {
            client: self.clients.client(),
            token,
            attached: attached.expect("a peer"),
            events,
            r#gen: 0,
            slots: Vec::new(),
            needed: None,
            reset: false,
        };
        self.offer(&mut guest, &BOTH, pairs).await;
        guest
    }

    async fn offer(&self, guest: &mut Guest<'_>, sources: &[Source], pairs: usize) {
        guest.r#gen += 1;
        let mut offer = guest.client.offer(sources, pairs);
        offer.r#gen = guest.r#gen;
        let answer = self.session.signalling.offer(guest.attached.peer, offer).await;
        guest
            .client
            .answered(guest.attached.peer, answer.expect("an answer"));
    }

    async fn attach_again(&self, guest: &mut Guest<'_>, participant: ParticipantId) {
        let (events, queue) = mpsc::channel(16);
        let request = AttachRequest {
            token: guest.token.clone(),
            peer: Some(guest.attached.peer),
            reached: None,
        };
        let room = &self.session.room;
        let attached = self
            .session
            .signalling
            .attach(room, &participant, request, events)
            .await;
        guest.attached = attached.expect("its peer");
        guest.events = queue;
    }

    async fn allow(&self, participant: ParticipantId, allowed: SourceSet) {
        let allowed = self
            .session
            .provider
            .set_publishing(&self.session.room, &participant, allowed);
        allowed.await.expect("rights");
    }

    async fn mute(&self, guest: &Guest<'_>, source: Source, muted: bool) {
        let muted = self
            .session
            .signalling
            .mute(guest.attached.peer, source, muted)
            .await;
        muted.expect("mute");
    }
}

impl Guest<'_> {
    fn slot(&self, participant: ParticipantId, source: Source) -> Option<&Slot> {
        let shows = |slot: &&Slot| slot.participant == participant && slot.source == source;
        self.slots.iter().find(shows)
    }

    fn is_muted(&self, participant: ParticipantId, source: Source) -> bool {
        self.slot(participant, source).is_some_and(|slot| slot.muted)
    }

    fn hear(&mut self) {
        while let Ok(event) = self.events.try_recv() {
            assert!(!self.reset, "nothing follows a reset");
            match event {
                SignalEvent::Slots { map, .. } => self.slots = map,
                SignalEvent::NeedSlots(plan) => self.needed = Some(plan),
                SignalEvent::Speakers(_) => {}
                SignalEvent::Reset(_) => self.reset = true,
            }
        }
    }

    /// Packets of all m-lines that it has slots on or had, by `mids`.
    async fn count(&mut self, mids: &[String]) -> usize {
        let mut count = 0;
        for mid in mids {
            count += self.client.received(mid).await;
        }
        count
    }

    fn mids(&self) -> Vec<String> {
        self.slots.iter().map(|slot| slot.mid.clone()).collect()
    }
}

/// Waits until it holds.
async fn until(what: &str, guests: &mut [&mut Guest<'_>], holds: impl Fn(&[&mut Guest<'_>]) -> bool) {
    let start = Instant::now();
    loop {
        for guest in guests.iter_mut() {
            guest.client.received("").await;
            guest.hear();
        }
        if holds(guests) {
            return;
        }
        assert!(start.elapsed() < PATIENCE, "waited in vain for {what}");
        tokio::task::yield_now().await;
    }
}

/// Sends until a packet arrives on the slot that shows it, and that slot is not muted.
async fn flows(from: &mut Guest<'_>, who: ParticipantId, source: Source, to: &mut Guest<'_>) {
    let start = Instant::now();
    let mut before = None;
    loop {
        from.client.send(source).await;
        from.client.received("").await;
        from.hear();
        to.hear();
        let slot = to
            .slot(who, source)
            .filter(|slot| !slot.muted)
            .map(|slot| slot.mid.clone());
        let received = match slot {
            Some(mid) => Some((to.client.received(&mid).await, mid)),
            None => {
                to.client.received("").await;
                None
            }
        };
        match (&before, &received) {
            (Some((old, on)), Some((new, mid))) if on == mid && new > old => return,
            _ => before = before.filter(|_| received.is_some()).or(received),
        }
        assert!(
            start.elapsed() < PATIENCE,
            "{source:?} of {who:?} does not arrive"
        );
        tokio::task::yield_now().await;
    }
}

/// Sends, and something arrives.
async fn stays(from: &mut Guest<'_>, source: Source, to: &mut Guest<'_>) {
    let mids = to.mids();
    let (start, before) = (Instant::now(), to.count(&mids).await);
    while to.count(&mids).await == before {
        from.client.send(source).await;
        from.client.received("").await;
        assert!(start.elapsed() < PATIENCE, "{source:?} does not arrive any more");
        tokio::task::yield_now().await;
    }
}

/// Sends, and nothing arrives once what was on its way is there.
async fn stops(from: &mut Guest<'_>, source: Source, to: &mut Guest<'_>) {
    let mids = to.mids();
    for _ in 0..ENOUGH {
        to.count(&mids).await;
    }
    let before = to.count(&mids).await;
    for _ in 0..ENOUGH {
        from.client.send(source).await;
        from.client.received("").await;
    }
    for _ in 0..ENOUGH {
        assert_eq!(to.count(&mids).await, before, "{source:?} arrives still");
    }
}
