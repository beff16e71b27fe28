//! What an operator asks through this node, done here or passed on to the node that it concerns.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::join_all;
use videorooms_admin::{Drain, LinkState, NodeList, NodeRow, NodeSays, Operations, Refused};
use videorooms_cluster::{Cluster, View};
use videorooms_domain::{NodeId, NodeIncarnation, RoomId, SHARDS, ShardId};
use videorooms_gateway::auth::Keys;
use videorooms_rooms::calls::Peers;
use videorooms_rooms::{Explanation, Rooms, RoomsError};
use videorooms_store::ownership::{NodeState, NodeView};

use crate::control::{self, Ask, Control, Status};
use crate::neighbours::Neighbours;

/// An operator's way to a node and, through it, to its cluster.
pub(crate) struct Operator {
    pub(crate) keys: Keys,
    pub(crate) rooms: Rooms,
    pub(crate) here: NodeIncarnation,
    pub(crate) fingerprint: Arc<str>,
    /// None: the node is alone.
    pub(crate) together: Option<Together>,
}

/// A node's part in a cluster, as an operator reaches it.
#[derive(Clone)]
pub(crate) struct Together {
    pub(crate) control: Control,
    pub(crate) peers: Arc<dyn Peers>,
    pub(crate) neighbours: Neighbours,
}

#[async_trait]
impl Operations for Operator {
    fn is_operator(&self, token: &str) -> bool {
        self.keys.verify_operator(token).is_ok()
    }

    async fn nodes(&self) -> Result<NodeList, Refused> {
        let Some(together) = &self.together else {
            return Ok(self.alone());
        };
        let cluster = &together.control.cluster;
        let view = cluster.view();
        let rows = view.nodes.iter().map(|node| together.row(&view, node));
        let is_unowned = |shard: &u16| view.owner(ShardId(*shard)).is_none();
        Ok(NodeList {
            node: self.here.clone(),
            standing: cluster.standing().as_str().to_owned(),
            generation: view.generation.0,
            unowned: (0..SHARDS).filter(is_unowned).count(),
            nodes: join_all(rows).await,
        })
    }

    async fn drain(&self, node: &NodeId, undo: bool) -> Result<Drain, Refused> {
        let (together, boot) = self.find(node)?;
        let view = together.cluster().view();
        let has_heir = || {
            let mut nodes = view.nodes.iter();
            nodes.any(|other| other.node.node != *node && other.takes_shards())
        };
        if !undo && !has_heir() {
            let why = format!("no other node takes rooms, so {node} cannot give its rooms to anyone");
            return Err(Refused::Conflict(why));
        }
        self.ask(together, &boot, Ask::Drain { undo }).await
    }

    async fn drained(&self, node: &NodeId) -> Result<Drain, Refused> {
        let (together, boot) = self.find(node)?;
        self.ask(together, &boot, Ask::Status).await
    }

    async fn explain(&self, room: RoomId) -> Result<Explanation, Refused> {
        let refused = |error: RoomsError| match error {
            RoomsError::NoSuchRoom => Refused::NotFound("there is no such room".to_owned()),
            RoomsError::Unavailable { .. } | RoomsError::TooManyRooms | RoomsError::Rejected(_) => {
                Refused::Unavailable(error.to_string())
            }
        };
        self.rooms.explain(room).await.map_err(refused)
    }
}

impl Operator {
    /// The boot of a node that lives.
    fn find(&self, node: &NodeId) -> Result<(&Together, NodeIncarnation), Refused> {
        let Some(together) = &self.together else {
            let why = "this node is alone: there is no other to give rooms to";
            return Err(Refused::Conflict(why.to_owned()));
        };
        let view = together.cluster().view();
        let row = view.nodes.iter().find(|row| row.node.node == *node);
        match row {
            None => Err(Refused::NotFound(format!("there is no node {node}"))),
            Some(row) if row.state == NodeState::Dead => {
                let why = format!("node {node} was declared dead and owns nothing");
                Err(Refused::Conflict(why))
            }
            Some(row) => Ok((together, row.node.clone())),
        }
    }

    async fn ask(&self, together: &Together, node: &NodeIncarnation, ask: Ask) -> Result<Drain, Refused> {
        let Status { draining, says } = if *node == self.here {
            together.control.obey(ask)
        } else {
            let unreached = |why| {
                let (here, there) = (&self.here.node, &node.node);
                Refused::Unavailable(format!("{there} cannot be reached from {here}: {why}"))
            };
            let asked = control::ask(&*together.peers, node, ask).await;
            asked.map_err(unreached)?
        };
        Ok(Drain {
            node: node.node.clone(),
            draining,
            shards: says.shards,
            rooms: says.rooms,
        })
    }

    fn alone(&self) -> NodeList {
        let standing = || "alone".to_owned();
        let shards = usize::from(SHARDS);
        NodeList {
            node: self.here.clone(),
            standing: standing(),
            generation: 0,
            unowned: 0,
            nodes: vec![NodeRow {
                id: self.here.node.clone(),
                incarnation: self.here.incarnation,
                state: "up".to_owned(),
                address: String::new(),
                version: crate::member::VERSION,
                load: u32::try_from(self.rooms.live_rooms()).unwrap_or(u32::MAX),
                weight: 1,
                beat_age_ms: 0,
                shards,
                link: LinkState::Here,
                refused: None,
                says: Some(NodeSays {
                    standing: standing(),
                    shards,
                    rooms: self.rooms.live_rooms(),
                    secret_fingerprint: self.fingerprint.to_string(),
                }),
            }],
        }
    }
}

impl Together {
    fn cluster(&self) -> &Cluster {
        &self.control.cluster
    }

    async fn row(&self, view: &View, node: &NodeView) -> NodeRow {
        let boot = &node.node;
        let (link, refused) = if boot == self.cluster().me() {
            (LinkState::Here, None)
        } else {
            self.neighbours.of(boot)
        };
        let says = match link {
            LinkState::Here => Some(self.control.obey(Ask::Status).says),
            LinkState::Up => {
                let status = control::ask(&*self.peers, boot, Ask::Status).await;
                status.ok().map(|status| status.says)
            }
            LinkState::Answering | LinkState::Silent | LinkState::Gone => None,
        };
        let state = match node.state {
            NodeState::Up => "up",
            NodeState::Draining => "draining",
            NodeState::Dead => "dead",
        };
        let owns = |owner: &&Option<_>| matches!(owner, Some((owner, _)) if owner == boot);
        NodeRow {
            id: boot.node.clone(),
            incarnation: boot.incarnation,
            state: state.to_owned(),
            address: node.profile.address.to_string(),
            version: node.profile.version,
            load: node.profile.load,
            weight: node.profile.weight,
            beat_age_ms: node.age.as_millis() as u64,
            shards: view.owners.iter().filter(owns).count(),
            link,
            refused: refused.map(|refused| refused.in_words().to_owned()),
            says,
        }
    }
}
