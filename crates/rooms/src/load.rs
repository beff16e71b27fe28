//! Reading a room from the store: the snapshot, then the records after it.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;
use videorooms_domain::{FoldError, Position, Record, Room, RoomId, Seq, decode_record};
use videorooms_store::{RoomStore, StoredRoom};

use crate::api::{Fact, RoomsError};
use crate::pipeline::SinceSnapshot;
use crate::recent::Recent;
use crate::rooms::unavailable;

/// A room as the store has it.
pub(crate) struct Stored {
    pub(crate) room: Room,
    /// The newest events that the log still holds one by one.
    pub(crate) recent: Recent,
    pub(crate) since_snapshot: SinceSnapshot,
}

/// Reads a room.
///
/// # Errors
/// [`RoomsError::NoSuchRoom`]; [`RoomsError::Unavailable`] when the store does not answer, or answers what cannot be read (then logged as an error: a person
/// must look, and the room stays as it is).
pub(crate) async fn load(
    store: &dyn RoomStore,
    room: RoomId,
    deadline: Duration,
) -> Result<Stored, RoomsError> {
    let stored = timeout(deadline, store.load(room))
        .await
        .map_err(|_| unavailable("the store does not answer"))?;
    match stored {
        Err(error) => {
            tracing::error!(room.id = %room, %error, "room could not be read");
            Err(unavailable("the store does not answer"))
        }
        Ok(None) => Err(RoomsError::NoSuchRoom),
        Ok(Some(stored)) => rebuild(room, &stored).map_err(|error| {
            tracing::error!(room.id = %room, %error, "stored room is damaged");
            unavailable("the room's data is damaged")
        }),
    }
}

fn rebuild(id: RoomId, stored: &StoredRoom) -> Result<Stored, FoldError> {
    let snapshot = stored
        .snapshot
        .as_ref()
        .map(|(_, bytes)| Room::from_snapshot(bytes));
    let snapshot = snapshot.transpose()?;
    let mut recent = Recent::after_snapshot(snapshot.as_ref().map(Room::position));
    let mut room = snapshot.unwrap_or_else(|| Room::new(id));
    for bytes in &stored.records {
        let record = decode_record(bytes)?;
        room.fold(&record)?;
        facts(record).for_each(|fact| recent.push(fact));
    }
    let since_snapshot = SinceSnapshot {
        seq: stored.snapshot.as_ref().map_or(Seq(0), |(seq, _)| *seq),
        bytes: stored.records.iter().map(Vec::len).sum(),
    };
    Ok(Stored {
        room,
        recent,
        since_snapshot,
    })
}

fn facts(record: Record) -> impl Iterator<Item = Arc<Fact>> {
    let Record {
        epoch,
        first,
        at,
        events,
        ..
    } = record;
    events.into_iter().enumerate().map(move |(index, event)| {
        Arc::new(Fact {
            position: Position {
                epoch,
                seq: first.plus(index),
            },
            at,
            event,
        })
    })
}
