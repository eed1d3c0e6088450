//! Generated content: no two blocks alike, incompressible, in one block of memory.

const BLOCK_BYTES: usize = 1024 * 1024;

/// A stream of bytes of a given length, handed out in blocks.
pub(crate) struct Pattern {
    block: Vec<u8>,
    next_index: u64,
    remaining_bytes: u64,
}

impl Pattern {
    pub(crate) fn new(size_bytes: u64) -> Self {
        // xorshift64: any seed but zero will do, and the same one makes runs comparable.
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let block = std::iter::repeat_with(|| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()
        });
        Self {
            block: block.take(BLOCK_BYTES / 8).flatten().collect(),
            next_index: 0,
            remaining_bytes: size_bytes,
        }
    }

    /// Returns the next block, the last one possibly short, or `None` at the end.
    pub(crate) fn next_block(&mut self) -> Option<&[u8]> {
        if self.remaining_bytes == 0 {
            return None;
        }
        // The number of the block in its first bytes makes it differ from all others.
        self.block[..8].copy_from_slice(&self.next_index.to_le_bytes());
        self.next_index += 1;
        let length = usize::try_from(self.remaining_bytes)
            .map_or(BLOCK_BYTES, |remaining| remaining.min(BLOCK_BYTES));
        self.remaining_bytes -= length as u64;
        Some(&self.block[..length])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_differ_and_add_up_to_the_size() {
        let mut pattern = Pattern::new(2 * BLOCK_BYTES as u64 + 5);
        let first = pattern.next_block().expect("a first block").to_vec();
        let second = pattern.next_block().expect("a second block").to_vec();
        assert_eq!((first.len(), second.len()), (BLOCK_BYTES, BLOCK_BYTES));
        assert_ne!(first, second);
        assert_eq!(pattern.next_block().map(<[u8]>::len), Some(5));
        assert_eq!(pattern.next_block(), None);
    }

    #[test]
    fn same_size_gives_same_bytes() {
        let bytes = || Pattern::new(64).next_block().map(<[u8]>::to_vec);
        assert_eq!(bytes(), bytes());
    }

    #[test]
    fn empty_file_has_no_block() {
        assert_eq!(Pattern::new(0).next_block(), None);
    }
}
