//! The I/O of one connection: limits on every wait, and a lingering close.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::activity::Activity;
use super::deadline::Deadline;
use super::limits::WRITE_STALL_TIMEOUT;
use super::linger::Linger;
use super::protocol::{self, Protocol};
use super::read_timer::ReadTimer;

/// The input and output of a connection.
///
/// Reading fails when its [`ReadTimer`] expires. Writing fails if the client reads nothing for
/// [`WRITE_STALL_TIMEOUT`].
#[derive(Debug)]
pub(super) struct ConnectionIo<T> {
    inner: T,
    activity: Arc<Activity>,
    /// Bytes that were read to detect the protocol, for the reads that follow.
    read_ahead: Bytes,
    read_timer: ReadTimer,
    write_deadline: Deadline,
    linger: Option<Linger>,
}

impl<T: AsyncRead + AsyncWrite + Unpin> ConnectionIo<T> {
    pub(super) fn new(inner: T, activity: Arc<Activity>) -> Self {
        Self {
            inner,
            activity,
            read_ahead: Bytes::new(),
            read_timer: ReadTimer::start(),
            write_deadline: Deadline::default(),
            linger: None,
        }
    }

    /// Detects the protocol of the client. Consumes no input.
    pub(super) async fn detect_protocol(&mut self) -> io::Result<Protocol> {
        let (protocol, read_ahead) = protocol::detect(self).await?;
        self.read_ahead = read_ahead;
        if protocol == Protocol::Http2 {
            self.read_timer.disable_for_http2();
        }
        Ok(protocol)
    }

    /// Limits the wait for a client that reads nothing.
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

    /// Returns `true` if the client may still be sending, after an unread body or a refused head.
    fn client_may_be_sending(&self) -> bool {
        self.activity.has_unread_body() || self.read_timer.is_in_head(&self.activity)
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
        if !this.read_ahead.is_empty() {
            let size_bytes = this.read_ahead.len().min(buffer.remaining());
            buffer.put_slice(&this.read_ahead.split_to(size_bytes));
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        let read = Pin::new(&mut this.inner).poll_read(cx, buffer);
        if read.is_pending() {
            let expired = this.read_timer.poll_expired(cx, &this.activity);
            return expired.map(|()| Err(timed_out()));
        }
        if buffer.filled().len() > before {
            this.read_timer.note_data(&this.activity);
        }
        read
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

    /// Shuts down the output. If the client may still be sending, then lingers on the input.
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.linger.is_none() {
            let shut_down = Pin::new(&mut this.inner).poll_shutdown(cx);
            ready!(this.limit_write(cx, shut_down))?;
            if !this.client_may_be_sending() {
                return Poll::Ready(Ok(()));
            }
        }
        let linger = this.linger.get_or_insert_with(Linger::start);
        linger.poll_discard(cx, &mut this.inner).map(Ok)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
    use tokio::time::{Instant, sleep};

    use super::super::limits::{HEAD_TIMEOUT, IDLE_TIMEOUT, LINGER_MAX_BYTES, LINGER_TIMEOUT};
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
    async fn protocol_is_detected_without_losing_input() {
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
    async fn trickling_head_times_out() {
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
    async fn silent_connection_times_out() {
        let (_client, mut io, _) = pair(1024);
        assert!(is_timeout(io.detect_protocol().await));
    }

    #[tokio::test(start_paused = true)]
    async fn idle_connection_times_out_and_busy_one_does_not() {
        let (mut client, mut io, activity) = pair(1024);
        client.write_all(b"GET").await.unwrap();
        io.detect_protocol().await.unwrap();
        io.read_u8().await.unwrap();
        io.read_u16().await.unwrap();
        let request = activity.start_request();
        let waiting = tokio::time::timeout(Duration::from_hours(1), io.read_u8()).await;
        assert!(waiting.is_err(), "a busy connection does not time out");
        drop(request);
        let started = Instant::now();
        sleep(Duration::from_secs(1)).await;
        assert!(is_timeout(io.read_u8().await));
        assert_eq!(started.elapsed(), IDLE_TIMEOUT + Duration::from_secs(1));
    }

    #[tokio::test(start_paused = true)]
    async fn next_head_has_its_own_timeout() {
        let (mut client, mut io, activity) = pair(1024);
        client.write_all(b"G").await.unwrap();
        io.detect_protocol().await.unwrap();
        io.read_u8().await.unwrap();
        // Served so fast that no read happens while it is in flight.
        drop(activity.start_request());
        sleep(Duration::from_secs(50)).await;
        client.write_all(b"G").await.unwrap();
        io.read_u8().await.unwrap();
        let started = Instant::now();
        assert!(is_timeout(io.read_u8().await));
        assert_eq!(started.elapsed(), HEAD_TIMEOUT);
    }

    #[tokio::test(start_paused = true)]
    async fn client_that_reads_nothing_times_out() {
        let (_client, mut io, _) = pair(16);
        let started = Instant::now();
        assert!(is_timeout(io.write_all(&[0; 64]).await));
        assert_eq!(started.elapsed(), WRITE_STALL_TIMEOUT);
    }

    #[tokio::test(start_paused = true)]
    async fn client_that_reads_slowly_does_not_time_out() {
        let (mut client, mut io, _) = pair(1);
        let reading = tokio::spawn(async move {
            for _ in 0..20 {
                sleep(Duration::from_secs(50)).await;
                client.read_u8().await.unwrap();
            }
        });
        io.write_all(&[0; 20]).await.unwrap();
        reading.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn sending_client_reads_the_response() {
        let (mut client, mut io, activity) = pair(1024);
        activity.note_unread_body();
        let sending = tokio::spawn(async move {
            // More than the buffer holds: without lingering, sending would fail.
            client.write_all(&vec![0; 100_000]).await.unwrap();
            client.shutdown().await.unwrap();
            let mut response = String::new();
            client.read_to_string(&mut response).await.unwrap();
            response
        });
        io.write_all(b"413").await.unwrap();
        io.shutdown().await.unwrap();
        drop(io);
        assert_eq!(sending.await.unwrap(), "413");
    }

    #[tokio::test(start_paused = true)]
    async fn linger_follows_unread_input_and_times_out() {
        let (client, mut io, activity) = pair(1024);
        drop(activity.start_request());
        let started = Instant::now();
        io.shutdown().await.unwrap();
        assert_eq!(started.elapsed(), Duration::ZERO);
        drop(client);

        let (_client, mut io, activity) = pair(1024);
        activity.note_unread_body();
        io.shutdown().await.unwrap();
        assert_eq!(started.elapsed(), LINGER_TIMEOUT);
    }

    #[tokio::test]
    async fn linger_is_bounded_in_size() {
        let (mut client, mut io, activity) = pair(1 << 20);
        activity.note_unread_body();
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
