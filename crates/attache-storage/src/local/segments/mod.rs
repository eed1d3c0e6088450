//! Segments: files that small blobs share while many are stored at once, so that one sync makes all of them
//! durable.
//!
//! A segment has slots of a fixed size, each for one blob, and its key says which: nothing else has to know.
//! A slot is written once. A deletion punches a hole, which frees the space at once; a segment without blobs
//! is removed.
//!
//! ```text
//! blobs/7/small/{segment}    ┌────────────┬────────────┬─ ─ ─
//!                            │ head, blob │ head, blob │
//!                            └────────────┴────────────┴─ ─ ─
//!                            0            64 KiB       128 KiB
//! ```

mod allocation;
mod head;
mod place;
mod put;
mod queue;
mod read;
mod work;
mod write;

pub(super) use self::allocation::Allocation;
pub(super) use self::place::{SegmentPath, SlotPlace};
pub(super) use self::put::put;
pub(super) use self::queue::{Change, Queues};
pub(super) use self::read::{read_head, read_slot, slots_in};
pub(super) use self::work::submit;

/// The size of a slot, which is mostly a hole.
const SLOT_BYTES: u64 = 64 * 1024;

/// The slots of a segment.
const SLOTS: u16 = 1024;

/// The bytes of the head of a slot.
const HEAD_BYTES: usize = 64;

/// The largest blob that a slot has room for.
pub(super) const CAPACITY_BYTES: u64 = SLOT_BYTES - HEAD_BYTES as u64;
