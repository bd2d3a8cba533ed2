//! What happens when a guest is refused something that its kernel lacks.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;

use lupine_needs::map::Map;
use lupine_needs::{Lookup, State, Tables, needs_of};
use lupine_vm::{End, Outcome};
use miette::Result;

use super::conclude::MISSING;
use super::{Inbox, Monitor};
use crate::application::Application;
use crate::cli::{OnMissing, ProfileChoice};
use crate::manifest::{NeedPart, Saved};
use crate::missing::{CALLS, Missing, config_of, left_out_calls, missing};
use crate::pipeline::Pipeline;
use crate::reply::Reply;
use crate::state::EndRecord;

/// Kind of the end of a guest whose ports nobody answers.
const UNANSWERED: &str = "unanswered";

/// How a guest ended, and how Lupine ended it if it did.
pub(super) type Ended = (Outcome, Option<EndRecord>);

impl Monitor<'_> {
    /// What was refused so far for want of an option, but for what is known to be dispensable.
    pub(super) fn missing(&self) -> Result<Vec<Missing>> {
        if self.refusals.lines().is_empty() {
            return Ok(Vec::new());
        }
        let config = config_of(&self.launch.kernel)?;
        let mut all = missing(&Map::builtin()?, &config, self.refusals.lines());
        let dispensable = &self.launch.dispensable;
        all.retain(|one| !one.options.iter().any(|o| dispensable.contains(o)));
        Ok(all)
    }

    /// Of what was refused, that which the general kernel would grant.
    fn mendable(&self) -> Result<Vec<Missing>> {
        Ok(granted(self.missing()?, &self.launch.general))
    }

    /// With `warn` and `fail`: tells of a refusal at once. Gives the end of the guest, if that is it.
    pub(super) fn refused(&mut self, line: String) -> Option<EndRecord> {
        self.refusals.add(line);
        if self.launch.on_missing == OnMissing::General {
            return None;
        }
        let all = self.missing().unwrap_or_default();
        let new = all
            .iter()
            .filter(|one| self.told.insert(one.feature.clone()));
        let new: Vec<Missing> = new.cloned().collect();
        for one in &new {
            self.reporter.line(&format!("warning: {}", sentence(one)));
        }
        let first = new.first()?;
        (self.launch.on_missing == OnMissing::Fail).then(|| lacked(first))
    }

    /// With `fail`: a guest that ended by itself before it could be ended.
    fn failed(&self, (outcome, killed): Ended) -> Result<Ended> {
        let first = self.missing()?.first().map(lacked);
        Ok((outcome, first.or(killed)))
    }

    /// The guest does nothing more. One that was refused something may be alive and of no use:
    /// its ports are asked.
    pub(super) fn settled(&mut self, inbox: &Inbox) {
        self.has_settled = true;
        let lacks = || !self.mendable().unwrap_or_default().is_empty();
        if self.may_fail_over() && lacks() {
            inbox.ask(self.launch.tcp_ports());
        }
    }

    /// The end of a guest whose ports nobody answers.
    pub(super) fn judge(&self, replies: &[(SocketAddr, Reply)]) -> Option<EndRecord> {
        let (port, reply) = replies.iter().find(|(_, reply)| !reply.is_answer())?;
        self.may_fail_over().then(|| EndRecord {
            kind: UNANSWERED.into(),
            status: crate::OWN_FAILURE,
            text: format!("{port} {reply}"),
        })
    }

    /// Starts a guest that failed on its own kernel again on the general one, if it was refused
    /// something there, and remembers what.
    pub(super) fn fail_over(&mut self, inbox: &Inbox, first: Result<Ended>) -> Result<Ended> {
        let ended = first?;
        if self.launch.on_missing == OnMissing::Fail {
            return self.failed(ended);
        }
        let Some(application) = self.launch.application.clone() else {
            return Ok(ended);
        };
        if !self.may_start_again(&ended) {
            return Ok(ended);
        }
        let missing = self.mendable()?;
        if missing.is_empty() {
            return Ok(ended);
        }
        let how = match &ended.1 {
            Some(end) => end.text.clone(),
            None => ended.0.end.to_string(),
        };
        self.reporter.line(&format!(
            "{}: {how} after {}{}; starting it again on the general kernel",
            self.dir.name,
            sentence(&missing[0]),
            more(&missing)
        ));
        let kernel = match inbox.mortal(|| self.general_kernel(&application, &missing)) {
            Ok(kernel) => kernel,
            Err(report) => {
                // It ended as it did; only the help failed.
                self.reporter
                    .line(&format!("there is no general kernel: {report}"));
                return Ok(ended);
            }
        };
        self.remember(&application, &missing, State::Required, "");
        self.record.failed_kernel = Some(std::mem::replace(&mut self.launch.kernel, kernel));
        self.launch.on_missing = OnMissing::Warn;
        let again = self.boot(inbox)?;
        if again.0.end == ended.0.end {
            // It fails there as well: what it was refused is not why.
            let why = "; it ends alike with it";
            self.remember(&application, &missing, State::Optional, why);
        }
        Ok(again)
    }

    /// Remembers what was missing; a run that is saved is worth more than its memory.
    fn remember(&self, application: &Application, missing: &[Missing], state: State, why: &str) {
        if let Err(report) = remember(self, application, missing, state, why) {
            self.reporter
                .line(&format!("what was missing is not remembered: {report}"));
        }
    }

    fn may_start_again(&self, (outcome, killed): &Ended) -> bool {
        let was_starting = !self.has_settled && !self.launch.tcp_ports().is_empty();
        is_failure(&outcome.end, killed.as_ref(), was_starting) && self.may_fail_over()
    }

    /// Whether a guest that fails may be started again on another kernel.
    pub(super) fn may_fail_over(&self) -> bool {
        // Input that was read, and files that were changed, would be met a second time.
        let has_effects =
            self.launch.guest.stdin || self.launch.shares.iter().any(|s| !s.read_only);
        self.launch.on_missing == OnMissing::General
            && self.launch.application.is_some()
            && !self.asked_to_end
            && !has_effects
    }

    fn general_kernel(
        &mut self,
        application: &Application,
        missing: &[Missing],
    ) -> Result<PathBuf> {
        let pipeline = Pipeline::new(self.store, self.reporter)?;
        let mut options = application.build.clone();
        options.kernel.profile = ProfileChoice::General;
        options.kernel.tiny = false;
        options.kernel.trim_syscalls = false;
        // What was missing because a person took it away is missing no more.
        let is_missing = |name: &String| missing.iter().any(|one| one.options.contains(name));
        let given = &mut options.kernel.options;
        given.retain(|(name, value)| value != "n" || !is_missing(name));
        let (image, command) = (&application.image, &application.command);
        let prepared = pipeline.prepare(image, command, &options)?;
        let kernel = pipeline.kernel(&prepared, &options, false)?;
        let stats = &mut self.record.stats.kernel;
        stats.key.clone_from(&kernel.key);
        stats.path.clone_from(&kernel.vmlinux);
        stats.bytes = kernel.metadata.vmlinux.bytes;
        stats.options = kernel.metadata.options_set;
        self.record.uses.push(kernel.vmlinux.clone());
        Ok(kernel.vmlinux)
    }
}

