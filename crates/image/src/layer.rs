//! One layer blob as a stream of tar bytes: decompressed, counted, bounded.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;

use crate::Limits;

/// Greatest window that a zstd layer may ask for, as a power of two: 128 MiB, what the zstd tool takes too.
const ZSTD_WINDOW_LOG: u32 = 27;

/// What a layer's bytes are, by their first ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Packing {
    /// A tar.
    Plain,
    /// gzip, one member or several.
    Gzip,
    /// zstd frames.
    Zstd,
    /// Something that no image has.
    Unknown(&'static str),
}

/// Tells by magic numbers. Media types are often wrong; these are not.
pub(crate) fn packing(head: &[u8]) -> Packing {
    match head {
        [0x1f, 0x8b, ..] => Packing::Gzip,
        [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Packing::Zstd,
        [b'B', b'Z', b'h', ..] => Packing::Unknown("bzip2"),
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Packing::Unknown("xz"),
        _ => Packing::Plain,
    }
}

/// The OCI media type of a layer that is packed like this.
pub(crate) fn media_type(packing: Packing) -> &'static str {
    match packing {
        Packing::Gzip => "application/vnd.oci.image.layer.v1.tar+gzip",
        Packing::Zstd => "application/vnd.oci.image.layer.v1.tar+zstd",
        _ => "application/vnd.oci.image.layer.v1.tar",
    }
}

/// The first bytes of a file, as many as magic numbers need.
pub(crate) fn head(path: &Path) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    File::open(path)?.take(6).read_to_end(&mut head)?;
    Ok(head)
}

/// Opens a layer, decompressing where it is compressed.
///
/// # Errors
/// I/O, and `Unsupported` for a compression that images do not use.
pub(crate) fn open(path: &Path) -> io::Result<Box<dyn Read>> {
    let packing = packing(&head(path)?);
    let file = BufReader::with_capacity(1 << 17, File::open(path)?);
    Ok(match packing {
        Packing::Plain => Box::new(file),
        Packing::Gzip => Box::new(MultiGzDecoder::new(file)),
        Packing::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(file)?;
            decoder.window_log_max(ZSTD_WINDOW_LOG)?;
            Box::new(decoder)
        }
        Packing::Unknown(name) => {
            let why = format!("it is compressed with {name}, which images do not use");
            return Err(io::Error::new(io::ErrorKind::Unsupported, why));
        }
    })
}

/// A bound that was passed; travels through `io::Error` to where the layer is known.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("more than {limit} {what}")]
pub(crate) struct Exceeded {
    /// What there is too much of, with its unit.
    pub what: &'static str,
    /// The limit.
    pub limit: u64,
}

impl From<Exceeded> for io::Error {
    fn from(exceeded: Exceeded) -> Self {
        Self::other(exceeded)
    }
}

/// The bound that an error is about, if it is about one.
pub(crate) fn exceeded(error: &io::Error) -> Option<Exceeded> {
    error.get_ref()?.downcast_ref().copied()
}

/// Stops a stream that unpacks to too much.
pub(crate) struct Bounded<R> {
    inner: R,
    read: u64,
    total: Exceeded,
    ratio: Exceeded,
}

impl<R: Read> Bounded<R> {
    /// `left` is how many bytes may still be unpacked; `packed` is the blob's length.
    pub fn new(inner: R, left: u64, packed: u64, limits: &Limits) -> Self {
        let by_ratio = packed.saturating_mul(limits.ratio);
        Self {
            inner,
            read: 0,
            total: Exceeded {
                what: "unpacked bytes",
                limit: left,
            },
            ratio: Exceeded {
                what: "unpacked bytes, which so small a layer cannot honestly hold",
                limit: by_ratio.max(limits.ratio_free_bytes),
            },
        }
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.read += read as u64;
        for bound in [self.total, self.ratio] {
            if self.read > bound.limit {
                return Err(bound.into());
            }
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn every_packing_reads_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let plain = b"hello tar".to_vec();
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&plain[..5]).unwrap();
        let mut gzip = gzip.finish().unwrap();
        let mut more = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        more.write_all(&plain[5..]).unwrap();
        gzip.extend(more.finish().unwrap());
        let zstd = zstd::encode_all(&plain[..], 1).unwrap();
        for bytes in [plain.clone(), gzip, zstd] {
            let path = dir.path().join("layer");
            std::fs::write(&path, bytes).unwrap();
            let mut back = Vec::new();
            open(&path).unwrap().read_to_end(&mut back).unwrap();
            assert_eq!(back, plain);
        }
        let path = dir.path().join("layer");
        std::fs::write(&path, b"BZh9xxxx").unwrap();
        assert!(open(&path).err().unwrap().to_string().contains("bzip2"));
    }

    #[test]
    fn a_bomb_stops_at_its_bound() {
        let limits = Limits {
            ratio: 10,
            ratio_free_bytes: 100,
            ..Limits::default()
        };
        let zeros = || io::repeat(0).take(1 << 20);
        let mut sink = Vec::new();
        let error = Bounded::new(zeros(), 1 << 30, 1000, &limits)
            .read_to_end(&mut sink)
            .unwrap_err();
        assert_eq!(exceeded(&error).unwrap().limit, 10_000);
        let error = Bounded::new(zeros(), 50, 1000, &limits)
            .read_to_end(&mut sink)
            .unwrap_err();
        assert_eq!(exceeded(&error).unwrap().limit, 50);
    }
}
