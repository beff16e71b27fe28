//! Answers as lines for people.

use videorooms_admin::{LinkState, NodeList, NodeRow};
use videorooms_domain::Timestamp;
use videorooms_rooms::{AtNode, Explanation, LastMove, Stays};

const HEAD: [&str; 11] = [
    "NODE", "STATE", "STANDING", "LINK", "SHARDS", "ROOMS", "LOAD", "WEIGHT", "BEAT", "BOOT", "ADDRESS",
];

/// The nodes as a table, the one that answered marked by a star.
pub(crate) fn nodes(list: &NodeList) -> Vec<String> {
    let mut rows = vec![HEAD.map(str::to_owned)];
    rows.extend(list.nodes.iter().map(|node| row(list, node)));
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let widths: [usize; HEAD.len()] = std::array::from_fn(width);
    let line = |row: &[String; HEAD.len()]| {
        let cells = row
            .iter()
            .zip(widths)
            .map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let mut lines: Vec<_> = rows.iter().map(line).collect();
    let refused = |node: &NodeRow| {
        let why = node.refused.as_ref()?;
        Some(format!("{}: not linked with: {why}", node.id))
    };
    lines.extend(list.nodes.iter().filter_map(refused));
    lines.push(format!(
        "seen by {}, {}; generation {}; shards without an owner: {}",
        list.node, list.standing, list.generation, list.unowned
    ));
    lines
}

fn row(list: &NodeList, node: &NodeRow) -> [String; HEAD.len()] {
    let NodeRow {
        id,
        incarnation,
        state,
        address,
        version: _,
        load,
        weight,
        beat_age_ms,
        shards,
        link,
        refused: _,
        says,
    } = node;
    let mark = if *id == list.node.node { "*" } else { "" };
    let unknown = || "?".to_owned();
    [
        format!("{id}{mark}"),
        state.clone(),
        says.as_ref().map_or_else(unknown, |says| says.standing.clone()),
        named(*link).to_owned(),
        shards.to_string(),
        says.as_ref().map_or_else(unknown, |says| says.rooms.to_string()),
        load.to_string(),
        weight.to_string(),
        format!("{beat_age_ms}ms"),
        incarnation.to_string(),
        address.clone(),
    ]
}

fn named(link: LinkState) -> &'static str {
    match link {
        LinkState::Here => "here",
        LinkState::Up => "up",
        LinkState::Answering => "answering",
        LinkState::Silent => "silent",
        LinkState::Gone => "gone",
    }
}

/// Why a room is where it is.
pub(crate) fn room(explanation: &Explanation) -> Vec<String> {
    let Explanation {
        room,
        shard,
        owner,
        epoch,
        since,
        home,
        scores,
        stays,
        in_memory,
        ended,
        members,
        attached,
        media_node,
        last_move,
    } = explanation;
    let mut lines = vec![
        format!("room {room}{}", if *ended { ", ended" } else { "" }),
        format!("  shard {} of owner {owner} in epoch {}", shard.0, epoch.0),
        format!(
            "  since {}",
            since.map_or_else(|| "the owner's start".to_owned(), moment)
        ),
    ];
    let home = home.as_ref().map_or("no node", |home| home.as_str());
    lines.push(format!("  belongs to {home}: {}", why(*stays)));
    lines.extend(scores.iter().map(|score| {
        let (thousands, rest) = (score.score_thousandths / 1000, score.score_thousandths % 1000);
        let takes = if score.takes_shards {
            ""
        } else {
            ", takes no rooms"
        };
        format!(
            "    {}: score {thousands}.{rest:03}, weight {}{takes}",
            score.node, score.weight
        )
    }));
    let memory = if *in_memory { "in memory" } else { "not in memory" };
    lines.push(format!("  {memory}; members: {members}"));
    lines.extend(attached.iter().map(at_node));
    let media = media_node
        .as_ref()
        .map_or_else(|| "none yet".to_owned(), ToString::to_string);
    lines.push(format!("  media: {media}"));
    lines.extend(last_move.iter().flat_map(moved));
    lines
}

