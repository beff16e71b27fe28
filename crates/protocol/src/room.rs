//! Topic `room:<id>`, both directions. What a client may push is in `push`, what it hears in `event`, how it gets in in `join`, and the values
//! that these speak of in `view`.

mod event;
mod join;
mod push;
mod view;

pub use event::*;
pub use join::*;
pub use push::*;
pub use view::*;
