//! What every [`SfuProvider`] promises, as a suite: `tests/` runs it on each of ours, and a third party runs it on its own.
//!
//! Capabilities decide what is asked; a provider without signalling of ours is asked the five required calls only. One with it brings
//! [`Clients`], whose media the suite sends and counts. The suite makes its own rooms. It asserts, so it panics where a promise is broken.

mod client;
mod media;
mod signalling;

use std::time::Duration;

use videorooms_domain::{ParticipantId, RoomId, SourceSet};

use crate::{RoomOptions, SfuError, SfuProvider, TokenOptions};

pub use self::client::{Client, Clients};
use self::signalling::Session;

const ANNA: ParticipantId = ParticipantId(1);
const BEN: ParticipantId = ParticipantId(2);
/// No answer may take longer in a test.
const PATIENCE: Duration = Duration::from_secs(10);

/// Runs everything that the provider's capabilities call for; with signalling they call for `clients`.
///
/// # Panics
/// When the provider breaks a promise.
pub async fn suite(provider: &dyn SfuProvider, clients: Option<&dyn Clients>) {
    rooms_come_and_go(provider, RoomId(1)).await;
    tokens_need_a_room(provider, RoomId(2)).await;
    if provider.capabilities().set_publishing {
        rights_need_a_room(provider, RoomId(3)).await;
    }
    if provider.capabilities().remove_participant {
        removing_nobody_succeeds(provider, RoomId(4)).await;
    }
    assert_eq!(
        provider.signalling().is_some(),
        provider.capabilities().signalling
    );
    if let Some(signalling) = provider.signalling() {
        let session = |room| Session {
            provider,
            signalling,
            room: RoomId(room),
        };
        session(10).credentials_open_one_place_only().await;
        session(11).offers_are_answered_in_order().await;
        session(12).a_second_peer_resets_the_first().await;
        session(13).what_ended_is_unknown().await;
        session(14).removal_and_deletion_reset().await;
        session(15).a_room_has_a_limit().await;
        let clients = clients.expect("a provider with signalling of ours brings clients");
        let call = |room| media::Call::new(session(room), clients);
        call(20).everybody_gets_what_the_others_publish().await;
        call(21).a_lost_socket_comes_back_to_flowing_media().await;
        call(22).slots_are_asked_for_until_everybody_has_one().await;
        call(23).a_right_withdrawn_stops_the_packets().await;
        call(24).a_mute_stops_the_packets().await;
        call(25).who_is_removed_or_leaves_frees_its_slots().await;
        call(26).a_deleted_room_ends_every_connection().await;
    }
}

async fn rooms_come_and_go(provider: &dyn SfuProvider, room: RoomId) {
    assert_eq!(provider.get_room_info(&room).await, Err(SfuError::NoSuchRoom));
    let info = provider
        .create_room(&room, room_options(10))
        .await
        .expect("a room");
    assert_eq!((info.room_id, info.participants.len()), (room, 0));
    assert_eq!(
        provider.create_room(&room, room_options(10)).await,
        Ok(info.clone())
    );
    assert_eq!(provider.get_room_info(&room).await, Ok(info));
    assert!(provider.health_check().await.expect("health").rooms >= 1);
    provider.delete_room(&room).await.expect("deletion");
    provider.delete_room(&room).await.expect("a second deletion");
    assert_eq!(provider.get_room_info(&room).await, Err(SfuError::NoSuchRoom));
}

async fn tokens_need_a_room(provider: &dyn SfuProvider, room: RoomId) {
    let refused = provider
        .generate_token(&room, &ANNA, "Anna", token_options())
        .await;
    assert_eq!(refused, Err(SfuError::NoSuchRoom));
    provider
        .create_room(&room, room_options(10))
        .await
        .expect("a room");
    let token = provider
        .generate_token(&room, &ANNA, "Anna", token_options())
        .await
        .expect("a token");
    assert!(!token.token.is_empty());
    assert!(
        !format!("{token:?}").contains(&token.token),
        "a token is not for logs"
    );
}

async fn rights_need_a_room(provider: &dyn SfuProvider, room: RoomId) {
    let refused = provider.set_publishing(&room, &ANNA, SourceSet::ALL).await;
    assert_eq!(refused, Err(SfuError::NoSuchRoom));
    provider
        .create_room(&room, room_options(10))
        .await
        .expect("a room");
    provider
        .set_publishing(&room, &ANNA, SourceSet::NONE)
        .await
        .expect("rights of one who is not there");
}

async fn removing_nobody_succeeds(provider: &dyn SfuProvider, room: RoomId) {
    provider
        .remove_participant(&room, &ANNA)
        .await
        .expect("no room is no error");
    provider
        .create_room(&room, room_options(10))
        .await
        .expect("a room");
    provider
        .remove_participant(&room, &ANNA)
        .await
        .expect("no participant is no error");
}

fn room_options(max_participants: u32) -> RoomOptions {
    RoomOptions {
        max_participants,
        empty_timeout: Duration::from_secs(60),
    }
}

fn token_options() -> TokenOptions {
    TokenOptions {
        publish: SourceSet::ALL,
        subscribe: true,
        ttl: Duration::from_secs(600),
    }
}
