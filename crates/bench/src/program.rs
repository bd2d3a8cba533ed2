//! `guest/bench` and what it writes: [`PROGRAM`], [`operations`].

/// A static ELF for x86_64 without libc, for host and guest, that repeats operations of the kernel; see docs/bench.md.
pub static PROGRAM: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/lupine-guest-bench"));

/// What the program says of one operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// Its name.
    pub name: String,
    /// How often it was done and how many nanoseconds that took together; or the error number where the kernel
    /// lacks something.
    pub done: Result<(u64, u64), u16>,
}

/// Reads what the program writes: `NAME COUNT NANOSECONDS` or `NAME - ERRNO`, line by line. Lines that are neither are
/// a server's.
pub fn operations(text: &str) -> Vec<Operation> {
    text.lines().filter_map(operation).collect()
}

fn operation(line: &str) -> Option<Operation> {
    let words: Vec<&str> = line.split(' ').collect();
    let &[name, count, value] = &words[..] else {
        return None;
    };
    let done = match count {
        "-" => Err(value.parse().ok()?),
        count => Ok((count.parse().ok().filter(|n| *n > 0)?, value.parse().ok()?)),
    };
    Some(Operation {
        name: name.into(),
        done,
    })
}

#[cfg(test)]
mod tests {
    use lupine_tool::{Tool, ToolError, ToolOutput};
    use std::os::unix::fs::PermissionsExt;
    use std::time::Duration;

    use super::*;

    #[test]
    fn lines_are_told_from_a_servers() {
        let text = "null 161703 24164141\nready to accept\nunix - 97\nnull 0 1\ncut 12";
        let operation = |name: &str, done| Operation {
            name: name.into(),
            done,
        };
        assert_eq!(
            operations(text),
            [
                operation("null", Ok((161_703, 24_164_141))),
                operation("unix", Err(97))
            ]
        );
    }

    /// Runs the program on the host.
    fn run(words: &[&str]) -> Vec<Operation> {
        let output = started(words).unwrap();
        operations(&String::from_utf8_lossy(&output.stdout))
    }

    fn started(words: &[&str]) -> Result<ToolOutput, ToolError> {
        started_for("syscall", words)
    }

    fn started_for(entry: &str, words: &[&str]) -> Result<ToolOutput, ToolError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("bench");
        std::fs::write(&path, PROGRAM).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        Tool::new(path)
            .args(words)
            .env("BENCH_ENTRY", entry)
            .timeout(Duration::from_secs(60))
            .run()
    }

    #[test]
    fn the_program_does_every_operation_of_the_suites() {
        for name in crate::Suites::builtin().unwrap().names() {
            let suites = crate::Suites::builtin().unwrap();
            let asked = &suites.suite(&name).unwrap().operations;
            let words: Vec<&str> = std::iter::once("1")
                .chain(asked.iter().map(String::as_str))
                .collect();
            if words.len() == 1 {
                continue;
            }
            let done = run(&words);
            let names: Vec<String> = done.iter().map(|o| o.name.replace('-', ":")).collect();
            let expected: Vec<String> = asked.iter().map(|word| word.replace('-', ":")).collect();
            assert_eq!(names, expected);
            assert!(done.iter().all(|o| o.done.is_ok()), "{done:?}");
        }
    }

    #[test]
    fn an_entry_that_the_kernel_lacks_is_said() {
        let error = started_for("call", &["1", "null"]).unwrap_err().to_string();
        assert!(error.contains("no entry for calls"), "{error}");
    }

    #[test]
    fn a_server_is_asked() {
        let server = "import socket,sys\ns=socket.create_server(('127.0.0.1',int(sys.argv[1])))\nwhile True:\n c=s.accept()[0]\n while d:=c.recv(99): c.sendall(d*2)";
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port().to_string();
        drop(free);
        let words = ["1", "serve", "kept", "keep", &port, "hello", "--"];
        let done = run(&[&words[..], &["python3", "-c", server, &port]].concat());
        assert_eq!(done.len(), 1);
        assert_eq!(done[0].name, "kept");
        assert!(done[0].done.is_ok(), "{done:?}");
    }

    #[test]
    fn a_server_that_ends_is_not_waited_for() {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port().to_string();
        drop(free);
        for server in ["false", "/no/such/server"] {
            let words = ["1", "serve", "kept", "keep", &port, "hello", "--", server];
            let error = started(&words).unwrap_err().to_string();
            assert!(error.contains("exit status: 1"), "{error}");
        }
    }
}
