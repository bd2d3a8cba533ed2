//! Shell scripts that stay for a server that puts itself into the background, and end it as they
//! are asked to end.

/// Starts with `start`, which returns, and waits for the process that `file` names.
pub(super) fn of_pid_file(start: &str, file: &str, signal: &str) -> String {
    // The server may write the file a little later than it returns. A trap interrupts the first wait.
    format!(
        "trap 'kill -{signal} $(cat {file})' {signal}\n\
         {start} || exit\n\
         n=0; while [ ! -s {file} ] && [ $n -lt 50 ]; do sleep 0.1; n=$((n+1)); done\n\
         tail --pid=\"$(cat {file})\" -f /dev/null &\n\
         wait $! || wait $!"
    )
}

/// Starts with `start`, which returns, and stays for ever: nobody knows the server's process.
pub(super) fn for_ever(start: &str) -> String {
    format!("{start} || exit\nexec sleep infinity")
}

/// What systemd does with a script of /etc/init.d for which there is no unit. A script that cannot
/// tell whether its server runs is believed that it does.
pub(super) fn of_init_script(path: &str) -> String {
    format!(
        "trap '{path} stop; exit' TERM\n\
         {path} start || exit\n\
         {path} status > /dev/null 2>&1 || {{ sleep infinity & wait; }}\n\
         while {path} status > /dev/null 2>&1; do sleep 5 & wait $!; done\n\
         exit 1"
    )
}
