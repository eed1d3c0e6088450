//! One connection's bytes, with a limit on every wait, and a close that lets the client hear the
//! last answer.

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::activity::Activity;
use super::deadline::Deadline;
use super::limits::{
    HEAD_TIMEOUT, IDLE_TIMEOUT, LINGER_MAX_BYTES, LINGER_TIMEOUT, WRITE_STALL_TIMEOUT,
};

/// What every HTTP/2 connection begins with.
const HTTP2_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What a client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    Http1,
    Http2,
}

/// What reading waits for, which decides how long it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reading {
    /// A request's head: of a new connection, or one that has begun.
    Head,
    /// The first byte of the next request.
    Idle,
    /// A request is under way: its body has limits of its own.
    Busy,
    /// HTTP/2, whose connections are timed elsewhere.
    Untimed,
}

/// A connection's input and output.
///
/// Reading fails where a request's head takes longer than [`HEAD_TIMEOUT`] or none begins within
/// [`IDLE_TIMEOUT`], writing where the client takes nothing for [`WRITE_STALL_TIMEOUT`].
#[derive(Debug)]
pub(super) struct ConnectionIo<T> {
    inner: T,
    activity: Arc<Activity>,
    /// What was read to find out the protocol.
    ahead: Bytes,
    reading: Reading,
    /// How many requests there had been when the present head began.
    begun: u64,
    read_deadline: Deadline,
    write_deadline: Deadline,
    lingering: Option<Lingering>,
}

#[derive(Debug)]
struct Lingering {
    deadline: Deadline,
    room_bytes: usize,
}

