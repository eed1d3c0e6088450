//! A blocking HTTP/1.1 client for one exchange over loopback: bodies with a `Content-Length` only.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

const TIMEOUT: Duration = Duration::from_mins(2);
const MAX_HEAD_BYTES: u64 = 64 * 1024;
const MAX_TEXT_BYTES: u64 = 1024 * 1024;

/// A connection that carries one request and its response.
pub(super) struct Connection {
    stream: BufReader<TcpStream>,
    authority: String,
}

/// What the client needs of a response's head.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) status: u16,
    pub(super) content_length: u64,
}

impl Connection {
    /// Connects to `host:port`.
    pub(super) fn open(authority: &str) -> Result<Self> {
        let stream = TcpStream::connect(authority)
            .with_context(|| format!("cannot connect to {authority}"))?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.set_write_timeout(Some(TIMEOUT))?;
        stream.set_nodelay(true)?;
        let stream = BufReader::with_capacity(256 * 1024, stream);
        Ok(Self {
            stream,
            authority: authority.to_owned(),
        })
    }

    /// Sends the request's head; `body_bytes` is the length of the body that follows.
    pub(super) fn send_head(
        &mut self,
        method: &str,
        target: &str,
        key: &str,
        body_bytes: Option<u64>,
    ) -> Result<()> {
        let length = body_bytes.map(|bytes| format!("Content-Length: {bytes}\r\n"));
        let head = format!(
            "{method} {target} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {key}\r\n\
             Connection: close\r\n{}\r\n",
            self.authority,
            length.unwrap_or_default()
        );
        Ok(self.send(head.as_bytes())?)
    }

    /// Sends a piece of the request's body.
    pub(super) fn send(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.stream.get_mut().write_all(bytes)
    }

    pub(super) fn read_head(&mut self) -> Result<Head> {
        let mut text = String::new();
        let mut limited = (&mut self.stream).take(MAX_HEAD_BYTES);
        loop {
            let start = text.len();
            let bytes = limited
                .read_line(&mut text)
                .context("cannot read the response's head")?;
            ensure!(bytes > 0, "the response ends within its head: {text:?}");
            if text[start..].trim_end().is_empty() {
                return parse_head(&text);
            }
        }
    }

    /// Hands on the whole body piece by piece.
    pub(super) fn read_body(&mut self, head: &Head, mut consume: impl FnMut(&[u8])) -> Result<()> {
        let mut remaining_bytes = head.content_length;
        while remaining_bytes > 0 {
            let buffer = self
                .stream
                .fill_buf()
                .context("cannot read the response's body")?;
            ensure!(
                !buffer.is_empty(),
                "the body ends {remaining_bytes} bytes early"
            );
            let wanted = usize::try_from(remaining_bytes).unwrap_or(usize::MAX);
            let length = buffer.len().min(wanted);
            consume(&buffer[..length]);
            self.stream.consume(length);
            remaining_bytes -= length as u64;
        }
        Ok(())
    }

    /// The whole body of a short response.
    pub(super) fn read_body_text(&mut self, head: &Head) -> Result<String> {
        ensure!(
            head.content_length <= MAX_TEXT_BYTES,
            "the answer is {} bytes",
            head.content_length
        );
        let mut body = Vec::new();
        self.read_body(head, |chunk| body.extend_from_slice(chunk))?;
        String::from_utf8(body).context("the answer is no UTF-8")
    }

    /// Whatever the server has sent, for a message.
    pub(super) fn read_text(&mut self) -> Result<String> {
        let mut text = Vec::new();
        (&mut self.stream)
            .take(MAX_TEXT_BYTES)
            .read_to_end(&mut text)?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }
}

fn parse_head(text: &str) -> Result<Head> {
    let mut lines = text.lines();
    let status_line = lines.next().unwrap_or_default();
    let status = status_line
        .strip_prefix("HTTP/1.1 ")
        .and_then(|rest| rest.split(' ').next())
        .and_then(|status| status.parse().ok())
        .with_context(|| format!("not an HTTP/1.1 status line: {status_line:?}"))?;
    let mut content_length = None;
    for line in lines.take_while(|line| !line.is_empty()) {
        let (name, value) = line
            .split_once(':')
            .with_context(|| format!("not a header: {line:?}"))?;
        if name.eq_ignore_ascii_case("content-length") {
            let length = value.trim().parse();
            content_length = Some(length.with_context(|| format!("not a length: {value:?}"))?);
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            bail!("this client reads bodies with a Content-Length only");
        }
    }
    let content_length = content_length.context("the response has no Content-Length")?;
    Ok(Head {
        status,
        content_length,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn a_head_is_read_whatever_the_case_of_its_names() {
        let text = "HTTP/1.1 201 Created\r\ncontent-type: a/b\r\ncontent-LENGTH:  12 \r\n\r\n";
        assert_eq!(
            parse_head(text).expect("a head"),
            Head {
                status: 201,
                content_length: 12
            }
        );
    }

    #[test]
    fn other_heads_are_refused() {
        for text in [
            "",
            "HTTP/2 200\r\n\r\n",
            "HTTP/1.1 abc\r\nContent-Length: 1\r\n\r\n",
            "HTTP/1.1 200 OK\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        ] {
            assert!(parse_head(text).is_err(), "{text:?}");
        }
    }

    /// Runs one exchange against a server that answers with the given bytes and closes.
    fn exchange(answer: &'static str) -> (String, Result<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let authority = listener.local_addr().expect("an address").to_string();
        let server = std::thread::spawn(move || {
            let (mut stream, _peer) = listener.accept().expect("a connection");
            let mut request = [0; 4096];
            let length = stream.read(&mut request).expect("a request");
            stream.write_all(answer.as_bytes()).expect("to answer");
            String::from_utf8_lossy(&request[..length]).into_owned()
        });
        let mut connection = Connection::open(&authority).expect("a connection");
        connection
            .send_head("GET", "/a", "secret", None)
            .expect("to send");
        let body = connection
            .read_head()
            .and_then(|head| connection.read_body_text(&head));
        (server.join().expect("the server"), body)
    }

    #[test]
    fn a_request_is_sent_and_its_answer_read() {
        let (request, body) = exchange("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
        assert!(
            request.starts_with("GET /a HTTP/1.1\r\nHost: 127.0.0.1:"),
            "{request}"
        );
        assert!(
            request.contains("\r\nAuthorization: Bearer secret\r\n"),
            "{request}"
        );
        assert!(request.ends_with("\r\n\r\n"), "{request}");
        assert_eq!(body.expect("a body"), "hello");
    }

    #[test]
    fn a_body_that_is_cut_off_is_an_error() {
        let (_request, body) = exchange("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello");
        assert!(body.is_err_and(|error| error.to_string() == "the body ends 1 bytes early"));
    }
}
