//! The index of rooms by shard. Data of before there was one gets it when it is opened.

use redis::RedisResult;
use redis::aio::MultiplexedConnection;

use super::schema::{Keys, room_of};
use super::scripts::Scripts;

/// Rooms that are indexed in one script.
const PAGE: usize = 1000;

/// Adds the rooms that are missing. Looks at each only if the indices are not of one size.
pub(super) async fn complete(
    connection: &mut MultiplexedConnection,
    scripts: &Scripts,
    keys: &Keys,
) -> RedisResult<()> {
    let mut sizes = redis::pipe();
    sizes.atomic().zcard(keys.rooms()).zcard(keys.rooms_by_shard());
    let (rooms, indexed): (u64, u64) = sizes.query_async(connection).await?;
    if rooms == indexed {
        return Ok(());
    }
    let mut start = "-".to_owned();
    loop {
        let page: Vec<String> = redis::cmd("ZRANGEBYLEX")
            .arg(keys.rooms())
            .arg(&start)
            .arg("+")
            .arg("LIMIT")
            .arg(0)
            .arg(PAGE)
            .query_async(connection)
            .await?;
        let Some(last) = page.last() else {
            return Ok(());
        };
        start = format!("({last}");
        let mut indexing = redis::cmd("EVALSHA");
        indexing
            .arg(&scripts.index)
            .arg(2)
            .arg(keys.rooms())
            .arg(keys.rooms_by_shard());
        for name in &page {
            // What is no room is named as damage by whoever lists it.
            if let Ok(room) = room_of(name) {
                indexing.arg(room.shard().0).arg(name);
            }
        }
        indexing.exec_async(connection).await?;
    }
}
