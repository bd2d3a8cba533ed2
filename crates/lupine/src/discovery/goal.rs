//! What an application has to do to be called working.

use std::collections::BTreeMap;

use lupine_vm::End;

use super::check::HostCommand;
use crate::reply::Reply;

/// What an application has to do to be called working.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Goal {
    /// This command succeeds.
    Passes(HostCommand),
    /// The workload succeeds.
    Bears,
    /// Ports answer as they did before.
    Answers {
        /// How they did.
        expected: BTreeMap<u16, Reply>,
        /// Whether two runs gave the same bytes.
        exact: bool,
    },
    /// It ends with this exit status.
    Ends(u8),
    /// It runs until nothing new happens: nobody knows yet what it should do, or it has no ports.
    Settles,
    /// It shows how its ports answer.
    Tells,
}

impl Goal {
    /// The command on the host.
    pub fn command(&self) -> Option<&HostCommand> {
        match self {
            Self::Passes(command) => Some(command),
            _ => None,
        }
    }

    /// Whether somebody outside has to do something.
    pub fn is_driven(&self) -> bool {
        !matches!(self, Self::Ends(_) | Self::Settles)
    }

    /// Whether an application that runs and waits has reached it.
    pub fn is_met_by_quiet(&self) -> bool {
        *self == Self::Settles
    }

    /// What the application's end says.
    pub fn judge_end(&self, end: &End) -> Result<(), String> {
        match self {
            Self::Ends(status) if end.exit_status() == *status && is_its_own(end) => Ok(()),
            Self::Settles if is_its_own(end) => Ok(()),
            _ => Err(end.to_string()),
        }
    }

    /// For a person: what it does.
    pub fn describe(&self) -> String {
        match self {
            Self::Passes(command) => format!("`{}` succeeds", command.text()),
            Self::Answers { expected, .. } => {
                let ports = expected
                    .iter()
                    .map(|(port, reply)| format!("port {port} {reply}"));
                ports.collect::<Vec<_>>().join(", ")
            }
            Self::Bears => "its workload succeeds".into(),
            Self::Ends(status) => format!("it ends with status {status}"),
            Self::Settles => "it goes on running".into(),
            Self::Tells => "its ports answer".into(),
        }
    }
}

/// Whether the application itself ended.
pub fn is_its_own(end: &End) -> bool {
    matches!(end, End::Exited(_) | End::Killed(_))
}