impl Lingering {
    fn begin() -> Self {
        let mut deadline = Deadline::default();
        deadline.arm(LINGER_TIMEOUT);
        Self {
            deadline,
            room_bytes: LINGER_MAX_BYTES,
        }
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> ConnectionIo<T> {
    pub(super) fn new(inner: T, activity: Arc<Activity>) -> Self {
        let mut read_deadline = Deadline::default();
        read_deadline.arm(HEAD_TIMEOUT);
        Self {
            inner,
            activity,
            ahead: Bytes::new(),
            reading: Reading::Head,
            begun: 0,
            read_deadline,
            write_deadline: Deadline::default(),
            lingering: None,
        }
    }

    /// Reads as much as tells what the client speaks; it is given again by the reads that follow.
    pub(super) async fn detect_protocol(&mut self) -> io::Result<Protocol> {
        let mut seen = BytesMut::with_capacity(HTTP2_PREFACE.len());
        while seen.len() < HTTP2_PREFACE.len() && HTTP2_PREFACE.starts_with(&seen) {
            let mut piece = [0; HTTP2_PREFACE.len()];
            let mut buffer = ReadBuf::new(&mut piece[seen.len()..]);
            std::future::poll_fn(|cx| Pin::new(&mut *self).poll_read(cx, &mut buffer)).await?;
            if buffer.filled().is_empty() {
                break;
            }
            seen.extend_from_slice(buffer.filled());
        }
        let protocol = if seen == HTTP2_PREFACE {
            self.reading = Reading::Untimed;
            Protocol::Http2
        } else {
            Protocol::Http1
        };
        self.ahead = seen.freeze();
        Ok(protocol)
    }

    /// Whether a request has come and gone since the present head began.
    fn head_is_over(&self) -> bool {
        self.reading == Reading::Busy || self.begun != self.activity.begun()
    }

    /// Bytes came: where nothing was under way, they begin the head of a request.
    fn note_read(&mut self) {
        let waited_for_a_head = self.reading == Reading::Idle || self.head_is_over();
        if self.reading != Reading::Untimed && !self.activity.is_busy() && waited_for_a_head {
            self.reading = Reading::Head;
            self.begun = self.activity.begun();
            self.read_deadline.arm(HEAD_TIMEOUT);
        }
    }

    /// No bytes came: waits on, unless that has been too long.
    fn poll_read_deadline(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.reading == Reading::Untimed {
            return Poll::Pending;
        }
        if self.activity.is_busy() {
            self.reading = Reading::Busy;
            return Poll::Pending;
        }
        if self.head_is_over() {
            self.reading = Reading::Idle;
            self.begun = self.activity.begun();
            self.read_deadline.arm(IDLE_TIMEOUT);
        }
        self.read_deadline.poll(cx).map(|()| Err(timed_out()))
    }

    /// Bounds the wait for a client that takes nothing.
    fn limit_write<R>(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<R>>,
    ) -> Poll<io::Result<R>> {
        if written.is_ready() {
            self.write_deadline.disarm();
            return written;
        }
        self.write_deadline.arm_once(WRITE_STALL_TIMEOUT);
        self.write_deadline.poll(cx).map(|()| Err(timed_out()))
    }

    /// Whether the client may be sending still, so that closing now would reset the connection and
    /// take the answer from it.
    fn client_may_be_sending(&self) -> bool {
        let head_was_refused = self.reading == Reading::Head && !self.head_is_over();
        self.activity.has_left_unread() || head_was_refused
    }

    /// Reads and forgets what still comes.
    fn poll_linger(&mut self, cx: &mut Context<'_>, lingering: &mut Lingering) -> Poll<()> {
        while lingering.deadline.poll(cx).is_pending() {
            let mut piece = [MaybeUninit::uninit(); 16 << 10];
            let mut buffer = ReadBuf::uninit(&mut piece);
            let read = ready!(Pin::new(&mut self.inner).poll_read(cx, &mut buffer));
            let size_bytes = buffer.filled().len();
            if read.is_err() || size_bytes == 0 || lingering.room_bytes < size_bytes {
                break;
            }
            lingering.room_bytes -= size_bytes;
        }
        Poll::Ready(())
    }
}

fn timed_out() -> io::Error {
    io::ErrorKind::TimedOut.into()
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncRead for ConnectionIo<T> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.ahead.has_remaining() {
            let size_bytes = this.ahead.len().min(buffer.remaining());
            buffer.put_slice(&this.ahead.split_to(size_bytes));
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        match Pin::new(&mut this.inner).poll_read(cx, buffer) {
            Poll::Pending => this.poll_read_deadline(cx),
            read @ Poll::Ready(_) => {
                if buffer.filled().len() > before {
                    this.note_read();
                }
                read
            }
        }
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncWrite for ConnectionIo<T> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.inner).poll_write(cx, bytes);
        this.limit_write(cx, written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.inner).poll_write_vectored(cx, slices);
        this.limit_write(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let flushed = Pin::new(&mut this.inner).poll_flush(cx);
        this.limit_write(cx, flushed)
    }

    /// Ends what is sent; then, where the client may be sending still, hears it out for a while.
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.lingering.is_none() {
            let ended = Pin::new(&mut this.inner).poll_shutdown(cx);
            ready!(this.limit_write(cx, ended))?;
            if !this.client_may_be_sending() {
                return Poll::Ready(Ok(()));
            }
        }
        let mut lingering = this.lingering.take().unwrap_or_else(Lingering::begin);
        let lingered = this.poll_linger(cx, &mut lingering);
        this.lingering = Some(lingering);
        lingered.map(Ok)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
    use tokio::time::{Instant, sleep};

    use super::*;

    fn pair(buffer_bytes: usize) -> (DuplexStream, ConnectionIo<DuplexStream>, Arc<Activity>) {
        let (client, server) = duplex(buffer_bytes);
        let activity = Activity::new();
        (
            client,
            ConnectionIo::new(server, activity.clone()),
            activity,
        )
    }

    fn is_timeout<R: std::fmt::Debug>(result: io::Result<R>) -> bool {
        result.unwrap_err().kind() == io::ErrorKind::TimedOut
    }

    #[tokio::test(start_paused = true)]
    async fn both_protocols_are_told_apart_and_nothing_is_lost() {
        for (sent, protocol) in [
            ("GET / HTTP/1.1\r\n\r\n", Protocol::Http1),
            ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nmore", Protocol::Http2),
            ("PRI * HTTP/2.0\r\n\r\nSM", Protocol::Http1),
            ("P", Protocol::Http1),
            ("", Protocol::Http1),
        ] {
            let (mut client, mut io, _) = pair(1024);
            tokio::spawn(async move {
                for byte in sent.bytes() {
                    client.write_u8(byte).await.unwrap();
                    sleep(Duration::from_millis(1)).await;
                }
            });
            assert_eq!(io.detect_protocol().await.unwrap(), protocol, "{sent}");
            let mut read = String::new();
            io.read_to_string(&mut read).await.unwrap();
            assert_eq!(read, sent);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_that_trickles_is_cut_in_time() {
        let (mut client, mut io, _) = pair(1024);
        let started = Instant::now();
        let trickling = tokio::spawn(async move {
            while client.write_u8(b'G').await.is_ok() {
                sleep(Duration::from_secs(1)).await;
            }
        });
        assert_eq!(io.detect_protocol().await.unwrap(), Protocol::Http1);
        let mut head = Vec::new();
        assert!(is_timeout(io.read_to_end(&mut head).await));
        assert_eq!(started.elapsed(), HEAD_TIMEOUT);
        drop(io);
        trickling.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_connection_is_cut_before_any_protocol_shows() {
        let (_client, mut io, _) = pair(1024);
        assert!(is_timeout(io.detect_protocol().await));
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_connection_stays_longer_and_a_busy_one_as_long_as_it_likes() {
        let (mut client, mut io, activity) = pair(1024);
        client.write_all(b"GET").await.unwrap();
        io.detect_protocol().await.unwrap();
        io.read_u8().await.unwrap();
        io.read_u16().await.unwrap();
        let request = activity.begin();
        let waiting = tokio::time::timeout(Duration::from_hours(1), io.read_u8()).await;
        assert!(waiting.is_err(), "a busy connection is not cut");
        drop(request);
        let started = Instant::now();
        sleep(Duration::from_secs(1)).await;
        assert!(is_timeout(io.read_u8().await));
        assert_eq!(started.elapsed(), IDLE_TIMEOUT + Duration::from_secs(1));
    }

    #[tokio::test(start_paused = true)]
    async fn the_next_head_has_its_own_time() {
        let (mut client, mut io, activity) = pair(1024);
        client.write_all(b"G").await.unwrap();
        io.detect_protocol().await.unwrap();
        io.read_u8().await.unwrap();
        // Served so fast that no read ever found it under way.
        drop(activity.begin());
        sleep(Duration::from_secs(50)).await;
        client.write_all(b"G").await.unwrap();
        io.read_u8().await.unwrap();
        let started = Instant::now();
        assert!(is_timeout(io.read_u8().await));
        assert_eq!(started.elapsed(), HEAD_TIMEOUT);
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_nothing_is_cut() {
        let (_client, mut io, _) = pair(16);
        let started = Instant::now();
        assert!(is_timeout(io.write_all(&[0; 64]).await));
        assert_eq!(started.elapsed(), WRITE_STALL_TIMEOUT);
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_little_is_not_cut() {
        let (mut client, mut io, _) = pair(1);
        let taking = tokio::spawn(async move {
            for _ in 0..20 {
                sleep(Duration::from_secs(50)).await;
                client.read_u8().await.unwrap();
            }
        });
        io.write_all(&[0; 20]).await.unwrap();
        taking.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_was_sending_is_heard_out_and_reads_the_answer() {
        let (mut client, mut io, activity) = pair(1024);
        activity.note_left_unread();
        let sending = tokio::spawn(async move {
            // More than fits: without the lingering this would fail before it is all sent.
            client.write_all(&vec![0; 100_000]).await.unwrap();
            client.shutdown().await.unwrap();
            let mut answer = String::new();
            client.read_to_string(&mut answer).await.unwrap();
            answer
        });
        io.write_all(b"413").await.unwrap();
        io.shutdown().await.unwrap();
        drop(io);
        assert_eq!(sending.await.unwrap(), "413");
    }

    #[tokio::test(start_paused = true)]
    async fn lingering_ends_by_time_and_is_left_out_where_nothing_is_unread() {
        let (client, mut io, activity) = pair(1024);
        drop(activity.begin());
        let started = Instant::now();
        io.shutdown().await.unwrap();
        assert_eq!(started.elapsed(), Duration::ZERO);
        drop(client);

        let (_client, mut io, activity) = pair(1024);
        activity.note_left_unread();
        io.shutdown().await.unwrap();
        assert_eq!(started.elapsed(), LINGER_TIMEOUT);
    }

    #[tokio::test]
    async fn lingering_ends_by_size() {
        let (mut client, mut io, activity) = pair(1 << 20);
        activity.note_left_unread();
        let flooding = tokio::spawn(async move {
            let mut sent = 0;
            while client.write_all(&vec![0; 1 << 16]).await.is_ok() {
                sent += 1 << 16;
            }
            sent
        });
        io.shutdown().await.unwrap();
        drop(io);
        assert!(flooding.await.unwrap() <= LINGER_MAX_BYTES + (2 << 20));
    }
}
