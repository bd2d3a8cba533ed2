//! Frames on a byte stream: a length of four bytes, little endian, then the
//! frame in postcard's encoding.

use alloc::vec::Vec;
use core::fmt;

use crate::{Frame, GuestSpec};

/// Greatest encoded frame in bytes. Only a [`Frame::Spec`] with a very large
/// environment comes near it; it bounds what a lying peer makes us keep.
pub const BODY_MAX: usize = 1024 * 1024;

/// Bytes of the length that precedes a frame.
const HEADER: usize = 4;

/// Bytes that are no frame. The stream cannot be read any further.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameError {
    /// A length above [`BODY_MAX`], or one that the body did not use up.
    Length(usize),
    /// A body that is no frame.
    Body,
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length(length) => write!(f, "a frame with an impossible length of {length}"),
            Self::Body => f.write_str("a frame with a malformed body"),
        }
    }
}

impl core::error::Error for FrameError {}

/// Encodes one frame with its length.
///
/// # Errors
/// [`FrameError::Length`] when it is larger than [`BODY_MAX`].
pub fn encode(frame: &Frame) -> Result<Vec<u8>, FrameError> {
    let room = [0_u8; HEADER].to_vec();
    let mut bytes = postcard::to_extend(frame, room).map_err(|_| FrameError::Body)?;
    let length = bytes.len() - HEADER;
    let header = u32::try_from(length).map_err(|_| FrameError::Length(length))?;
    if length > BODY_MAX {
        return Err(FrameError::Length(length));
    }
    if let Some(place) = bytes.get_mut(..HEADER) {
        place.copy_from_slice(&header.to_le_bytes());
    }
    Ok(bytes)
}

/// Encodes a specification for [`crate::SPEC_PATH`].
///
/// # Errors
/// [`FrameError::Length`] when it is larger than [`BODY_MAX`].
pub fn encode_spec(spec: &GuestSpec) -> Result<Vec<u8>, FrameError> {
    let bytes = postcard::to_allocvec(spec).map_err(|_| FrameError::Body)?;
    if bytes.len() > BODY_MAX {
        return Err(FrameError::Length(bytes.len()));
    }
    Ok(bytes)
}

/// Decodes what [`encode_spec`] made.
///
/// # Errors
/// [`FrameError`] for anything else.
pub fn decode_spec(bytes: &[u8]) -> Result<GuestSpec, FrameError> {
    whole(postcard::take_from_bytes(bytes))
}

fn whole<T>(decoded: postcard::Result<(T, &[u8])>) -> Result<T, FrameError> {
    match decoded {
        Ok((value, [])) => Ok(value),
        Ok((_, rest)) => Err(FrameError::Length(rest.len())),
        Err(_) => Err(FrameError::Body),
    }
}

/// Finds frames in bytes that come in any portions.
#[derive(Debug, Default)]
pub struct Decoder {
    bytes: Vec<u8>,
    /// Bytes at the front that have become frames already.
    used: usize,
}

impl Decoder {
    /// An empty decoder.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds bytes in the order in which they came.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.used > 0 {
            self.bytes.drain(..self.used);
            self.used = 0;
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// The next whole frame, or `None` until more bytes come.
    ///
    /// # Errors
    /// [`FrameError`]; every later call gives the same error.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, FrameError> {
        let rest = self.bytes.get(self.used..).unwrap_or_default();
        let Some((header, rest)) = rest.split_first_chunk::<HEADER>() else {
            return Ok(None);
        };
        let length = u32::from_le_bytes(*header) as usize;
        if length > BODY_MAX {
            return Err(FrameError::Length(length));
        }
        let Some(body) = rest.get(..length) else {
            return Ok(None);
        };
        let frame = whole(postcard::take_from_bytes(body))?;
        self.used += HEADER + length;
        Ok(Some(frame))
    }
}

#[cfg(test)]
mod tests;
