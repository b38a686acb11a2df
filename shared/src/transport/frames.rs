//! Frames on a stream: bytes in pieces become whole frames, within bounds.

mod budget;
mod gate;
mod reader;
mod stream;
mod writer;

pub use budget::{BudgetPermit, ByteBudget};
pub(super) use gate::Gate;
pub use reader::{RawFrame, ReadError, frames_in};
pub use stream::FrameReader;
pub use writer::{FrameWriter, Priority, WriteError};
