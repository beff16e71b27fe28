//! How nodes and shards stand in Redis: words with spaces between, in the order in which the scripts write them.

use std::collections::HashMap;
use std::str::FromStr;
use std::time::Duration;

use videorooms_domain::{Epoch, NodeIncarnation, ShardId};

use crate::ownership::{NodeState, NodeView, Profile, ShardRow, Table};

/// Nodes by name, as they are at `now_ms` of the server's clock. `None` for what no script of ours wrote.
pub(super) fn node_views(rows: HashMap<String, String>, now_ms: u64) -> Option<Vec<NodeView>> {
    let mut views = rows
        .iter()
        .map(|(name, row)| node_view(name, row, now_ms))
        .collect::<Option<Vec<_>>>()?;
    views.sort_unstable_by(|a, b| a.node.cmp(&b.node));
    Some(views)
}

fn node_view(name: &str, row: &str, now_ms: u64) -> Option<NodeView> {
    // The address comes last and is whatever remains.
    let mut words = row.splitn(8, ' ');
    let incarnation = next(&mut words)?;
    let state = match words.next()? {
        "up" => NodeState::Up,
        "draining" => NodeState::Draining,
        "dead" => NodeState::Dead,
        _ => return None,
    };
    let beat_ms: u64 = next(&mut words)?;
    let weight = next(&mut words)?;
    let version = next(&mut words)?;
    let load = next(&mut words)?;
    let draining = words.next()? == "1";
    let address = words.next()?.into();
    Some(NodeView {
        node: NodeIncarnation {
            node: name.parse().ok()?,
            incarnation,
        },
        profile: Profile {
            address,
            version,
            load,
            weight,
            draining,
        },
        state,
        age: Duration::from_millis(now_ms.saturating_sub(beat_ms)),
    })
}

/// All shards. `None` for what no script of ours wrote.
pub(super) fn table(rows: HashMap<String, String>) -> Option<Table> {
    rows.iter()
        .map(|(shard, row)| Some((ShardId(shard.parse().ok()?), shard_row(row)?)))
        .collect()
}

fn shard_row(row: &str) -> Option<ShardRow> {
    let mut words = row.split(' ');
    let owner = NodeIncarnation {
        node: next(&mut words)?,
        incarnation: next(&mut words)?,
    };
    let epoch = Epoch(next(&mut words)?);
    let re_asserted = match words.next() {
        Some(life) => Some((life.parse().ok()?, Epoch(next(&mut words)?))),
        None => None,
    };
    Some(ShardRow {
        owner,
        epoch,
        re_asserted,
    })
}

fn next<'a, T: FromStr>(words: &mut impl Iterator<Item = &'a str>) -> Option<T> {
    words.next()?.parse().ok()
}
