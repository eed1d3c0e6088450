//! The blocking half of the changes of a segment: a batch of them, and one sync for all.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use bytes::Bytes;
use rustix::fs::{AtFlags, SeekFrom};
use rustix::io::Errno;

use super::super::disk::write_all_at;
use super::super::error::LocalError;
use super::super::shared::Shared;
use super::super::space_grant::SpaceGrant;
use super::super::tree::{open_segment, split_path};
use super::place::offset_of;
use super::queue::{Change, Waiting};
use super::{HEAD_BYTES, SLOT_BYTES, head};
use crate::StoredBlob;

/// Makes changes durable in order and replies to their callers.
pub(super) fn make(shared: &Arc<Shared>, path: &str, batch: Vec<Waiting>) {
    let clears_only = clears_only(&batch);
    let segment = match open(shared, path, !clears_only) {
        Ok(segment) => segment,
        // What was deleted with its segment need not be deleted again.
        Err(LocalError::System {
            errno: Errno::NOENT | Errno::NOTDIR,
            ..
        }) if clears_only => {
            return reply(batch.into_iter().map(|it| (it, Ok(()))));
        }
        Err(error) => return fail(batch, &error),
    };
    let mut is_changed = false;
    let made: Vec<_> = batch
        .into_iter()
        .map(|waiting| {
            let made = apply(shared, segment.as_fd(), &waiting);
            is_changed |= made.is_ok();
            (waiting, made)
        })
        .collect();
    // Nothing is known to be on the disk, whatever was written, unless all of this succeeds.
    let synced = if is_changed {
        sync(shared, path, segment.as_fd())
    } else {
        Ok(())
    };
    if let Err(error) = synced {
        hide(shared, segment.as_fd(), &made);
        return fail(
            made.into_iter().map(|(waiting, _)| waiting).collect(),
            &error,
        );
    }
    if made
        .iter()
        .any(|(it, _)| matches!(it.change, Change::Clear))
    {
        remove_if_empty(shared, path, segment.as_fd());
    }
    reply(made.into_iter());
}

/// Returns `true` if nothing is written: the segment need not exist.
pub(super) fn clears_only(batch: &[Waiting]) -> bool {
    batch.iter().all(|it| matches!(it.change, Change::Clear))
}

fn reply(made: impl Iterator<Item = (Waiting, Result<(), LocalError>)>) {
    for (waiting, result) in made {
        let _ = waiting.caller.send(result);
    }
}

/// Reports a failure of the whole batch.
pub(super) fn fail(batch: Vec<Waiting>, error: &LocalError) {
    reply(
        batch
            .into_iter()
            .map(|waiting| (waiting, Err(error.of_batch()))),
    );
}

/// Opens a segment for writing.
fn open(shared: &Shared, path: &str, creates: bool) -> Result<OwnedFd, LocalError> {
    shared.check_not_degraded()?;
    let (parent, name) = split_path(path);
    let failed = LocalError::system("opening a segment");
    if creates {
        let directory = shared.create_directories(parent)?;
        open_segment(directory.as_fd(), name).map_err(failed)
    } else {
        shared.blobs.open_file_to_write(path).map_err(failed)
    }
}

fn apply(shared: &Arc<Shared>, file: BorrowedFd<'_>, waiting: &Waiting) -> Result<(), LocalError> {
    let number = waiting.number;
    match &waiting.change {
        Change::Clear => clear(shared, file, number),
        Change::Write {
            offset_bytes,
            bytes,
            whole,
            fate,
        } => fate.unless_abandoned(|| write(shared, file, number, *offset_bytes, bytes, *whole)),
    }
}

/// Writes a part of a blob, and behind the last one its head.
fn write(
    shared: &Arc<Shared>,
    file: BorrowedFd<'_>,
    number: u16,
    offset_bytes: u64,
    bytes: &Bytes,
    whole: Option<StoredBlob>,
) -> Result<(), LocalError> {
    let slot = offset_of(number);
    if offset_bytes == 0 {
        refuse_taken(file, number)?;
    }
    let mut grant = SpaceGrant::none(shared);
    grant.ensure((bytes.len() + HEAD_BYTES) as u64, 0)?;
    let disk = shared.disk.as_ref();
    let failed = LocalError::system("writing");
    let begin = slot + HEAD_BYTES as u64 + offset_bytes;
    write_all_at(disk, file, bytes, begin).map_err(&failed)?;
    if let Some(blob) = whole {
        write_all_at(disk, file, &head::encode(number, blob), slot).map_err(&failed)?;
    }
    Ok(())
}

/// Keys are never reused: a slot is written once.
fn refuse_taken(file: BorrowedFd<'_>, number: u16) -> Result<(), LocalError> {
    let mut found = [0; HEAD_BYTES];
    let read = rustix::io::retry_on_intr(|| rustix::io::pread(file, &mut found, offset_of(number)));
    let count = read.map_err(LocalError::system("reading a slot"))?;
    if head::decode(number, found.get(..count).unwrap_or_default()).is_some() {
        return Err(LocalError::system("writing a slot")(Errno::EXIST));
    }
    Ok(())
}

/// Empties the slots of a batch that has failed, as far as the disk still does what it is told: what was
/// written may or may not survive.
fn hide(shared: &Shared, file: BorrowedFd<'_>, made: &[(Waiting, Result<(), LocalError>)]) {
    for (waiting, written) in made {
        if written.is_ok() {
            let _ = clear(shared, file, waiting.number);
        }
    }
}

/// Frees the space of a slot, or overwrites it where the filesystem has no holes.
fn clear(shared: &Shared, file: BorrowedFd<'_>, number: u16) -> Result<(), LocalError> {
    let slot = offset_of(number);
    let failed = LocalError::system("emptying a slot");
    match shared.disk.punch_hole(file, slot, SLOT_BYTES) {
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => {
            let size = rustix::fs::fstat(file).map_err(&failed)?.st_size;
            let size = u64::try_from(size).unwrap_or(0);
            let used = size.saturating_sub(slot).min(SLOT_BYTES);
            let zeros = vec![0; usize::try_from(used).unwrap_or(0)];
            write_all_at(shared.disk.as_ref(), file, &zeros, slot).map_err(&failed)
        }
        punched => punched.map_err(&failed),
    }
}

/// Makes the bytes of a segment durable, and its name, unless that is known to be.
fn sync(shared: &Shared, path: &str, file: BorrowedFd<'_>) -> Result<(), LocalError> {
    shared.sync_data(file)?;
    shared.sync_name(path)
}

/// Removes a segment in which nothing is left. A failure leaves an empty file. A put that comes to the same
/// segment later creates it again: all changes of a segment are made one after another.
fn remove_if_empty(shared: &Shared, path: &str, file: BorrowedFd<'_>) {
    let is_empty = rustix::fs::seek(file, SeekFrom::Data(0)) == Err(Errno::NXIO);
    if is_empty {
        let (parent, name) = split_path(path);
        let removed = shared
            .blobs
            .open_directory(parent)
            .and_then(|directory| rustix::fs::unlinkat(&directory, name, AtFlags::empty()));
        if removed.is_ok() {
            shared.forget_name(path);
        }
    }
}
