//! Follows the program and its children from stop to stop.

use alloc::vec::Vec;

use crate::asked::{Asked, CLONE, CLONE3, EXECVE, EXECVEAT, PRCTL};
use crate::child::Child;
use crate::options::Options;
use crate::output::Output;
use crate::rules::Rules;
use crate::sys::{self, Patience};
use crate::task::{Comm, Task, Tasks};
use crate::trace::{self, Door, Until};
use crate::{filter, peer, refusal, report, signals};

const SIGTRAP: u32 = 5;
/// SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU: a stop with one of these is the whole process's.
const STOPPING: [u32; 4] = [19, 20, 21, 22];
/// Set in the number of the signal at a system call.
const AT_CALL: u32 = 0x80;
const CLONE_THREAD: u64 = 0x1_0000;
const PR_SET_NAME: u64 = 15;
/// Calls that do not come back, or not with a result: rt_sigreturn, exit, exit_group.
const NO_ANSWER: [u32; 3] = [15, 60, 231];

/// Everything that is known of the program.
pub struct Follower {
    tasks: Tasks,
    output: Output,
    rules: Rules,
    main: i32,
    /// Whether the end of the last process counts, not that of the main one.
    all: bool,
    /// Whether calls that every kernel has are recorded, too.
    every: bool,
    /// Whether they pass without a stop.
    filtered: bool,
    /// Calls that the kernel has, as a path outside of its own files showed: such paths tell no more.
    granted: Vec<u32>,
    /// The main process is the program, not our own code before exec.
    started: bool,
    /// Who waits to hear of that.
    report: Option<i32>,
    /// The main process's end, as `wait(2)` told it.
    status: Option<u32>,
}

impl Follower {
    pub fn new(child: &Child, options: Options) -> Self {
        let mut tasks = Tasks::default();
        tasks.get_or_new(child.pid).comm = Comm::new(b"recorder");
        Self {
            tasks,
            output: Output::new(options.output),
            rules: options.rules,
            main: child.pid,
            all: options.all,
            every: options.every,
            filtered: child.filtered,
            granted: Vec::new(),
            started: false,
            report: options.report,
            status: None,
        }
    }

    /// Follows to the end; gives the main process's, as `wait(2)` told it.
    pub fn follow(mut self) -> u32 {
        while self.status.is_none() || self.all {
            let Ok(Some((pid, status))) = sys::wait(-1, Patience::Wait) else {
                break;
            };
            self.changed(pid, status);
        }
        // Others may have failed just before. They stay where they are: the kernel ends them with us.
        while let Ok(Some((pid, status))) = sys::wait(-1, Patience::Look) {
            self.ended(pid, status);
        }
        self.rules.report(&mut self.output);
        self.status
            .unwrap_or(u32::from(crate::child::NO_TRACE) << 8)
    }

    fn changed(&mut self, pid: i32, status: u32) {
        if self.ended(pid, status) || status & 0xff != 0x7f {
            return;
        }
        let (signal, event) = ((status >> 8) & 0xff, status >> 16);
        match event {
            0 if signal != SIGTRAP | AT_CALL => return self.go_on(pid, signal),
            trace::STOP if STOPPING.contains(&signal) => return trace::listen(pid),
            trace::STOP if !self.tasks.contains(pid) => {
                self.tasks.get_or_new(pid).parked = true;
                return;
            }
            0 | trace::SECCOMP => self.at_call(pid),
            trace::FORK | trace::VFORK | trace::CLONE => self.has_child(pid),
            trace::EXEC => self.became_program(pid),
            _ => {}
        }
        self.go_on(pid, 0);
    }

    /// To the end of the call that it is in, or to what is of interest next.
    fn go_on(&mut self, pid: i32, signal: u32) {
        let in_call = self.tasks.get(pid).is_some_and(|task| task.asked.is_some());
        let until = if self.filtered && !in_call {
            Until::Event
        } else {
            Until::Door
        };
        trace::go_on(pid, until, signal);
    }

    /// Tells a new thread whose child it is.
    fn has_child(&mut self, pid: i32) {
        let Ok(child) = trace::message(pid) else {
            return;
        };
        let parent = self.tasks.get_or_new(pid);
        let asked = parent.asked.as_ref();
        let is_thread = asked.is_some_and(|asked| clone_flags(pid, asked) & CLONE_THREAD != 0);
        let (process, comm) = (parent.process, parent.comm);
        let task = self.tasks.get_or_new(child);
        task.process = if is_thread { process } else { child };
        task.comm = comm;
        if core::mem::take(&mut task.parked) {
            self.go_on(child, 0);
        }
    }

