//! Who is alive, as one node sees it, and when it may say that another is not.
//!
//! The store keeps the beats; the direct link only says how long to wait. A wrong guess here costs nothing: the script looks at the beat again.
//!
//! # Invariants
//! * **M1** Nobody is judged before `streak` renewals in a row were answered, and a beat is never older for the judge than its own streak is
//!   long. So after the store was away, everyone has as long as ever.
//! * **M2** A view is judged once, by one declaration; the next comes from a newer view.
//! * **M3** A declaration names the generation it was computed from, and heirs for each shard of the dead in it.
//! * **M4** A majority counts all nodes last known to be alive, this one too, whether linked or not.

use std::collections::BTreeMap;
use std::time::Duration;

use videorooms_domain::{NodeId, NodeIncarnation};
use videorooms_store::ownership::{Declaration, Generation, NodeState, NodeView, Renewed, Table};

use crate::placement;
use crate::time::{Instant, Timing};

/// What the direct link to a node shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Evidence {
    /// Closed and refused when dialled again, or answered by a newer boot.
    Gone,
    /// No answer, or no link yet.
    Silent,
    /// It answers pings.
    Answering,
}

/// What this node knows of the others.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Membership {
    me: NodeIncarnation,
    required: u32,
    stale: [Duration; 3],
    streak: Option<Streak>,
    seen: Option<Seen>,
    links: BTreeMap<NodeId, Link>,
    is_judged: bool,
}

