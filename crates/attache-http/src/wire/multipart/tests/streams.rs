//! The reader of a body beside the readers of its parts, and failures of the input.

use crate::wire::multipart::error::Place;
use std::pin::pin;
use std::task::Waker;

use super::*;

#[test]
fn unread_parts_are_passed_over() {
    let body = raw("a", "1") + &raw("b", "2") + &raw("c", "3") + "--XX--";
    let mut multipart = whole(body);
    drop(now(multipart.next_part()).unwrap());
    let kept = now(multipart.next_part()).unwrap().unwrap();
    let third = now(multipart.next_part()).unwrap().unwrap();
    assert_eq!((third.name(), third.number()), ("c", 3));
    let mut kept = kept.into_stream();
    let error = now(kept.next()).unwrap().unwrap_err();
    assert!(matches!(error, MultipartError::PassedOver { number: 2 }));
    assert!(now(kept.next()).is_none());
    assert_eq!(now(third.text()).unwrap(), "3");
    assert!(now(multipart.next_part()).unwrap().is_none());
}

#[test]
fn part_stream_may_outlive_its_reader() {
    fn is_static_and_send<T: Send + 'static>(value: T) -> T {
        value
    }
    let mut multipart = is_static_and_send(whole(raw("a", "1") + "--XX--"));
    let part = now(multipart.next_part()).unwrap().unwrap();
    drop(multipart);
    let mut stream = is_static_and_send(part.into_stream());
    assert_eq!(now(stream.next()).unwrap().unwrap(), "1");
    assert!(now(stream.next()).is_none());
}

#[test]
fn input_failure_reaches_every_reader() {
    #[derive(Debug, thiserror::Error)]
    #[error("the client went away")]
    struct Gone;

    for (body, place) in [
        ("x".to_owned(), Place::Preamble),
        (raw("a", "1"), Place::Part(1)),
        (raw("a", "1") + "--XX--", Place::End),
        (raw("a", "1") + "--XX--\r\nbye", Place::End),
    ] {
        let input = stream::iter([Ok(Bytes::from(body.clone())), Err(Gone)]);
        let mut multipart = Multipart::new(&boundary("XX"), input);
        let first = now(multipart.next_part());
        let mut error = first.as_ref().err().cloned();
        if let Ok(Some(part)) = first {
            for chunk in now(part.into_stream().collect::<Vec<_>>()) {
                error = error.or(chunk.err());
            }
            // The last part is complete; only the text after it fails.
            assert_eq!(error.is_some(), place != Place::End, "{body:?}");
        }
        for _ in 0..2 {
            let again = now(multipart.next_part()).unwrap_err();
            let MultipartError::Body {
                place: found,
                source,
            } = again
            else {
                panic!("{again}");
            };
            assert_eq!(found, place, "{body:?}");
            assert!(source.is::<Gone>());
        }
    }
}

#[test]
fn text_is_capped_and_must_be_utf8() {
    let text = |content: &[u8]| {
        let body = [open("a").as_bytes(), content, b"\r\n--XX--"].concat();
        let mut multipart = whole(body);
        let part = now(multipart.next_part()).unwrap().unwrap();
        now(part.text()).map_err(|error| error.to_string())
    };
    assert_eq!(text("naïve".as_bytes()), Ok("naïve".to_owned()));
    assert_eq!(text(b""), Ok(String::new()));
    assert_eq!(
        text(b"\xff"),
        Err("part 1: text is not UTF-8; declare its charset".into())
    );
    let longest = vec![b'x'; 16 << 10];
    assert!(text(&longest).is_ok());
    let longer = vec![b'x'; (16 << 10) + 1];
    let expected = Err("part 1: text is longer than 16384 bytes".to_owned());
    assert_eq!(text(&longer), expected);
}

/// The stream waits in one task while the reader continues in another. The stream must be woken to
/// learn that it has been passed over, and a reader dropped while waiting must lose nothing.
#[tokio::test]
async fn waiting_readers_are_woken_and_cancel_safe() {
    let (sender, receiver) = tokio::sync::mpsc::unbounded_channel::<Result<Bytes, Infallible>>();
    let input = stream::unfold(receiver, |mut receiver| async move {
        let chunk = receiver.recv().await?;
        Some((chunk, receiver))
    });
    let mut multipart = Multipart::new(&boundary("XX"), input);
    sender.send(Ok(Bytes::from(raw("a", "1")))).unwrap();
    let mut stream = multipart.next_part().await.unwrap().unwrap().into_stream();
    assert_eq!(stream.next().await.unwrap().unwrap(), "1");
    let waiting = tokio::spawn(async move { stream.next().await });
    tokio::task::yield_now().await;

    // Dropped after it has begun to pass over the part.
    let mut context = std::task::Context::from_waker(Waker::noop());
    assert!(
        pin!(multipart.next_part())
            .poll_unpin(&mut context)
            .is_pending()
    );
    for _ in 0..8 {
        tokio::task::yield_now().await;
    }
    assert!(waiting.is_finished(), "the stream was not woken");
    let passed_over = waiting.await.unwrap().unwrap().unwrap_err();
    assert!(matches!(
        passed_over,
        MultipartError::PassedOver { number: 1 }
    ));

    let second = raw("b", "2") + "--XX--";
    let (begin, end) = second.split_at(20);
    sender.send(Ok(Bytes::from(begin.to_owned()))).unwrap();
    assert!(
        pin!(multipart.next_part())
            .poll_unpin(&mut context)
            .is_pending()
    );
    sender.send(Ok(Bytes::from(end.to_owned()))).unwrap();
    drop(sender);
    let part = multipart.next_part().await.unwrap().unwrap();
    assert_eq!((part.name(), part.number()), ("b", 2));
    assert_eq!(part.text().await.unwrap(), "2");
    assert!(multipart.next_part().await.unwrap().is_none());
}
