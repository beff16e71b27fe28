//! The rules of a room: no I/O, no async, no clock, no randomness. Read [`Room::apply`] first.
//!
//! A room has two halves. [`Room`] is durable: a fold of [`Record`]s, each the outcome of one [`Command`]. [`Live`] is ephemeral:
//! who is attached, what devices do, whose grace runs; it is decided on the committed [`Room`] only and dies with its process.
//!
//! ```text
//!                      ┌──────── knocks ───────┐
//!  Created ──► newcomer ──► waiting ──► admitted ──► member ──► gone ──► (token again: newcomer)
//!                 └──────────── joins ───────────────▲  │         └ banned: refused
//!                                                    │  ├ connected ⇄ reconnecting ── grace over ──► Expire ──► absent
//!                                                    └──┼──────────── by secret or token ───────────────────────┘
//!  no member for `Grace::empty`, host, operator ──► Ended: nothing follows
//! ```
//!
//! # Invariants
//! Checked after every step of `tests/model.rs`.
//!
//! * **I1** `seq` rises by one with each event and never otherwise; a record begins at `seq + 1` and is never empty.
//! * **I2** A refusal changes nothing. A command that would change nothing succeeds without a record.
//! * **I3** State is the fold of its records, also after they went through the codec; a snapshot reads back as the same state.
//! * **I4** There is at most one host. If the host goes and anyone but viewers stays, the same record names the successor. Whoever
//!   joins a room that has lost its host, and may speak, is host, unless lock or lobby keep strangers out.
//! * **I5** A viewer has no rights and no raised hand, and writes nothing.
//! * **I6** Nobody is two of: member, waiting, admitted, banned, absent.
//! * **I7** Raised hands are members', each once, in the order in which they went up.
//! * **I8** What a member is shown to send is a subset of its rights without the moderators' mutes.
//! * **I9** A participant's command of one name is done once; sent again it is answered with the first position.
//! * **I10** Members stand in order of joining, and no join takes a room beyond its limit.
//! * **I11** Everything a room keeps is bounded: see the constants in [`limits`].
//! * **I12** An ended room holds nobody, refuses every new command and is due for nothing.
//! * **I13** `Live` shows members only; each is shown connected or has a deadline by which it leaves. Whoever waits has one, too.
//! * **I14** Who timed out comes back, past lock and lobby but not past the limit, with name, rights and mutes; with its role, though as moderator
//!   if someone else is host now, until it is removed or banned, [`limits::ABSENT`] others timed out after it, or the room ends.
//! * **I15** A resume secret lets in members and the absent only. Good are the newest and the one last shown, no other.

pub mod command;
pub mod event;
mod id;
pub mod limits;
mod live;
mod rejection;
mod role;
mod room;
mod signal;
mod source;
mod transition;
mod view;

pub use command::{
    Actor, Command, EndReason, Join, PasswordHash, Request, Resume, SecretHash, Settings, SettingsPatch,
};
pub use event::{Event, LeaveReason, Record};
pub use id::{
    CommandId, Epoch, InvalidId, NodeId, NodeIncarnation, ParticipantId, Position, RoomId, SHARDS, Seq,
    ShardId, Timestamp,
};
pub use live::{Grace, Live, check_reaction};
pub use rejection::Rejection;
pub use role::Role;
pub use room::{Member, Room, participant_name};
pub use signal::{ConnectionId, ConnectionState, MediaState, Note, Signal};
pub use source::{Source, SourceSet};
pub use transition::{FoldError, Transition, decode_record, encode_record};
pub use view::{BannedView, ChatLine, LiveView, MemberView, RoomView, Snapshot, Waiting};
