//! Detects whether a client speaks HTTP/1 or HTTP/2.

use std::io;

use bytes::{BufMut as _, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt as _};

/// The first bytes of every HTTP/2 connection.
const HTTP2_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The protocol of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    Http1,
    Http2,
}

/// Reads until the protocol is known. Returns it with the bytes that were read.
pub(super) async fn detect(reader: &mut (impl AsyncRead + Unpin)) -> io::Result<(Protocol, Bytes)> {
    let mut seen = BytesMut::with_capacity(HTTP2_PREFACE.len()).limit(HTTP2_PREFACE.len());
    while seen.has_remaining_mut() && HTTP2_PREFACE.starts_with(seen.get_ref()) {
        if reader.read_buf(&mut seen).await? == 0 {
            break;
        }
    }
    let seen = seen.into_inner().freeze();
    let protocol = if seen == HTTP2_PREFACE {
        Protocol::Http2
    } else {
        Protocol::Http1
    };
    Ok((protocol, seen))
}
