//! What the links of this node show of the others: kept for those who ask in passing, an operator and readiness.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use videorooms_admin::LinkState;
use videorooms_cluster::View;
use videorooms_cluster::links::{LinkEvent, Refusal};
use videorooms_cluster::membership::Evidence;
use videorooms_domain::{NodeId, NodeIncarnation};
use videorooms_store::ownership::NodeState;

/// The other nodes, by name; never more than the table has. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Neighbours(Arc<Mutex<BTreeMap<NodeId, Neighbour>>>);

#[derive(Default)]
struct Neighbour {
    evidence: Option<Evidence>,
    /// The boot to which calls go through.
    up: Option<u64>,
    refused: Option<Refusal>,
}

impl Neighbours {
    /// Takes note of what a link shows of a node that the table names.
    pub(crate) fn saw(&self, event: &LinkEvent, view: &View) {
        let named = match event {
            LinkEvent::Evidence(node, _) | LinkEvent::Says { node, .. } => Some(node),
            LinkEvent::Up(boot) | LinkEvent::Down(boot) => Some(&boot.node),
            LinkEvent::Refused { node, .. } => node.as_ref(),
        };
        let is_known = |name: &NodeId| view.nodes.iter().any(|node| node.node.node == *name);
        let mut known = self.0.lock();
        known.retain(|name, _| is_known(name));
        let Some(name) = named.filter(|name| is_known(name)) else {
            return;
        };
        let neighbour = known.entry(name.clone()).or_default();
        match event {
            LinkEvent::Evidence(_, evidence) => neighbour.evidence = Some(*evidence),
            LinkEvent::Up(boot) => {
                neighbour.up = Some(boot.incarnation);
                neighbour.refused = None;
            }
            LinkEvent::Down(boot) => {
                neighbour.up.take_if(|up| *up == boot.incarnation);
            }
            // A newcomer is not known for a moment.
            LinkEvent::Refused {
                reason: Refusal::NotAPeer,
                ..
            }
            | LinkEvent::Says { .. } => {}
            LinkEvent::Refused { reason, .. } => neighbour.refused = Some(*reason),
        }
    }

    /// What the link to that boot of a node shows, and why a connection was refused since it stood last.
    pub(crate) fn of(&self, node: &NodeIncarnation) -> (LinkState, Option<Refusal>) {
        let known = self.0.lock();
        let Some(neighbour) = known.get(&node.node) else {
            return (LinkState::Silent, None);
        };
        let state = match neighbour.evidence {
            _ if neighbour.up == Some(node.incarnation) => LinkState::Up,
            Some(Evidence::Answering) => LinkState::Answering,
            Some(Evidence::Gone) => LinkState::Gone,
            Some(Evidence::Silent) | None => LinkState::Silent,
        };
        (state, neighbour.refused)
    }

    /// To how many of the other living nodes calls go through, and how many these are.
    pub(crate) fn linked(&self, view: &View, me: &NodeIncarnation) -> (usize, usize) {
        let others = view
            .nodes
            .iter()
            .filter(|node| node.node != *me && node.state != NodeState::Dead);
        let states: Vec<_> = others.map(|node| self.of(&node.node).0).collect();
        let up = states.iter().filter(|state| **state == LinkState::Up).count();
        (up, states.len())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use videorooms_store::ownership::{NodeView, Profile};

    use super::*;

    fn boot(name: &str, incarnation: u64) -> NodeIncarnation {
        NodeIncarnation {
            node: name.parse().unwrap(),
            incarnation,
        }
    }

    fn view(nodes: &[NodeIncarnation]) -> View {
        let row = |node: &NodeIncarnation| NodeView {
            node: node.clone(),
            profile: Profile {
                address: "".into(),
                version: 1,
                load: 0,
                weight: 1,
                draining: false,
            },
            state: NodeState::Up,
            age: Duration::ZERO,
        };
        View {
            nodes: nodes.iter().map(row).collect(),
            ..View::default()
        }
    }

    #[test]
    fn a_link_is_up_for_the_boot_that_it_stands_to_and_no_other() {
        let (me, other) = (boot("a", 1), boot("b", 1));
        let view = view(&[me.clone(), other.clone()]);
        let neighbours = Neighbours::default();
        assert_eq!(neighbours.of(&other), (LinkState::Silent, None));
        let refused = LinkEvent::Refused {
            node: Some(other.node.clone()),
            reason: Refusal::WrongSecret,
        };
        neighbours.saw(&refused, &view);
        assert_eq!(neighbours.of(&other).1, Some(Refusal::WrongSecret));
        neighbours.saw(
            &LinkEvent::Evidence(other.node.clone(), Evidence::Answering),
            &view,
        );
        neighbours.saw(&LinkEvent::Up(other.clone()), &view);
        assert_eq!(neighbours.of(&other), (LinkState::Up, None));
        assert_eq!(neighbours.of(&boot("b", 2)).0, LinkState::Answering);
        assert_eq!(neighbours.linked(&view, &me), (1, 1));
        neighbours.saw(&LinkEvent::Down(boot("b", 0)), &view);
        assert_eq!(neighbours.of(&other).0, LinkState::Up);
        neighbours.saw(&LinkEvent::Down(other), &view);
        assert_eq!(neighbours.linked(&view, &me), (0, 1));
    }

    #[test]
    fn nodes_that_the_table_does_not_name_are_not_kept() {
        let (me, other) = (boot("a", 1), boot("b", 1));
        let neighbours = Neighbours::default();
        let whole = view(&[me.clone(), other.clone()]);
        neighbours.saw(&LinkEvent::Up(other.clone()), &whole);
        neighbours.saw(&LinkEvent::Up(boot("stranger", 1)), &whole);
        assert_eq!(neighbours.0.lock().len(), 1);
        let silent = LinkEvent::Evidence(other.node, Evidence::Silent);
        neighbours.saw(&silent, &view(&[me]));
        assert!(neighbours.0.lock().is_empty());
    }
}
