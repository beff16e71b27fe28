//! The ephemeral rules, spoken through one scene: a durable room, its live half and a clock.

use std::time::Duration;

use super::{Grace, Live};
use crate::room::testing::{Scene, id, join_as, node};
use crate::{
    Command, ConnectionId, ConnectionState, EndReason, Event, MediaState, NodeIncarnation, Note, Rejection,
    Request, Role, SettingsPatch, Signal, Source, SourceSet,
};

const ALL_ON: MediaState = MediaState {
    microphone: true,
    camera: true,
    screen: true,
};
const GRACE: Duration = Duration::from_secs(20);

struct Stage {
    scene: Scene,
    live: Live,
}

impl Stage {
    fn with(members: &[(u64, Role)]) -> Self {
        let scene = Scene::with(members);
        let live = Live::load(&scene.room, scene.now, &node(1), Grace::default());
        let mut stage = Self { scene, live };
        for (who, _) in members {
            assert_eq!(stage.attach(*who, *who), vec![], "it was assumed to be there");
        }
        stage
    }

    fn signal(&mut self, signal: &Signal) -> Result<Vec<Note>, Rejection> {
        self.live.apply(&self.scene.room, self.scene.now, signal)
    }

    fn attach(&mut self, who: u64, connection: u64) -> Vec<Note> {
        self.signal(&Signal::Attached {
            participant: id(who),
            connection: ConnectionId(connection),
            via: node(1),
        })
        .unwrap()
    }

    fn detach(&mut self, who: u64, connection: u64) -> Vec<Note> {
        self.signal(&Signal::Detached {
            participant: id(who),
            connection: ConnectionId(connection),
            via: node(1),
        })
        .unwrap()
    }

    fn claim(&mut self, who: u64, media: MediaState) -> Vec<Note> {
        self.signal(&Signal::Media {
            participant: id(who),
            media,
        })
        .unwrap()
    }

    fn ok(&mut self, who: u64, command: Command) -> Vec<Note> {
        let events = self.scene.ok(who, command);
        self.observe(&events)
    }

    fn observe(&mut self, events: &[Event]) -> Vec<Note> {
        let (live, scene) = (&mut self.live, &self.scene);
        events
            .iter()
            .flat_map(|event| live.observe(&scene.room, scene.now, event))
            .collect()
    }

    fn due(&mut self) -> Vec<Command> {
        let requests = self.live.due(&self.scene.room, self.scene.now);
        requests
            .into_iter()
            .map(|Request { command, .. }| command)
            .collect()
    }

    fn obey(&mut self) {
        for command in self.due() {
            let events = self.scene.system(command).unwrap();
            self.observe(&events);
        }
    }
}

fn changed(who: u64, state: ConnectionState) -> Vec<Note> {
    vec![Note::ConnectionChanged {
        participant: id(who),
        state,
    }]
}

fn expire(who: u64) -> Vec<Command> {
    vec![Command::Expire { participant: id(who) }]
}

#[test]
fn a_member_is_there_while_any_of_its_sockets_is() {
    let mut stage = Stage::with(&[(1, Role::Host)]);
    stage.attach(1, 7);
    assert_eq!(stage.live.connected(), 2);
    assert_eq!(stage.detach(1, 1), vec![]);
    assert_eq!(
        stage.detach(1, 1),
        vec![],
        "a socket that was replaced changes nothing"
    );
    assert_eq!(stage.detach(1, 7), changed(1, ConnectionState::Reconnecting));
    assert_eq!(stage.live.connected(), 0);
    assert_eq!(stage.attach(1, 8), changed(1, ConnectionState::Connected));
}

