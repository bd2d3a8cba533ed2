//! The threads that are traced.

use alloc::vec::Vec;

use crate::asked::Asked;

/// Bytes of a thread's name in the kernel, with a zero at the end.
const COMM: usize = 16;

/// Name of a thread, as the kernel keeps it.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Comm([u8; COMM]);

impl Comm {
    /// Cut as the kernel cuts it.
    pub fn new(name: &[u8]) -> Self {
        let mut comm = [0; COMM];
        let name = name.split(|byte| *byte == 0).next().unwrap_or_default();
        let count = name.len().min(COMM - 1);
        comm[..count].copy_from_slice(&name[..count]);
        Self(comm)
    }

    /// The name that exec gives for this path.
    pub fn of_program(path: &[u8]) -> Self {
        Self::new(path.rsplit(|byte| *byte == b'/').next().unwrap_or_default())
    }

    pub fn bytes(&self) -> &[u8] {
        self.0.split(|byte| *byte == 0).next().unwrap_or_default()
    }
}

/// A refusal: when it happened, and which record tells of it.
#[derive(Clone, Copy)]
pub struct Refusal {
    pub time: u64,
    pub record: u32,
}

/// A traced thread.
pub struct Task {
    pub pid: i32,
    /// The process that it belongs to; itself for a first thread.
    pub process: i32,
    pub comm: Comm,
    /// The call that it is in.
    pub asked: Option<Asked>,
    /// The last thing that it was refused.
    pub last: Option<Refusal>,
    /// It stopped before we heard whose child it is, and waits for that.
    pub parked: bool,
}

/// All of them, in order of their numbers.
#[derive(Default)]
pub struct Tasks(Vec<Task>);

impl Tasks {
    pub fn get(&mut self, pid: i32) -> Option<&mut Task> {
        let at = self.place(pid).ok()?;
        self.0.get_mut(at)
    }

    /// The thread of this number, new where it was not known.
    pub fn get_or_new(&mut self, pid: i32) -> &mut Task {
        let at = self.place(pid).unwrap_or_else(|at| {
            self.0.insert(at, Task::new(pid));
            at
        });
        &mut self.0[at]
    }

    pub fn contains(&self, pid: i32) -> bool {
        self.place(pid).is_ok()
    }

    pub fn remove(&mut self, pid: i32) -> Option<Task> {
        let at = self.place(pid).ok()?;
        Some(self.0.remove(at))
    }

    /// One that waits for its parent's word, and need not any more.
    pub fn unpark(&mut self) -> Option<i32> {
        let task = self.0.iter_mut().find(|task| task.parked)?;
        task.parked = false;
        Some(task.pid)
    }

    fn place(&self, pid: i32) -> Result<usize, usize> {
        self.0.binary_search_by_key(&pid, |task| task.pid)
    }
}

impl Task {
    /// A first thread, until we hear otherwise.
    pub fn new(pid: i32) -> Self {
        Self {
            pid,
            process: pid,
            comm: Comm::default(),
            asked: None,
            last: None,
            parked: false,
        }
    }

    /// Remembers the later of two refusals.
    pub fn refused(&mut self, refusal: Option<Refusal>) {
        let time = |refusal: &Option<Refusal>| refusal.map_or(0, |refusal| refusal.time);
        if time(&refusal) > time(&self.last) {
            self.last = refusal;
        }
    }
}
