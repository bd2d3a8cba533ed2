//! How a TCP port answers somebody who does not know its protocol.
//!
//! The request is one that no server expects to be well-formed but a web server. What matters is
//! not the reply but that it is the same on two kernels.

use std::fmt;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What is asked.
const REQUEST: &[u8] = b"GET / HTTP/1.0\r\n\r\n";
/// How long to wait for a greeting, and for a reply.
const GREETING: Duration = Duration::from_millis(500);
const ANSWER: Duration = Duration::from_secs(5);
/// How long a busy guest may take to say that nobody listens.
const LATE: Duration = Duration::from_secs(3);
/// Bytes of a reply that are compared: `HTTP/1.1 200`, not the date after it.
const COMPARED: usize = 12;

/// How a port answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reply {
    /// It spoke first; how it began.
    Greeted(Vec<u8>),
    /// It answered; how it began.
    Answered(Vec<u8>),
    /// It closed the connection without a word.
    Closed,
    /// It took the request and said nothing.
    Silent,
    /// Nobody listens.
    Refused,
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Greeted(bytes) => write!(f, "greets with {:?}", String::from_utf8_lossy(bytes)),
            Self::Answered(bytes) => write!(f, "answers {:?}", String::from_utf8_lossy(bytes)),
            Self::Closed => f.write_str("closes the connection"),
            Self::Silent => f.write_str("accepts connections and is silent"),
            Self::Refused => f.write_str("does not answer"),
        }
    }
}

impl Reply {
    /// Asks a port of the host.
    pub fn of(address: SocketAddr) -> Self {
        let Ok(mut stream) = TcpStream::connect_timeout(&address, ANSWER) else {
            return Self::Refused;
        };
        match first(&mut stream, GREETING) {
            First::Bytes(bytes) => return Self::Greeted(bytes),
            First::End => return Self::Refused,
            First::Nothing => {}
        }
        if stream.write_all(REQUEST).is_err() {
            return Self::closed(address);
        }
        match first(&mut stream, ANSWER) {
            First::Bytes(bytes) => Self::Answered(bytes),
            First::End => Self::closed(address),
            First::Nothing => Self::Silent,
        }
    }

    /// A connection was closed after the request: by a server, or late by a guest in which nobody
    /// listens. The latter closes one without a request, too.
    fn closed(address: SocketAddr) -> Self {
        let again = TcpStream::connect_timeout(&address, ANSWER);
        match again.map(|mut stream| first(&mut stream, LATE)) {
            Ok(First::End) => Self::Refused,
            _ => Self::Closed,
        }
    }

    /// Whether somebody took the request and did something about it.
    pub fn is_answer(&self) -> bool {
        !matches!(self, Self::Silent | Self::Refused)
    }

    /// Whether somebody was there.
    pub fn is_alive(&self) -> bool {
        *self != Self::Refused
    }

    /// Whether this reply is as good as `expected`; without `exact`, the bytes may differ, as they
    /// did between two runs on one kernel.
    pub fn is_like(&self, expected: &Self, exact: bool) -> bool {
        match (self, expected) {
            _ if exact => self == expected,
            (Self::Greeted(_), Self::Greeted(_)) | (Self::Answered(_), Self::Answered(_)) => true,
            _ => self == expected,
        }
    }
}

enum First {
    Bytes(Vec<u8>),
    End,
    Nothing,
}

fn first(stream: &mut TcpStream, wait: Duration) -> First {
    let mut bytes = [0; COMPARED];
    if stream.set_read_timeout(Some(wait)).is_err() {
        return First::End;
    }
    match stream.read(&mut bytes) {
        Ok(0) => First::End,
        Ok(count) => First::Bytes(bytes[..count].to_vec()),
        Err(error) => match error.kind() {
            std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut => First::Nothing,
            _ => First::End,
        },
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};

    use super::*;

    fn served(mut serve: impl FnMut(TcpStream) + Send + 'static) -> Reply {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            listener
                .incoming()
                .for_each(|stream| serve(stream.unwrap()))
        });
        Reply::of(port)
    }

    fn read_request(stream: &mut TcpStream) {
        let mut request = vec![0; REQUEST.len()];
        stream.read_exact(&mut request).unwrap();
    }

    #[test]
    fn servers_differ_in_how_they_answer() {
        let greeted = served(|mut stream| stream.write_all(b"220 here").unwrap());
        assert_eq!(greeted, Reply::Greeted(b"220 here".to_vec()));
        let answered = served(|mut stream| {
            read_request(&mut stream);
            stream.write_all(b"HTTP/1.0 200 OK").unwrap();
        });
        assert_eq!(answered, Reply::Answered(b"HTTP/1.0 200".to_vec()));
        let mut request = vec![0; REQUEST.len()];
        let closed = served(move |mut stream| drop(stream.read_exact(&mut request)));
        assert_eq!(closed, Reply::Closed);
        assert_eq!(served(drop), Reply::Refused);
        // A slow guest in which nobody listens.
        let late = served(|stream| {
            std::thread::sleep(GREETING + GREETING);
            drop(stream);
        });
        assert_eq!(late, Reply::Refused);
    }

    #[test]
    fn nobody_is_nobody() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap();
        drop(listener);
        assert!(!Reply::of(port).is_alive());
    }

    #[test]
    fn replies_with_a_clock_in_them_are_compared_by_kind() {
        let (a, b) = (Reply::Answered(b"1".into()), Reply::Answered(b"2".into()));
        assert!(a.is_like(&b, false) && !a.is_like(&b, true));
        assert!(!a.is_like(&Reply::Silent, false));
    }
}
