//! Command lines and environments: [`Words`].

/// A list of strings, as the kernel hands it to a program.
#[derive(Clone, Copy)]
pub struct Words(*const *const u8);

impl Words {
    /// # Safety
    /// A list of strings that end with a zero byte; it ends with a null pointer. Both live for ever.
    pub unsafe fn new(list: *const *const u8) -> Self {
        Self(list)
    }

    /// The list's address, for exec.
    pub fn address(&self) -> usize {
        self.0 as usize
    }
}

impl Iterator for Words {
    type Item = &'static [u8];

    fn next(&mut self) -> Option<&'static [u8]> {
        // SAFETY: `new`'s promise: not past the null pointer, since that is not passed below.
        let word = unsafe { *self.0 };
        if word.is_null() {
            return None;
        }
        self.0 = self.0.wrapping_add(1);
        let mut length = 0;
        // SAFETY: `new`'s promise: there is a zero byte.
        while unsafe { *word.add(length) } != 0 {
            length += 1;
        }
        // SAFETY: these bytes were read just now, and nobody writes to them.
        Some(unsafe { core::slice::from_raw_parts(word, length) })
    }
}
