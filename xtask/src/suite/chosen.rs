//! Runs an application on the kernel that flags choose, with its check and without a recorder.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use lupine_tool::{Running, Tool};

use super::trial::Trial;

/// Where an entry does not say how long it may take until it works.
const USUAL: u32 = 120;
/// Between two tries of a check.
const PAUSE: Duration = Duration::from_millis(500);

impl Trial<'_> {
    /// Runs it on the kernel that these flags of `lupine build` choose until its check passes and then its workload,
    /// or until it ends with status 0 where it has no check; how long that took.
    ///
    /// # Errors
    /// What kept it from working.
    pub fn works_on(&self, chosen: &[String]) -> Result<Duration, String> {
        let image = self.image()?;
        let command = self.entry.words(self.files)?;
        let ports = self.ports()?;
        let name = format!("suite-{}", std::process::id());
        let mut flags = [chosen, &self.giving(), &["--name".into(), name.clone()]].concat();
        for (guest, host) in &ports {
            flags.extend(["-p".into(), format!("127.0.0.1:{host}:{guest}")]);
        }
        let arguments = self.arguments(
            &["run", "--rm", "--no-learn"],
            &flags,
            &command,
            image.path(),
        );
        let guest = Tool::new(self.lupine).args(arguments).log_to(self.log);
        let limit = Duration::from_secs(self.entry.timeout.unwrap_or(USUAL).into());
        let built = self.build(chosen, &command, image.path());
        built.map_err(|error| format!("its kernel was not built: {error}"))?;
        let started = Instant::now();
        match &self.entry.check {
            Some(check) => {
                // A workload waits for no server: the check does.
                let clients = [check].into_iter().chain(&self.entry.workload);
                let clients = clients.map(|command| reached(command, &ports));
                let mut guest = guest.spawn().map_err(|e| e.to_string())?;
                let driven = drive(&mut guest, clients.collect(), limit);
                let gone = Tool::new(self.lupine).args(["rm", "-f", &name]).run();
                driven.and(gone.map(drop).map_err(|e| e.to_string()))?;
            }
            None => drop(guest.timeout(limit).run().map_err(|e| e.to_string())?),
        }
        Ok(started.elapsed())
    }

    /// So that its time limit is not spent on compiling.
    fn build(
        &self,
        chosen: &[String],
        command: &[String],
        dir: &std::path::Path,
    ) -> Result<(), String> {
        let out = tempfile::tempdir().map_err(|e| e.to_string())?;
        let bundle = out.path().join("bundle").display().to_string();
        let arguments = self.arguments(&["build", "--output", &bundle], chosen, command, dir);
        let build = Tool::new(self.lupine).args(arguments).log_to(self.log);
        build.run().map(drop).map_err(|e| e.to_string())
    }

    /// The guest's ports that its clients name, and free ones of the host.
    fn ports(&self) -> Result<BTreeMap<u16, u16>, String> {
        let texts = [&self.entry.workload, &self.entry.check];
        let texts = texts.into_iter().flatten();
        let named = texts.flat_map(|text| text.split("{port:").skip(1));
        let named = named.filter_map(|rest| rest.split('}').next()?.parse().ok());
        named.map(|guest| Ok((guest, free_port()?))).collect()
    }
}

/// Each client until it succeeds, one after the other.
fn drive(guest: &mut Running, clients: Vec<String>, limit: Duration) -> Result<(), String> {
    let started = Instant::now();
    for client in clients {
        loop {
            if let Some(status) = guest.try_status().map_err(|e| e.to_string())? {
                return Err(format!("it ended: {status}"));
            }
            let client = Tool::new("sh").args(["-c", &client]).timeout(limit);
            let Err(error) = client.run() else {
                break;
            };
            if started.elapsed() > limit {
                return Err(format!("it does not work after {limit:?}: {error}"));
            }
            std::thread::sleep(PAUSE);
        }
    }
    Ok(())
}

fn free_port() -> Result<u16, String> {
    let bound = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    bound
        .map(|address| address.port())
        .map_err(|e| format!("no port is free: {e}"))
}

/// A client's command with the host's ports in it.
fn reached(command: &str, ports: &BTreeMap<u16, u16>) -> String {
    let ports = ports.iter();
    ports.fold(command.to_owned(), |text, (guest, host)| {
        text.replace(&format!("{{port:{guest}}}"), &host.to_string())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suite::entry::Entry;

    #[test]
    fn a_client_is_told_the_hosts_ports() {
        let entry = Entry {
            check: Some("c {port:80} {port:81}".into()),
            workload: Some("w {port:80}".into()),
            ..Entry::default()
        };
        let trial = Trial {
            lupine: "lupine".as_ref(),
            entry: &entry,
            files: "files".as_ref(),
            log: "log".as_ref(),
        };
        let ports = trial.ports().unwrap();
        assert!(ports.keys().eq(&[80, 81]) && ports.values().all(|&host| host > 0));
        let known = BTreeMap::from([(80, 1), (81, 2)]);
        assert_eq!(reached("c {port:80} {port:81}", &known), "c 1 2");
    }
}
