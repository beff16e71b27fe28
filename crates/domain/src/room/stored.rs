//! A room as bytes for the store: JSON `{"v": 2, "room": …}`.

use serde::{Deserialize, Serialize};

use super::Room;
use crate::FoldError;
use crate::transition::{check_version, damaged};

/// The format written by this version. Since 2 a room knows who is absent and who was removed.
const VERSION: u16 = 2;

#[derive(Serialize)]
struct Written<'a> {
    v: u16,
    room: &'a Room,
}

#[derive(Deserialize)]
struct Read {
    room: Room,
}

impl Room {
    /// The whole state, versioned.
    ///
    /// # Panics
    /// Never: a room holds nothing that JSON cannot.
    #[must_use]
    pub fn to_snapshot(&self) -> Vec<u8> {
        let written = Written {
            v: VERSION,
            room: self,
        };
        serde_json::to_vec(&written).expect("a room has string keys only and nothing that fails to serialize")
    }

    /// The state that [`Room::to_snapshot`] wrote.
    ///
    /// # Errors
    /// [`FoldError::Version`] for a newer format, [`FoldError::Damaged`].
    pub fn from_snapshot(bytes: &[u8]) -> Result<Self, FoldError> {
        check_version(bytes, VERSION)?;
        let Read { room } = serde_json::from_slice(bytes).map_err(damaged)?;
        Ok(room)
    }
}

#[cfg(test)]
mod tests {
    use crate::room::testing::{Scene, id};
    use crate::{Command, FoldError, Role, Room, Source};

    fn scene() -> Scene {
        let mut scene = Scene::with(&[(1, Role::Host), (2, Role::Participant), (3, Role::Viewer)]);
        scene.ok_as(2, Some("x"), Command::Chat { text: "a".into() });
        scene.ok(2, Command::RaiseHand);
        scene.ok(
            1,
            Command::Mute {
                participant: id(2),
                source: Source::Camera,
            },
        );
        scene
    }

    #[test]
    fn a_snapshot_reads_back_as_the_same_state() {
        let scene = scene();
        assert_eq!(Room::from_snapshot(&scene.room.to_snapshot()), Ok(scene.room));
    }

    #[test]
    fn a_newer_format_is_refused_by_its_version() {
        let newer = br#"{"v":3,"room":{"unknown":1}}"#;
        assert_eq!(
            Room::from_snapshot(newer),
            Err(FoldError::Version { found: 3, known: 2 })
        );
    }

    #[test]
    fn a_snapshot_of_version_1_is_read_as_a_room_that_nobody_is_absent_from() {
        let mut scene = scene();
        let mut old: serde_json::Value = serde_json::from_slice(&scene.room.to_snapshot()).unwrap();
        old["v"] = 1.into();
        old["room"].as_object_mut().unwrap().remove("absent").unwrap();
        assert_eq!(
            Room::from_snapshot(old.to_string().as_bytes()).as_ref(),
            Ok(&scene.room)
        );
        scene.system(Command::Expire { participant: id(2) }).unwrap();
        let absent = Room::from_snapshot(&scene.room.to_snapshot());
        assert_eq!(absent, Ok(scene.room));
    }

    #[test]
    fn a_damaged_snapshot_is_an_error() {
        let bytes = scene().room.to_snapshot();
        for cut in (0..bytes.len()).step_by(7) {
            assert!(matches!(
                Room::from_snapshot(&bytes[..cut]),
                Err(FoldError::Damaged(_))
            ));
        }
        let twice = String::from_utf8(bytes)
            .unwrap()
            .replace("0000000000002", "0000000000001");
        assert!(
            matches!(Room::from_snapshot(twice.as_bytes()), Err(FoldError::Damaged(_))),
            "a doubled member"
        );
    }
}