#[test]
fn who_does_not_come_back_expires_and_who_does_stays() {
    let mut stage = Stage::with(&[(1, Role::Host), (2, Role::Participant)]);
    stage.detach(1, 1);
    stage.detach(2, 2);
    assert_eq!(stage.live.next_deadline(), Some(stage.scene.now.after(GRACE)));
    stage.scene.wait(GRACE - Duration::from_millis(1));
    assert_eq!(stage.due(), vec![]);
    stage.attach(2, 3);
    stage.scene.wait(Duration::from_millis(1));
    assert_eq!(stage.due(), expire(1));
    assert_eq!(stage.due(), vec![], "it was asked for");
    assert_eq!(
        stage.live.next_deadline(),
        Some(stage.scene.now.after(Duration::from_secs(1)))
    );
    stage.scene.wait(Duration::from_secs(1));
    stage.obey();
    assert_eq!(stage.scene.roles(), [(2, Role::Host)]);
    assert_eq!(stage.live.next_deadline(), None);
}

#[test]
fn the_death_of_a_node_takes_the_sockets_of_its_earlier_boots_too() {
    let mut stage = Stage::with(&[(1, Role::Host), (2, Role::Participant)]);
    let elsewhere = NodeIncarnation {
        node: "b".parse().unwrap(),
        incarnation: 5,
    };
    let connection = ConnectionId(1);
    stage
        .signal(&Signal::Attached {
            participant: id(2),
            connection,
            via: elsewhere.clone(),
        })
        .unwrap();
    assert_eq!(
        stage.signal(&Signal::NodeDied { via: node(2) }),
        Ok(changed(1, ConnectionState::Reconnecting))
    );
    assert_eq!(stage.live.connected(), 1);
    assert_eq!(
        stage.signal(&Signal::NodeDied { via: elsewhere }),
        Ok(changed(2, ConnectionState::Reconnecting))
    );
    assert_eq!(stage.signal(&Signal::NodeDied { via: node(2) }), Ok(vec![]));
}

#[test]
fn a_newer_boot_replaces_the_sockets_of_an_older_one() {
    let mut stage = Stage::with(&[(1, Role::Host)]);
    let newer = Signal::Attached {
        participant: id(1),
        connection: ConnectionId(1),
        via: node(2),
    };
    assert_eq!(stage.signal(&newer), Ok(vec![]));
    assert_eq!(stage.live.connected(), 1);
    assert_eq!(stage.detach(1, 1), vec![], "that socket was of the older boot");
    assert_eq!(stage.live.connected(), 1);
}

#[test]
fn the_number_of_sockets_is_bounded() {
    let mut stage = Stage::with(&[(1, Role::Host)]);
    for connection in 0..100 {
        stage.attach(1, connection);
    }
    assert_eq!(stage.live.connected(), crate::limits::SOCKETS);
}

#[test]
fn after_a_restart_members_have_the_full_grace() {
    let scene = Scene::with(&[(1, Role::Host)]);
    let live = Live::load(&scene.room, scene.now, &node(2), Grace::default());
    assert_eq!(live.connection(id(1)), ConnectionState::Reconnecting);
    assert_eq!(live.next_deadline(), Some(scene.now.after(GRACE)));
}

#[test]
fn members_of_this_boot_are_there_if_they_say_so_in_time_and_those_of_other_nodes_until_denied() {
    let scene = Scene::with(&[(1, Role::Host)]);
    let elsewhere = NodeIncarnation {
        node: "b".parse().unwrap(),
        incarnation: 5,
    };
    let live = Live::load(&scene.room, scene.now, &elsewhere, Grace::default());
    assert_eq!(
        (live.connection(id(1)), live.next_deadline()),
        (ConnectionState::Connected, None)
    );
    let mut live = Live::load(&scene.room, scene.now, &node(1), Grace::default());
    assert_eq!(live.connection(id(1)), ConnectionState::Connected);
    let later = scene.now.after(GRACE);
    assert_eq!(live.due(&scene.room, later).len(), 1);
    assert_eq!(live.connection(id(1)), ConnectionState::Reconnecting);
}

#[test]
fn who_joins_and_never_attaches_leaves() {
    let mut stage = Stage::with(&[(1, Role::Host)]);
    stage.ok(2, join_as(Role::Participant, "p2"));
    assert_eq!(stage.live.connection(id(2)), ConnectionState::Connected);
    stage.scene.wait(GRACE);
    assert_eq!(stage.due(), expire(2));
}

