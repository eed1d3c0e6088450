//! Reads blobs: from the page cache on the async thread, from the disk on a blocking one.

use std::io::IoSliceMut;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use rustix::fs::FileType;
use rustix::io::{Errno, ReadWriteFlags};

use super::blocking::blocking;
use super::error::LocalError;
use super::segments::{self, SlotPlace};
use super::shared::Shared;
use crate::{BlobError, BlobKey, BlobMeta, BlobReader, ByteRange, ByteStream};

/// The bytes that are read at once. A download that its client does not take holds a frame.
const FRAME_BYTES: u64 = 64 * 1024;

/// Opens a blob, or a range of it, for reading.
pub(super) async fn get(
    shared: &Arc<Shared>,
    key: &BlobKey,
    range: Option<ByteRange>,
) -> Result<BlobReader, BlobError> {
    let opened = match SlotPlace::of_key(key.as_str()) {
        Some(place) => read_whole(shared, key, place)
            .await
            .and_then(|bytes| reader_of_slot(bytes, range)),
        None => open(shared, key)
            .await
            .and_then(|blob| reader(shared, key, blob, range)),
    };
    opened.map_err(|error| error.into_blob_error("get", key))
}

/// Returns the metadata of a blob.
pub(super) async fn head(shared: &Arc<Shared>, key: &BlobKey) -> Result<BlobMeta, BlobError> {
    let size_bytes = match SlotPlace::of_key(key.as_str()) {
        Some(place) => {
            let head = in_slot(shared, key, place, segments::read_head).await;
            head.map(|blob| blob.size_bytes)
        }
        None => open(shared, key).await.map(|blob| blob.size_bytes),
    };
    size_bytes
        .map(|size_bytes| BlobMeta { size_bytes })
        .map_err(|error| error.into_blob_error("head", key))
}

/// A read of a slot: of the page cache alone, or of the disk.
type SlotRead<T> = fn(BorrowedFd<'_>, u16, ReadWriteFlags) -> rustix::io::Result<T>;

/// Reads from a slot, on the async thread if the kernel has what is needed in memory.
async fn in_slot<T: Send + 'static>(
    shared: &Arc<Shared>,
    key: &BlobKey,
    place: SlotPlace<'_>,
    read: SlotRead<T>,
) -> Result<T, LocalError> {
    let path = place.segment.as_str();
    if shared.supports_cached_reads.load(Ordering::Relaxed)
        && let Ok(file) = shared.blobs.open_cached_file(path)
        && let Ok(found) = read(file.as_fd(), place.number, ReadWriteFlags::NOWAIT)
    {
        return Ok(found);
    }
    let permit = shared.places.read(key).await?;
    let (shared, path, number) = (Arc::clone(shared), path.to_owned(), place.number);
    let read = blocking(move || {
        let _place = permit;
        let file = shared.blobs.open_file(&path)?;
        read(file.as_fd(), number, ReadWriteFlags::empty())
    });
    read.await?.map_err(LocalError::system("reading a slot"))
}

/// Reads the blob in a slot, which is small, and verifies it.
async fn read_whole(
    shared: &Arc<Shared>,
    key: &BlobKey,
    place: SlotPlace<'_>,
) -> Result<Bytes, LocalError> {
    let slot = in_slot(shared, key, place, segments::read_slot).await?;
    slot.is_intact
        .then(|| Bytes::from(slot.bytes))
        .ok_or(LocalError::Damaged)
}

/// Returns a reader of a blob in memory, or of a range of it.
fn reader_of_slot(bytes: Bytes, range: Option<ByteRange>) -> Result<BlobReader, LocalError> {
    let size_bytes = bytes.len() as u64;
    let wanted = match range {
        None => bytes,
        Some(range) if range.fits(size_bytes) => {
            // It fits, and so do the numbers.
            let begin = usize::try_from(range.offset_bytes).unwrap_or(bytes.len());
            let length = usize::try_from(range.length_bytes).unwrap_or(0);
            bytes.slice(begin..begin + length)
        }
        Some(_) => return Err(LocalError::InvalidRange { size_bytes }),
    };
    let frame = (!wanted.is_empty()).then_some(Ok(wanted));
    Ok(BlobReader {
        size_bytes,
        stream: stream::iter(frame).boxed(),
    })
}

/// The open file of a blob. It stays readable after the blob is deleted.
struct OpenBlob {
    file: Arc<OwnedFd>,
    size_bytes: u64,
}

