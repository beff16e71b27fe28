//! What a room may hold. Every number here keeps one room, its snapshot in the store or one message small, whatever its clients do.

use std::time::Duration;

/// Longest name of a participant, in characters.
pub const NAME_CHARS: usize = 64;
/// Longest name of a room, in characters.
pub const ROOM_NAME_CHARS: usize = 120;
/// Longest line of chat, in characters.
pub const CHAT_CHARS: usize = 4000;
/// Longest address prefix, in bytes; an IPv6 prefix needs 43.
pub const ADDRESS_BYTES: usize = 64;
/// Longest password hash, in bytes; an Argon2id hash in PHC form has about 100.
pub const PASSWORD_HASH_BYTES: usize = 256;
/// Highest participant limit that a room can be given.
pub const PARTICIPANT_LIMIT: u32 = 100_000;
/// Lines of chat kept.
pub const CHAT_LINES: usize = 500;
/// Bytes of chat kept, so that 500 of the longest lines do not make each snapshot of the room 8 MB.
pub const CHAT_BYTES: usize = 1024 * 1024;
/// How long chat is kept; older lines go with the next event.
pub const CHAT_AGE: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// People waiting in the lobby.
pub const WAITING: usize = 100;
/// People admitted who have not joined yet; the longest admitted is forgotten and knocks again.
pub const ADMITTED: usize = 256;
/// Members whose time ran out and who may still come back as who they were; the one longest gone is forgotten and comes as someone new.
pub const ABSENT: usize = 256;
/// People removed who are told so when they come back by resume secret; the one longest removed is forgotten.
pub const REMOVED: usize = 256;
/// Bans.
pub const BANS: usize = 1000;
/// Command ids remembered of one participant.
pub const COMMANDS_PER_PARTICIPANT: usize = 256;
/// Command ids remembered in a room; the oldest is forgotten. Only rooms with more than 32 busy members ever come near.
pub const COMMANDS: usize = 8192;
/// People who are no members and whose command ids are remembered; the one longest silent is forgotten.
pub const STRANGERS: usize = 64;
/// Sockets of one member; the oldest is forgotten, and its end then changes nothing.
pub const SOCKETS: usize = 8;
/// Longest reaction, in bytes.
pub const REACTION_BYTES: usize = 16;
/// Most application data in one signal, in bytes.
pub const DATA_BYTES: usize = 16 * 1024;
