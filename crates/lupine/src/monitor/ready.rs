//! When a published TCP port answers.
//!
//! The VMM accepts connections itself and closes them when nobody listens in
//! the guest, so a connection means nothing until it has stayed open.

use std::net::{SocketAddr, TcpStream};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// A connection that lives this long has somebody at its other end.
const STAYS_OPEN: Duration = Duration::from_millis(200);
/// Pause between two tries.
const PAUSE: Duration = Duration::from_millis(3);
/// How long one try may take to connect.
const CONNECT: Duration = Duration::from_secs(2);

/// Waits until `port` answers; gives the time of the connection that stayed
/// open. `None` when `over` says that it never will.
pub fn wait_for(port: SocketAddr, over: &dyn Fn() -> bool) -> Option<Instant> {
    while !over() {
        let tried = Instant::now();
        if answers(port) {
            return Some(tried);
        }
        sleep(PAUSE);
    }
    None
}

fn answers(port: SocketAddr) -> bool {
    let Ok(stream) = TcpStream::connect_timeout(&port, CONNECT) else {
        return false;
    };
    if stream.set_read_timeout(Some(STAYS_OPEN)).is_err() {
        return false;
    }
    // Peeking leaves what a talkative server says first in the socket.
    match stream.peek(&mut [0]) {
        Ok(0) => false,
        Ok(_) => true,
        Err(error) => matches!(
            error.kind(),
            std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::net::TcpListener;

    #[test]
    fn silent_and_talkative_servers_answer_and_closed_ones_do_not() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap();
        let server = std::thread::spawn(move || {
            // One that is closed at once, as the VMM does it; then a talkative one, then a silent one.
            drop(listener.accept().unwrap());
            let (mut talkative, _) = listener.accept().unwrap();
            talkative.write_all(b"hello").unwrap();
            let (silent, _) = listener.accept().unwrap();
            (talkative, silent)
        });
        assert!(!answers(port));
        assert!(answers(port));
        assert!(answers(port));
        drop(server.join());
        assert!(!answers(port));
    }
}
