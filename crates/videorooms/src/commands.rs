//! The commands that ask a running node: what they ask, how they wait, and what they print.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use anyhow::bail;
use tokio::time::{Instant, sleep};
use videorooms_admin::{Drain, NodeList};
use videorooms_domain::{NodeId, RoomId};
use videorooms_rooms::Explanation;

use crate::cli::AskArgs;
use crate::config::Sources;
use crate::explain::print_line;
use crate::operator;

pub(crate) mod asking;
mod tables;

use asking::Door;

/// How long a token lives that a command makes for itself, beside the time that it waits.
pub(crate) const TOKEN_TTL: Duration = Duration::from_secs(60);
/// Between two looks at how far a drain is.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Prints all nodes.
///
/// # Errors
/// When the node cannot be asked or refuses.
pub async fn node_list(args: AskArgs, json: bool) -> anyhow::Result<()> {
    let answer = door(args, Duration::ZERO)?.get("/admin/api/nodes").await?;
    if json {
        print_line(&answer);
        return Ok(());
    }
    let list: NodeList = serde_json::from_str(&answer)?;
    tables::nodes(&list).iter().for_each(|line| print_line(line));
    Ok(())
}

/// Has a node give its rooms away, and waits until nothing is left; with `undo` has it take rooms again, which is done at once.
///
/// # Errors
/// When the node cannot be asked or refuses, and when something is left after `within`; it goes on draining then.
pub async fn node_drain(args: AskArgs, node: NodeId, undo: bool, within: Duration) -> anyhow::Result<()> {
    let until = Instant::now() + within;
    let door = door(args, within)?;
    let path = format!("/admin/api/nodes/{node}/drain");
    let wish = serde_json::json!({ "undo": undo }).to_string();
    let mut left: Drain = serde_json::from_str(&door.post(&path, wish).await?)?;
    if undo {
        print_line(&format!("{node} takes rooms again"));
        return Ok(());
    }
    let mut shown = None;
    loop {
        let Drain { shards, rooms, .. } = left;
        if shown.replace((shards, rooms)) != Some((shards, rooms)) {
            print_line(&format!("{node}: {shards} shards and {rooms} rooms left"));
        }
        if shards == 0 && rooms == 0 {
            print_line(&format!(
                "{node} has given everything away; it keeps its sockets until it is stopped"
            ));
            return Ok(());
        }
        if Instant::now() >= until {
            bail!(
                "{node} still has {shards} shards and {rooms} rooms after {} s, and goes on; --undo has it take rooms again",
                within.as_secs()
            );
        }
        sleep(LOOK_EVERY.min(until.saturating_duration_since(Instant::now()))).await;
        left = match door.get(&path).await {
            Ok(answer) => serde_json::from_str(&answer)?,
            // It may not be reached for a moment; the deadline counts.
            Err(error) if error.is_passing() && Instant::now() < until => left,
            Err(error) => return Err(error.into()),
        };
        if !left.draining {
            bail!("somebody else has {node} take rooms again");
        }
    }
}

/// Prints why a room is where it is.
///
/// # Errors
/// When the node cannot be asked or refuses.
pub async fn room_explain(args: AskArgs, room: RoomId, json: bool) -> anyhow::Result<()> {
    let path = format!("/admin/api/rooms/{room}");
    let answer = door(args, Duration::ZERO)?.get(&path).await?;
    if json {
        print_line(&answer);
        return Ok(());
    }
    let explanation: Explanation = serde_json::from_str(&answer)?;
    tables::room(&explanation)
        .iter()
        .for_each(|line| print_line(line));
    Ok(())
}

/// The way in: the address and token that were given, else the configuration's.
fn door(args: AskArgs, waits: Duration) -> anyhow::Result<Door> {
    let AskArgs { url, token, source } = args;
    let (url, token) = match (url, token) {
        (Some(url), Some(token)) => (url, token),
        (url, token) => {
            let config = Sources::from(source).read()?;
            let url = url.unwrap_or_else(|| format!("http://{}", reachable(config.admin.listen)));
            let made = || operator::token(&config, waits + TOKEN_TTL);
            (url, token.map_or_else(made, Ok)?)
        }
    };
    Door::at(&url, token)
}

/// Where a listener is reached from its own machine.
pub(crate) fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip @ (IpAddr::V4(_) | IpAddr::V6(_)) => ip,
    };
    SocketAddr::new(ip, listen.port())
}
