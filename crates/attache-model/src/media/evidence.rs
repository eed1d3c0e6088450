//! The evidence that is kept of a file's bytes while they pass by.

/// The maximum number of leading bytes that are examined.
const HEAD_BYTES: usize = 8 * 1024;

/// The evidence for a file's type, gathered from its bytes: the first 8 KiB, and whether all of them are
/// UTF-8.
#[derive(Debug, Clone, Default)]
pub struct TypeEvidence {
    head: Vec<u8>,
    utf8: Utf8Check,
}

impl TypeEvidence {
    /// Takes the next bytes of the file. Returns `true` for those that complete the first 8 KiB: all bytes
    /// after them can only decide the charset.
    pub fn observe(&mut self, chunk: &[u8]) -> bool {
        self.utf8.observe(chunk);
        let missing = HEAD_BYTES - self.head.len();
        self.head
            .extend_from_slice(&chunk[..chunk.len().min(missing)]);
        missing > 0 && chunk.len() >= missing
    }

    /// Returns the first bytes, and whether all bytes are UTF-8 and not all ASCII.
    pub(super) fn parts(&self) -> (&[u8], bool) {
        (&self.head, self.utf8.is_beyond_ascii())
    }
}

/// A check of chunks that together have to be UTF-8.
#[derive(Debug, Clone, Default)]
struct Utf8Check {
    /// The beginning of a character that the next chunk has to end.
    cut: Vec<u8>,
    is_broken: bool,
    has_other_than_ascii: bool,
}

impl Utf8Check {
    fn observe(&mut self, mut chunk: &[u8]) {
        while !self.is_broken && !self.cut.is_empty() {
            let Some((first, rest)) = chunk.split_first() else {
                return;
            };
            chunk = rest;
            let cut = std::mem::take(&mut self.cut);
            self.validate(&[&cut, std::slice::from_ref(first)].concat());
        }
        self.validate(chunk);
    }

    fn validate(&mut self, bytes: &[u8]) {
        if self.is_broken {
            return;
        }
        self.has_other_than_ascii = self.has_other_than_ascii || !bytes.is_ascii();
        if let Err(error) = std::str::from_utf8(bytes) {
            self.is_broken = error.error_len().is_some();
            if !self.is_broken {
                self.cut = bytes[error.valid_up_to()..].to_vec();
            }
        }
    }

    /// Returns `true` if the chunks were UTF-8, and not only ASCII, which is read right under any charset.
    fn is_beyond_ascii(&self) -> bool {
        self.has_other_than_ascii && !self.is_broken && self.cut.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::MediaType;
    use super::*;

    #[test]
    fn head_is_complete_once() {
        let mut evidence = TypeEvidence::default();
        assert!(!evidence.observe(&[b'a'; HEAD_BYTES - 1]));
        assert!(evidence.observe(b"ab"));
        assert!(!evidence.observe(b"c"));
        assert_eq!(evidence.head.len(), HEAD_BYTES);
    }

    #[test]
    fn charset_is_that_of_the_whole_file() {
        let mut evidence = TypeEvidence::default();
        evidence.observe(&[b'a'; HEAD_BYTES]);
        let plain = MediaType::parse("text/plain").unwrap();
        assert_eq!(
            evidence.decide(Some(&plain), "a.txt").as_str(),
            "text/plain"
        );
        evidence.observe(b"\xc3");
        evidence.observe(b"\xa9");
        let decided = evidence.decide(Some(&plain), "a.txt");
        assert_eq!(decided.as_str(), "text/plain; charset=utf-8");
        evidence.observe(b"\xe9");
        assert_eq!(
            evidence.decide(Some(&plain), "a.txt").as_str(),
            "text/plain"
        );
    }

    proptest! {
        #[test]
        fn chunks_are_checked_like_the_whole(
            parts in prop::collection::vec(prop_oneof![
                "[a-zé中𝄞]{0,4}".prop_map(String::into_bytes),
                prop::collection::vec(any::<u8>(), 0..2),
            ], 0..6),
            size in 1_usize..5,
        ) {
            let bytes = parts.concat();
            let mut check = Utf8Check::default();
            bytes.chunks(size).for_each(|chunk| check.observe(chunk));
            prop_assert_eq!(check.is_beyond_ascii(), std::str::from_utf8(&bytes).is_ok() && !bytes.is_ascii());
        }
    }
}