/// Opens a blob, on the async thread if the kernel has the names in memory.
async fn open(shared: &Arc<Shared>, key: &BlobKey) -> Result<OpenBlob, LocalError> {
    let file = if let Ok(file) = shared.blobs.open_cached_file(key.as_str()) {
        file
    } else {
        let place = shared.places.read(key).await?;
        let (shared, key) = (Arc::clone(shared), key.clone());
        let opened = blocking(move || {
            let _place = place;
            shared.blobs.open_file(key.as_str())
        })
        .await?;
        opened.map_err(LocalError::system("opening the blob"))?
    };
    let stat =
        rustix::fs::fstat(&file).map_err(LocalError::system("reading the blob's metadata"))?;
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => Ok(OpenBlob {
            file: Arc::new(file),
            size_bytes: u64::try_from(stat.st_size).unwrap_or(0),
        }),
        // The first segments of keys are directories, not blobs.
        FileType::Directory => Err(LocalError::system("opening the blob")(Errno::NOENT)),
        _ => Err(LocalError::NotAFile),
    }
}

/// Returns a reader of an open blob, or of a range of it.
fn reader(
    shared: &Arc<Shared>,
    key: &BlobKey,
    blob: OpenBlob,
    range: Option<ByteRange>,
) -> Result<BlobReader, LocalError> {
    let size_bytes = blob.size_bytes;
    let range = range.unwrap_or(ByteRange {
        offset_bytes: 0,
        length_bytes: size_bytes,
    });
    if !range.fits(size_bytes) {
        return Err(LocalError::InvalidRange { size_bytes });
    }
    let frames = Frames {
        shared: Arc::clone(shared),
        key: key.clone(),
        file: blob.file,
        offset_bytes: range.offset_bytes,
        missing_bytes: range.length_bytes,
    };
    Ok(BlobReader {
        size_bytes,
        stream: frames.into_stream(),
    })
}

/// The unread rest of an open file.
struct Frames {
    shared: Arc<Shared>,
    key: BlobKey,
    file: Arc<OwnedFd>,
    offset_bytes: u64,
    missing_bytes: u64,
}

impl Frames {
    fn into_stream(self) -> ByteStream<BlobError> {
        stream::try_unfold(self, |mut frames| async move {
            match frames.next().await {
                Ok(frame) => Ok(frame.map(|frame| (frame, frames))),
                Err(error) => Err(error.into_blob_error("read", &frames.key)),
            }
        })
        .boxed()
    }

    async fn next(&mut self) -> Result<Option<Bytes>, LocalError> {
        if self.missing_bytes == 0 {
            return Ok(None);
        }
        // A file in the page cache is always ready: yield, so that its reader does not block others.
        tokio::task::coop::consume_budget().await;
        let wanted = usize::try_from(self.missing_bytes.min(FRAME_BYTES)).unwrap_or(usize::MAX);
        let frame = match self.read_cached(wanted) {
            Some(frame) => frame,
            None => self.read_blocking(wanted).await?,
        };
        if frame.is_empty() {
            return Err(LocalError::Truncated {
                missing_bytes: self.missing_bytes,
            });
        }
        self.offset_bytes += frame.len() as u64;
        self.missing_bytes -= frame.len() as u64;
        Ok(Some(frame))
    }

    /// Reads from the page cache, or returns `None` if that would wait for the disk.
    fn read_cached(&self, wanted: usize) -> Option<Bytes> {
        let is_supported = &self.shared.supports_cached_reads;
        if !is_supported.load(Ordering::Relaxed) {
            return None;
        }
        let mut frame = vec![0; wanted];
        let mut slices = [IoSliceMut::new(&mut frame)];
        let flags = ReadWriteFlags::NOWAIT;
        match rustix::io::preadv2(&self.file, &mut slices, self.offset_bytes, flags) {
            Ok(count) => {
                frame.truncate(count);
                Some(Bytes::from(frame))
            }
            // Not in memory yet. The kernel has started to read ahead.
            Err(Errno::AGAIN | Errno::INTR) => None,
            Err(errno) => {
                if matches!(errno, Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) {
                    is_supported.store(false, Ordering::Relaxed);
                }
                // Other failures are left to the blocking read to report.
                None
            }
        }
    }

    async fn read_blocking(&self, wanted: usize) -> Result<Bytes, LocalError> {
        let place = self.shared.places.read(&self.key).await?;
        let (file, offset_bytes) = (Arc::clone(&self.file), self.offset_bytes);
        let read = blocking(move || {
            let _place = place;
            let mut frame = vec![0; wanted];
            let count = rustix::io::retry_on_intr(|| {
                rustix::io::pread(&file, frame.as_mut_slice(), offset_bytes)
            })?;
            frame.truncate(count);
            Ok(Bytes::from(frame))
        });
        read.await?.map_err(LocalError::system("reading"))
    }
}