fn at_node(at: &AtNode) -> String {
    let AtNode {
        node,
        members,
        sockets,
    } = at;
    format!("    at {node}: {members} members, {sockets} sockets")
}

fn why(stays: Stays) -> &'static str {
    match stays {
        Stays::Alone => "the node is alone and owns every room",
        Stays::AtHome => "it is there",
        Stays::InUse => {
            "rooms of its shard are in memory where it is, so it stays until the node is drained or dies, or they have left memory"
        }
        Stays::Idle => "nothing of its shard is in memory, so it is about to be handed there",
        Stays::NowhereToGo => "none takes rooms, so it stays",
    }
}

fn moved(moved: &LastMove) -> Vec<String> {
    let LastMove {
        from,
        noticed_at,
        judged_at,
        claimed_at,
        loaded_at,
        resubscribed_at,
    } = moved;
    let from = from
        .as_ref()
        .map_or_else(|| "nobody".to_owned(), ToString::to_string);
    let phases = [
        ("noticed", *noticed_at),
        ("judged", *judged_at),
        ("claimed", Some(*claimed_at)),
        ("loaded", *loaded_at),
        ("resubscribed", *resubscribed_at),
    ];
    let phase = |(name, at): (&str, Option<Timestamp>)| Some(format!("    {name} {}", moment(at?)));
    std::iter::once(format!("  last move, from {from}:"))
        .chain(phases.into_iter().filter_map(phase))
        .collect()
}

/// UTC, to the millisecond.
fn moment(at: Timestamp) -> String {
    let (days, of_day) = (at.0 / 86_400_000, at.0 % 86_400_000);
    let (year, month, day) = date(days);
    let (seconds, ms) = (of_day / 1000, of_day % 1000);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}.{ms:03}Z")
}

/// Year, month and day of so many days after the first of January 1970.
fn date(days: u64) -> (u64, u64, u64) {
    let is_leap =
        |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let (mut year, mut rest) = (1970, days);
    while rest >= 365 + u64::from(is_leap(year)) {
        rest -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let february = 28 + u64::from(is_leap(year));
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if rest < length {
            break;
        }
        rest -= length;
        month += 1;
    }
    (year, month, rest + 1)
}

#[cfg(test)]
mod tests {
    use videorooms_domain::NodeIncarnation;

    use super::*;

    #[test]
    fn moments_are_shown_as_dates() {
        assert_eq!(moment(Timestamp(0)), "1970-01-01 00:00:00.000Z");
        assert_eq!(moment(Timestamp(951_782_400_123)), "2000-02-29 00:00:00.123Z");
        assert_eq!(moment(Timestamp(1_764_000_000_000)), "2025-11-24 16:00:00.000Z");
        assert_eq!(moment(Timestamp(1_798_761_599_999)), "2026-12-31 23:59:59.999Z");
    }

    #[test]
    fn the_table_of_nodes_is_aligned_and_names_what_is_wrong() {
        let node = |id: &str, refused: Option<&str>| NodeRow {
            id: id.parse().unwrap(),
            incarnation: 5,
            state: "up".to_owned(),
            address: "10.0.0.1:4400".to_owned(),
            version: 1,
            load: 2,
            weight: 1,
            beat_age_ms: 20,
            shards: 512,
            link: LinkState::Silent,
            refused: refused.map(str::to_owned),
            says: None,
        };
        let list = NodeList {
            node: NodeIncarnation {
                node: "long-name".parse().unwrap(),
                incarnation: 5,
            },
            standing: "live".to_owned(),
            generation: 9,
            unowned: 0,
            nodes: vec![
                node("b", Some("the node has another secret")),
                node("long-name", None),
            ],
        };
        let lines = nodes(&list);
        assert_eq!(lines.len(), 5);
        let column = |line: &str, word: &str| line.find(word).unwrap();
        assert_eq!(column(&lines[0], "STATE"), column(&lines[1], "up"));
        assert_eq!(column(&lines[1], "up"), column(&lines[2], "up"));
        assert!(lines[2].starts_with("long-name*"));
        assert_eq!(lines[3], "b: not linked with: the node has another secret");
    }
}
