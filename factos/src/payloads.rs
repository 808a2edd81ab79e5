use bytes::{Bytes, BytesMut};

/// For stores: memory in which small payloads are copied side by side into shared blocks.
///
/// One allocation and one reference count serve many events. A record that outlives the others keeps
/// its block alive: at most 64 KiB. Payloads above 4 KiB have an allocation of their own.
#[derive(Debug, Default)]
pub struct Payloads(BytesMut);

const BLOCK: usize = 64 << 10;
const SMALL: usize = 4 << 10;

impl Payloads {
    /// A copy of the payload.
    pub fn copy(&mut self, payload: &[u8]) -> Bytes {
        if payload.len() > SMALL {
            return Bytes::copy_from_slice(payload);
        }
        if self.0.capacity() < payload.len() {
            self.0 = BytesMut::with_capacity(BLOCK);
        }
        self.0.extend_from_slice(payload);
        self.0.split().freeze()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_are_equal_whatever_their_size() {
        let mut payloads = Payloads::default();
        let sizes = [0, 1, SMALL, SMALL + 1, 3 * SMALL, BLOCK, 7].into_iter().cycle().take(100);
        let originals: Vec<Vec<u8>> =
            sizes.enumerate().map(|(i, size)| vec![u8::try_from(i).unwrap(); size]).collect();
        let copies: Vec<Bytes> = originals.iter().map(|payload| payloads.copy(payload)).collect();
        assert_eq!(copies, originals);
    }
}