/// Renewals in a row that were answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Streak {
    /// When the first was sent.
    since: Instant,
    /// How many; not counted past what is required.
    length: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Seen {
    at: Instant,
    generation: Generation,
    nodes: Vec<NodeView>,
    table: Table,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Link {
    evidence: Evidence,
    /// When it last said that it cannot reach the store.
    without_store: Option<Instant>,
}

impl Membership {
    /// Knows nobody yet.
    #[must_use]
    pub fn new(me: NodeIncarnation, timing: &Timing) -> Self {
        Self {
            me,
            required: timing.streak,
            stale: [timing.stale_gone, timing.stale_silent, timing.stale_answering],
            streak: None,
            seen: None,
            links: BTreeMap::new(),
            is_judged: false,
        }
    }

    /// All nodes as of the last renewal.
    #[must_use]
    pub fn nodes(&self) -> &[NodeView] {
        self.seen.as_ref().map_or(&[], |seen| &seen.nodes)
    }

    /// Who owns what as of the last renewal; none before the first.
    #[must_use]
    pub fn table(&self) -> Option<&Table> {
        self.seen.as_ref().map(|seen| &seen.table)
    }

    /// The generation whose table is known.
    #[must_use]
    pub fn cached(&self) -> Option<Generation> {
        self.seen.as_ref().map(|seen| seen.generation)
    }

    /// A renewal sent at `sent` was answered at `now`. An answer without a table, to one who has none, shows nodes only.
    pub fn renewed(&mut self, now: Instant, sent: Instant, renewed: Renewed) {
        let streak = self.streak.get_or_insert(Streak {
            since: sent,
            length: 0,
        });
        streak.length = (streak.length + 1).min(self.required);
        let former = self.seen.take().map(|seen| seen.table);
        self.links
            .retain(|name, _| renewed.nodes.iter().any(|node| node.node.node == *name));
        self.seen = Some(Seen {
            at: now,
            generation: renewed.generation,
            nodes: renewed.nodes,
            table: renewed.table.or(former).unwrap_or_default(),
        });
        self.is_judged = false;
    }

    /// A renewal was not answered, or this node stood still: the streak is over.
    pub fn interrupted(&mut self) {
        self.streak = None;
        self.is_judged = false;
    }

    /// The store began a new life: its table is to be read whole.
    pub fn store_changed(&mut self) {
        self.interrupted();
        self.seen = None;
    }

    /// The link to a node shows something.
    pub fn link(&mut self, node: &NodeId, evidence: Evidence) {
        let link = self.links.entry(node.clone()).or_insert(Link::UNKNOWN);
        link.evidence = evidence;
        if evidence != Evidence::Answering {
            link.without_store = None;
        }
    }

    /// A node says on its direct link whether it reaches the store.
    pub fn peer_says(&mut self, now: Instant, node: &NodeId, reaches_store: bool) {
        let link = self.links.entry(node.clone()).or_insert(Link::UNKNOWN);
        link.evidence = Evidence::Answering;
        link.without_store = (!reaches_store).then_some(now);
    }

    /// Do a majority of the living nodes last known, this one counted, say that they cannot reach the store. A word holds as long as silence
    /// would be tolerated.
    #[must_use]
    pub fn agrees_without_store(&self, now: Instant) -> bool {
        let alive = self.nodes().iter().filter(|node| node.state != NodeState::Dead);
        let (mut all, mut without) = (0, 0);
        for node in alive {
            all += 1;
            let said = self
                .links
                .get(&node.node.node)
                .and_then(|link| link.without_store);
            let recent = said.is_some_and(|at| now.since(at) < self.limit(Evidence::Silent));
            without += usize::from(recent || node.node.node == self.me.node);
        }
        2 * without > all
    }

    /// The declaration that is due, if one is. The caller holds a lease.
    pub fn judge(&mut self, now: Instant) -> Option<Declaration> {
        if self.is_judged || self.streak.is_none_or(|streak| streak.length < self.required) {
            return None;
        }
        let seen = self.seen.as_ref()?;
        let due = seen
            .nodes
            .iter()
            .find(|node| self.due(seen, node).is_some_and(|due| due <= now))?;
        let rest = seen.nodes.iter().filter(|node| node.node != due.node);
        let owned = seen.table.iter().filter(|(_, row)| row.owner == due.node);
        let heirs = owned
            .filter_map(|(shard, _)| Some((*shard, placement::home(*shard, rest.clone())?.clone())))
            .collect();
        let declaration = Declaration {
            dead: due.node.clone(),
            generation: seen.generation,
            limit: self.limit(self.evidence(&due.node.node)),
            heirs,
        };
        self.is_judged = true;
        Some(declaration)
    }

    /// When [`Self::judge`] has something to say if no renewal comes before.
    #[must_use]
    pub fn judges_at(&self) -> Option<Instant> {
        let seen = self.seen.as_ref()?;
        let ready = !self.is_judged && self.streak.is_some_and(|streak| streak.length >= self.required);
        let due = seen.nodes.iter().filter_map(|node| self.due(seen, node));
        due.min().filter(|_| ready)
    }

    /// When the beat of a node becomes too old: by the store's clock, and within this node's own streak.
    fn due(&self, seen: &Seen, node: &NodeView) -> Option<Instant> {
        if node.state == NodeState::Dead || node.node == self.me {
            return None;
        }
        let limit = self.limit(self.evidence(&node.node.node));
        let by_beat = seen.at.after(limit.saturating_sub(node.age));
        Some(by_beat.max(self.streak?.since.after(limit)))
    }

    fn evidence(&self, node: &NodeId) -> Evidence {
        self.links
            .get(node)
            .map_or(Evidence::Silent, |link| link.evidence)
    }

    fn limit(&self, evidence: Evidence) -> Duration {
        self.stale[evidence as usize]
    }

    /// See [`Instant::set_back`].
    pub fn set_back(&mut self, by: Duration) {
        let streak = self.streak.iter_mut().map(|streak| &mut streak.since);
        let seen = self.seen.iter_mut().map(|seen| &mut seen.at);
        let words = self
            .links
            .values_mut()
            .filter_map(|link| link.without_store.as_mut());
        streak
            .chain(seen)
            .chain(words)
            .for_each(|instant| instant.set_back(by));
    }
}

impl Link {
    const UNKNOWN: Self = Self {
        evidence: Evidence::Silent,
        without_store: None,
    };
}

#[cfg(test)]
mod tests;
