//! Child processes that end with what they were made for: [`Children`].

use crate::call::Result;
use crate::sys;

/// As many as there can be at once.
pub const MOST: usize = 1024;

/// Children, killed when this is dropped.
pub struct Children {
    pids: [u32; MOST],
    count: usize,
}

impl Children {
    /// None yet.
    pub fn new() -> Self {
        Self {
            pids: [0; MOST],
            count: 0,
        }
    }

    /// One more, which does `work` and ends.
    pub fn start(&mut self, work: impl FnOnce()) -> Result<()> {
        match sys::fork()? {
            None => {
                work();
                sys::exit(0)
            }
            Some(pid) => self.adopt(pid),
        }
        Ok(())
    }

    /// Takes over a child that exists.
    pub fn adopt(&mut self, pid: usize) {
        self.pids[self.count] = pid as u32;
        self.count += 1;
    }
}

impl Drop for Children {
    fn drop(&mut self) {
        let pids = &self.pids[..self.count];
        pids.iter()
            .for_each(|pid| sys::kill(*pid as usize, sys::SIGKILL));
        pids.iter().for_each(|pid| sys::wait(*pid as usize));
    }
}
