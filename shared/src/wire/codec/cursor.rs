//! Walks over an encoded value where it lies, for the few types of which there are millions.
//!
//! `serde` asks for each byte of an id by itself. A walk takes what the codec's decoding takes, or
//! less: where it finds anything unusual it gives up, and the caller decodes.

/// What is left of an encoded value.
#[derive(Debug, Clone, Copy)]
pub(in crate::wire) struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    pub(in crate::wire) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Nothing may be left over.
    pub(in crate::wire) fn end(self) -> Option<()> {
        self.0.is_empty().then_some(())
    }

    pub(in crate::wire) fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    /// A number of at most 64 bits: itself up to 250, else the mark of a length and so many bytes.
    pub(in crate::wire) fn number(&mut self) -> Option<u64> {
        match self.byte()? {
            251 => self.array().map(|it| u16::from_le_bytes(it).into()),
            252 => self.array().map(|it| u32::from_le_bytes(it).into()),
            253 => self.array().map(u64::from_le_bytes),
            254.. => None,
            number => Some(number.into()),
        }
    }

    pub(in crate::wire) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*array)
    }

    /// Bytes with their number before them.
    pub(in crate::wire) fn bytes(&mut self, max: usize) -> Option<&'a [u8]> {
        let len = usize::try_from(self.number()?).ok()?;
        let (bytes, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        (len <= max).then_some(bytes)
    }

    pub(in crate::wire) fn text(&mut self, max: usize) -> Option<&'a str> {
        std::str::from_utf8(self.bytes(max)?).ok()
    }

    /// `read` reads what may be there or not.
    pub(in crate::wire) fn option<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Option<Option<T>> {
        match self.byte()? {
            0 => Some(None),
            1 => read(self).map(Some),
            _ => None,
        }
    }

    /// Each element of a list is read by `read`.
    pub(in crate::wire) fn list(
        &mut self,
        max: u64,
        mut read: impl FnMut(&mut Self) -> Option<()>,
    ) -> Option<()> {
        let len = self.number()?;
        (len <= max).then_some(())?;
        (0..len).try_for_each(|_| read(self))
    }
}