/// What a kernel with these options, which leaves no system call out, would grant.
fn granted(mut all: Vec<Missing>, options: &BTreeSet<String>) -> Vec<Missing> {
    let grants = |option: &String| option == CALLS || options.contains(option);
    all.retain(|one| one.options.iter().any(grants));
    all
}

/// Whether this is how a guest ends for want of something. Some servers end with status 0 when
/// they cannot listen.
fn is_failure(end: &End, killed: Option<&EndRecord>, server_was_starting: bool) -> bool {
    match (end, killed) {
        (_, Some(killed)) => killed.kind == UNANSWERED,
        (End::Exited(0), None) => server_was_starting,
        (End::Exited(_) | End::Killed(_) | End::Refused { .. } | End::KernelPanic { .. }, None) => {
            true
        }
        _ => false,
    }
}

/// Puts what was missing into the application's manifest, and has its next kernel built.
fn remember(
    monitor: &Monitor<'_>,
    application: &Application,
    missing: &[Missing],
    state: State,
    why: &str,
) -> Result<()> {
    let (tables, map) = (Tables::builtin()?, Map::builtin()?);
    let lookup = Lookup {
        tables: &tables,
        map: &map,
    };
    let asked: Vec<_> = missing.iter().filter_map(|m| m.asked(state, why)).collect();
    let saved = Saved::of(monitor.state);
    let known = saved.find(&application.key)?;
    if known.is_none() && monitor.launch.unknown {
        // All that it needs is found out behind a run; a manifest of this alone would stand for all.
        return Ok(());
    }
    let mut manifest = known.unwrap_or_else(|| monitor.launch.manifest(application));
    let calls = left_out_calls(missing, state, why);
    for need in needs_of(lookup, &asked).iter().chain(&calls) {
        manifest.needs.retain(|known| known.feature != need.feature);
        manifest.needs.push(NeedPart::from(need));
    }
    manifest.kernel = None;
    saved.keep(&application.key, &manifest)?;
    if state.is_built() {
        application.learn_behind(monitor.state, monitor.store, &saved)?;
    }
    Ok(())
}

/// The end of a guest that lacked something, with `fail`.
fn lacked(one: &Missing) -> EndRecord {
    EndRecord {
        kind: MISSING.into(),
        status: crate::OWN_FAILURE,
        text: sentence(one),
    }
}

fn sentence(one: &Missing) -> String {
    format!(
        "{} was refused {} ({}), for want of {}",
        one.process,
        one.feature,
        one.error,
        one.options.join(" and ")
    )
}

fn more(missing: &[Missing]) -> String {
    match missing.len() {
        0 | 1 => String::new(),
        n => format!(" (and {} more)", n - 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_kernel_of_ours_grants_is_no_reason_to_start_again() {
        let of = |option: &str| Missing {
            feature: String::new(),
            options: vec![option.into()],
            error: "ENOENT".into(),
            process: "sed".into(),
            pid: 20,
            probe: false,
        };
        let names = ["CONFIG_SECURITY_SELINUX", "CONFIG_EPOLL", CALLS];
        let all = names.map(of).to_vec();
        let general = BTreeSet::from(["CONFIG_EPOLL".to_owned()]);
        assert_eq!(granted(all, &general), [of("CONFIG_EPOLL"), of(CALLS)]);
    }

    #[test]
    fn status_0_is_a_failure_of_a_server_that_has_not_served() {
        let failed = |status, starting| is_failure(&End::Exited(status), None, starting);
        assert!(failed(0, true) && failed(1, true) && failed(1, false));
        assert!(!failed(0, false));
    }
}