    /// A thread that calls exec takes its process's number, and is its only one from then on.
    fn became_program(&mut self, pid: i32) {
        let former = trace::message(pid).unwrap_or(pid);
        let caller = self.tasks.remove(former);
        let task = self.tasks.get_or_new(pid);
        if let Some(caller) = caller {
            task.asked = caller.asked;
            task.refused(caller.last);
        }
        task.process = pid;
        let program = task.asked.as_ref().and_then(|asked| asked.text.as_deref());
        if let Some(program) = program {
            task.comm = Comm::of_program(program);
        }
        if !core::mem::replace(&mut self.started, true) {
            report::runs(self.report);
        }
    }

    fn at_call(&mut self, pid: i32) {
        match trace::door(pid) {
            Ok(Door::Enter(is_64, nr, args)) => {
                let ordinary = is_64 && !self.every && filter::is_ordinary(nr, &args);
                if !ordinary || self.rules.name(nr as u32) {
                    self.enters(pid, Asked::read(pid, is_64, nr, args));
                }
            }
            Ok(Door::Leave(result)) => self.leaves(pid, result),
            Ok(Door::Away) | Err(_) => {}
        }
    }

    fn enters(&mut self, pid: i32, mut asked: Asked) {
        let task = self.tasks.get_or_new(pid);
        let who = (task.comm, pid);
        if self.started {
            asked.refused = self.rules.refuse(&asked, who, &mut self.output);
            if asked.refused.is_some() && trace::skip_call(pid).is_err() {
                return;
            }
            if asked.refused.is_none() && NO_ANSWER.contains(&asked.nr) {
                self.output.record(&asked, 0, None, who);
                return;
            }
            let known = !self.every && self.granted.contains(&asked.nr);
            if known && asked.refused.is_none() && asked.tells_nothing() {
                return;
            }
        }
        task.asked = Some(asked);
    }

    fn leaves(&mut self, pid: i32, result: i64) {
        let task = self.tasks.get_or_new(pid);
        let Some(asked) = task.asked.take() else {
            return;
        };
        if let Some(errno) = asked.refused {
            trace::set_result(pid, -i64::from(errno));
        }
        let errno = refusal::errno(&asked, result);
        if !self.started {
            return;
        }
        if asked.nr == PRCTL && asked.args[0] == PR_SET_NAME && errno == 0 {
            task.comm = comm_at(pid, asked.args[1]);
        }
        if refusal::is_usual(errno) && asked.tells_nothing() && !self.granted.contains(&asked.nr) {
            self.granted.push(asked.nr);
        }
        let text = asked.recorded_text();
        let who = (task.comm, pid);
        let refusal = self.output.record(&asked, errno, text.as_deref(), who);
        if refusal::counts(&asked, errno, text.is_some()) {
            task.refused(refusal);
        }
    }

    /// Takes note of a thread's end, if this is one.
    fn ended(&mut self, pid: i32, status: u32) -> bool {
        if status & 0x7f == 0x7f {
            return false;
        }
        let mut task = self.tasks.remove(pid).unwrap_or_else(|| Task::new(pid));
        self.waited(&mut task);
        if task.process == pid {
            self.process_ended(&task, status);
        } else {
            self.tasks.get_or_new(task.process).refused(task.last);
        }
        // Its children may never hear of it.
        while let Some(orphan) = self.tasks.unpark() {
            self.go_on(orphan, 0);
        }
        true
    }

    /// A call in which a thread waited to its end was no refusal.
    fn waited(&mut self, task: &mut Task) {
        if let Some(asked) = task.asked.take().filter(|asked| asked.refused.is_none())
            && self.started
            && !matches!(asked.nr, EXECVE | EXECVEAT)
        {
            let text = asked.recorded_text();
            self.output
                .record(&asked, 0, text.as_deref(), (task.comm, task.pid));
        }
    }

    fn process_ended(&mut self, task: &Task, status: u32) {
        let main = task.pid == self.main;
        let (how, number): (&[u8], u8) = match status as u8 & 0x7f {
            0 => (b"status", (status >> 8) as u8),
            signal => (b"signal", signal),
        };
        if main || number != 0 {
            self.output.end(task, main, how, number);
        }
        if main {
            signals::forward_no_more();
            self.status = Some(status);
        }
    }
}

fn comm_at(pid: i32, address: u64) -> Comm {
    let mut name = [0; 16];
    let count = peer::read(pid, address, &mut name);
    Comm::new(&name[..count])
}

fn clone_flags(pid: i32, asked: &Asked) -> u64 {
    match asked.nr {
        CLONE => asked.args[0],
        CLONE3 => peer::word(pid, asked.args[0]).unwrap_or_default(),
        _ => 0,
    }
}