#[test]
fn an_empty_room_ends_after_its_grace_and_asks_again_when_refused() {
    let mut stage = Stage::with(&[(1, Role::Host)]);
    stage.ok(1, Command::Leave);
    assert_eq!(stage.live.connected(), 0);
    let grace = Grace::default();
    stage.scene.wait(grace.empty);
    let reloaded = Live::load(&stage.scene.room, stage.scene.now, &node(1), grace);
    assert_eq!(
        reloaded.next_deadline(),
        Some(stage.scene.now),
        "a room read again has waited already"
    );
    let end = vec![Command::End {
        reason: EndReason::Empty,
    }];
    assert_eq!(stage.due(), end);
    assert_eq!(stage.due(), vec![]);
    stage.scene.wait(Duration::from_secs(1));
    assert_eq!(stage.due(), end);
    stage.scene.wait(Duration::from_secs(1));
    stage.obey();
    assert_eq!((stage.live.next_deadline(), stage.due()), (None, vec![]));
}

#[test]
fn a_room_where_someone_came_does_not_end() {
    let mut stage = Stage::with(&[]);
    stage.ok(1, join_as(Role::Host, "p1"));
    stage.attach(1, 1);
    assert_eq!(stage.live.next_deadline(), None);
}

fn with_lobby() -> Stage {
    let mut stage = Stage::with(&[(1, Role::Host)]);
    stage.ok(
        1,
        Command::ChangeSettings(SettingsPatch {
            lobby: Some(true),
            ..SettingsPatch::default()
        }),
    );
    stage
}

#[test]
fn the_lobby_is_not_for_ever() {
    let mut stage = with_lobby();
    for who in [2, 3] {
        stage.ok(who, join_as(Role::Participant, "someone"));
        assert_eq!(stage.attach(who, who), vec![], "nobody hears of it");
    }
    assert_eq!(stage.live.connected(), 1, "they are not inside");
    stage.ok(
        1,
        Command::DecideLobby {
            participant: id(3),
            admit: true,
        },
    );
    stage
        .scene
        .wait(Grace::default().lobby - Duration::from_millis(1));
    assert_eq!(stage.due(), vec![]);
    stage.scene.wait(Duration::from_millis(1));
    assert_eq!(stage.due(), expire(2));
    stage.scene.wait(Duration::from_secs(1));
    stage.obey();
    assert_eq!(
        (stage.scene.room.waiting().count(), stage.live.next_deadline()),
        (0, None)
    );
}

#[test]
fn a_knock_whose_sockets_ended_is_over_after_the_grace_unless_it_comes_again() {
    let mut stage = with_lobby();
    for who in [2, 3, 4] {
        stage.ok(who, join_as(Role::Participant, "someone"));
    }
    for (who, connection) in [(2, 2), (3, 3), (3, 5)] {
        stage.attach(who, connection);
    }
    for (who, connection) in [(2, 2), (3, 3)] {
        assert_eq!(stage.detach(who, connection), vec![]);
    }
    stage.scene.wait(GRACE - Duration::from_millis(1));
    assert_eq!(stage.due(), vec![]);
    stage.attach(2, 6);
    stage.scene.wait(Duration::from_millis(1));
    assert_eq!(stage.due(), expire(4), "it knocked, and no socket was ever there");
    assert_eq!(
        stage.signal(&Signal::NodeDied { via: node(1) }),
        Ok(changed(1, ConnectionState::Reconnecting))
    );
    stage.scene.wait(GRACE);
    let due: Vec<_> = [1, 2, 3, 4].into_iter().flat_map(expire).collect();
    assert_eq!(stage.due(), due);
}

