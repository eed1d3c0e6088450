//! The caps, and the amount of an endless body that is read and kept.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

#[test]
fn every_cap_is_inclusive() {
    let head = "--XX\r\nContent-Disposition: form-data; name=a\r\n";
    let fill = (8 << 10) - (head.len() - "--XX\r\n".len()) - "X:\r\n\r\n".len();
    for body in [
        raw("a", "").repeat(64) + "--XX--",
        format!("{}\r\n{}--XX--", "p".repeat(1024), raw("a", "")),
        format!("{head}{}\r\n\r\n--XX--", "X:\r\n".repeat(15)),
        format!("{head}X:{}\r\n\r\n\r\n--XX--", "x".repeat(fill)),
        format!(
            "--XX{}\r\n{}--XX--{}\r\n",
            " ".repeat(64),
            &raw("a", "")[6..],
            " ".repeat(64)
        ),
    ] {
        assert!(read(&*body).is_ok(), "{body:?}: {:?}", read(&*body));
    }
    let over = format!("{head}X:{}\r\n\r\n\r\n--XX--", "x".repeat(fill + 1));
    assert_eq!(
        read(over),
        Err("part 1: header is longer than 8192 bytes".into())
    );
}

/// Returns a reader of `prefix` and up to 64 MiB of `filler`, and the number of filler bytes it took.
fn endless(prefix: String, filler: &str) -> (Multipart, Arc<AtomicUsize>) {
    let filler = Bytes::from(filler.repeat((64 << 10) / filler.len()));
    let chunks = (64 << 20) / filler.len();
    let taken = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&taken);
    let input = stream::iter(std::iter::repeat_n(filler, chunks)).map(move |chunk| {
        counter.fetch_add(chunk.len(), Ordering::Relaxed);
        Ok::<_, Infallible>(chunk)
    });
    let input = stream::iter([Ok(Bytes::from(prefix))]).chain(input);
    let multipart = Multipart::new(&boundary("XX"), input);
    (multipart, taken)
}

#[test]
fn endless_head_or_preamble_is_refused_at_its_cap() {
    let head = "--XX\r\nContent-Disposition: form-data; name=a\r\n";
    for (prefix, filler) in [
        (String::new(), "preamble"),
        (String::new(), "\r\n--X"),
        ("--XX".into(), "        "),
        ("--XX\r\n".into(), "header"),
        (head.into(), "X: header\r\n"),
        (head.into(), "X: \r"),
        (head.into(), "\r\r\r\r"),
    ] {
        let (multipart, taken) = endless(prefix.clone(), filler);
        let error = read_all(multipart).unwrap_err();
        assert!(
            matches!(error, MultipartError::TooLarge { .. }),
            "{prefix:?} {filler:?} {error}"
        );
        assert!(
            taken.load(Ordering::Relaxed) <= 64 << 10,
            "{prefix:?} {filler:?}"
        );
    }
}

#[test]
fn endless_epilogue_is_left_unread() {
    let (multipart, taken) = endless("--XX--\r\n".into(), "epilogue");
    assert!(read_all(multipart).unwrap().is_empty());
    assert!(taken.load(Ordering::Relaxed) <= 64 << 10);
}

/// However closely the content imitates a boundary, a chunk comes out as at most two pieces (the bytes
/// held back from the last chunk, and the rest), all slices of the input, and nothing is kept.
#[test]
fn near_misses_are_not_collected() {
    for (filler, chunk_bytes) in [
        ("\r\n--bounda", 64 << 10),
        ("\r\n--bounda", 7),
        ("\r", 64 << 10),
        ("\r\n", 3),
        ("\r\n-", 1),
    ] {
        let boundary = boundary("boundary");
        let mut scanner = Scanner::new(&boundary);
        scanner.feed(Bytes::from(raw("a", "").replace("XX\r\n", "boundary\r\n")));
        while scanner.next().unwrap().is_some() {}
        let input = Bytes::from(filler.repeat((256 << 10) / filler.len()));
        let mut rest = input.clone();
        let mut passed_bytes = 2; // the line break that `raw` ends in, and that was held back
        while !rest.is_empty() {
            scanner.feed(rest.split_to(chunk_bytes.min(rest.len())));
            let mut pieces = 0;
            while let Some(event) = scanner.next().unwrap() {
                let scanner::Event::Data(data) = event else {
                    panic!("{event:?}");
                };
                let from_input = input.as_ptr_range().contains(&data.as_ptr());
                assert!(from_input || data.len() < "\r\n--boundary".len());
                passed_bytes += data.len();
                pieces += 1;
            }
            assert!(pieces <= 2, "{pieces} pieces of one chunk");
        }
        let held_bytes = input.len() + 4 - passed_bytes;
        assert!(
            held_bytes < "\r\n--boundary".len() + 2,
            "{filler:?}: {held_bytes} held back"
        );
    }
}

#[test]
fn large_chunks_are_passed_on_unchanged() {
    let file = Bytes::from(vec![7; 1 << 20]);
    let mut multipart = reader(vec![open("a").into(), file.clone(), "\r\n--XX--".into()]);
    let part = now(multipart.next_part()).unwrap().unwrap();
    let chunks: Vec<_> = now(part.into_stream().collect::<Vec<_>>());
    assert_eq!(chunks.len(), 1);
    let chunk = chunks[0].as_ref().unwrap();
    assert_eq!((chunk.as_ptr(), chunk.len()), (file.as_ptr(), file.len()));
}
