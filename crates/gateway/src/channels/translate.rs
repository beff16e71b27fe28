//! The one place where the room's language and the wire's meet: payload → command or signal, event or note → payload. Both directions stand
//! side by side, so that a change of the contract is a change of this file.

mod command;
mod event;
mod view;

pub(crate) use command::{Said, Settled, command, said};
pub(crate) use event::{Hearing, durable, note};
pub(crate) use view::{live, snapshot, source, wire_role, wire_source, wire_state};