#[test]
fn after_a_restart_who_knocks_has_the_grace_to_say_so() {
    let mut stage = with_lobby();
    stage.ok(2, join_as(Role::Participant, "someone"));
    stage.attach(2, 2);
    let since = stage.scene.now;
    stage.live = Live::load(&stage.scene.room, stage.scene.now, &node(1), Grace::default());
    stage.attach(1, 1);
    assert_eq!(stage.live.next_deadline(), Some(since.after(GRACE)));
    stage.attach(2, 2);
    assert_eq!(
        stage.live.next_deadline(),
        Some(since.after(Grace::default().lobby))
    );
}

#[test]
fn claims_are_masked_by_what_one_may_publish() {
    let mut stage = Stage::with(&[(1, Role::Host), (2, Role::Participant), (3, Role::Viewer)]);
    stage.ok(
        1,
        Command::Mute {
            participant: id(2),
            source: Source::Microphone,
        },
    );
    let media = MediaState {
        microphone: false,
        ..ALL_ON
    };
    assert_eq!(
        stage.claim(2, ALL_ON),
        vec![Note::MediaChanged {
            participant: id(2),
            media
        }]
    );
    assert_eq!(stage.claim(2, ALL_ON), vec![], "nothing new");
    assert_eq!(stage.claim(3, ALL_ON), vec![], "a viewer has no devices");
}

#[test]
fn a_mute_switches_off_and_lifting_it_switches_nothing_on() {
    let mut stage = Stage::with(&[(1, Role::Host), (2, Role::Participant)]);
    stage.claim(2, ALL_ON);
    let media = MediaState {
        microphone: false,
        ..ALL_ON
    };
    let muted = stage.ok(
        1,
        Command::Mute {
            participant: id(2),
            source: Source::Microphone,
        },
    );
    assert_eq!(
        muted,
        vec![Note::MediaChanged {
            participant: id(2),
            media
        }]
    );
    let lifted = stage.ok(
        2,
        Command::Unmute {
            participant: id(2),
            source: Source::Microphone,
        },
    );
    assert_eq!((lifted, stage.live.media(id(2))), (vec![], media));
    let none = Command::SetRights {
        participant: id(2),
        rights: SourceSet::NONE,
    };
    let silent = Note::MediaChanged {
        participant: id(2),
        media: MediaState::default(),
    };
    assert_eq!(stage.ok(1, none), vec![silent]);
}

#[test]
fn reactions_are_short_and_data_is_not_for_viewers() {
    let mut stage = Stage::with(&[(1, Role::Host), (2, Role::Viewer)]);
    let react = |who, emoji: &str| Signal::React {
        participant: id(who),
        emoji: emoji.into(),
    };
    let data = |who, size| Signal::Data {
        participant: id(who),
        data: "x".repeat(size).into(),
    };
    assert!(stage.signal(&react(2, "👍")).is_ok());
    for emoji in ["", "\u{0}", "01234567890123456"] {
        assert_eq!(stage.signal(&react(1, emoji)), Err(Rejection::Invalid("emoji")));
    }
    assert_eq!(stage.signal(&react(9, "👍")), Err(Rejection::NotMember));
    assert_eq!(stage.signal(&data(2, 1)), Err(Rejection::Forbidden));
    assert_eq!(
        stage.signal(&data(1, 16 * 1024 + 1)),
        Err(Rejection::Invalid("data"))
    );
    assert_eq!(stage.signal(&data(1, 16 * 1024)).map(|notes| notes.len()), Ok(1));
}

#[test]
fn strangers_and_the_dead_do_not_attach() {
    let mut stage = Stage::with(&[(1, Role::Host)]);
    let attach = |who| Signal::Attached {
        participant: id(who),
        connection: ConnectionId(1),
        via: node(1),
    };
    assert_eq!(stage.signal(&attach(2)), Err(Rejection::NotMember));
    stage.ok(
        1,
        Command::End {
            reason: EndReason::Host,
        },
    );
    assert_eq!(stage.signal(&attach(1)), Err(Rejection::Ended));
    assert_eq!(stage.detach(1, 1), vec![]);
}
