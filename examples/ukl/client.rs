//! Drives an echo server: `client ADDRESS:PORT CONNECTIONS MESSAGES BYTES`. All connections are open at once, each
//! in a thread that sends its messages one after the other and compares what comes back. Prints latencies.
//! They are opened in turn: what forwards a port to a guest has room for few that wait.

use std::error::Error;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

/// A server that does not answer for so long is broken.
const PATIENCE: Duration = Duration::from_secs(60);

type Failure = Box<dyn Error + Send + Sync>;

#[expect(clippy::print_stdout, reason = "its result")]
fn main() -> Result<(), Failure> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [address, connections, messages, bytes] = &words[..] else {
        return Err("usage: client ADDRESS:PORT CONNECTIONS MESSAGES BYTES".into());
    };
    let (connections, messages) = (connections.parse()?, messages.parse()?);
    let mut all = drive(address, connections, messages, bytes.parse()?)?;
    all.sort_unstable();
    let last = all
        .len()
        .checked_sub(1)
        .ok_or("there was nothing to send")?;
    let at = |share: usize| all[last * share / 100];
    println!("{} echoes by {connections} connections", all.len());
    println!(
        "latency: median {:?}, 99% {:?}, most {:?}",
        at(50),
        at(99),
        at(100)
    );
    Ok(())
}

/// The latency of each message.
fn drive(
    address: &str,
    connections: usize,
    messages: usize,
    bytes: usize,
) -> Result<Vec<Duration>, Failure> {
    let opened = (0..connections).map(|_| connect(address));
    let streams: Vec<TcpStream> = opened.collect::<Result<_, _>>()?;
    let start = |(number, stream)| thread::spawn(move || talk(stream, number, messages, bytes));
    let threads: Vec<_> = streams.into_iter().enumerate().map(start).collect();
    let mut all = Vec::new();
    for thread in threads {
        all.extend(
            thread
                .join()
                .map_err(|_| "a connection's thread panicked")??,
        );
    }
    Ok(all)
}

fn connect(address: &str) -> Result<TcpStream, Failure> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(stream)
}

fn talk(
    mut stream: TcpStream,
    number: usize,
    messages: usize,
    bytes: usize,
) -> Result<Vec<Duration>, Failure> {
    let mut latencies = Vec::with_capacity(messages);
    let mut answer = vec![0; bytes];
    for message in 0..messages {
        // No two messages are alike, nor two bytes that are neighbours.
        let sent: Vec<u8> = (0..bytes)
            .map(|place| (number * 31 + message * 7 + place).to_le_bytes()[0])
            .collect();
        let start = Instant::now();
        stream.write_all(&sent)?;
        stream.read_exact(&mut answer)?;
        latencies.push(start.elapsed());
        if sent != answer {
            return Err(format!("connection {number}, message {message}: another answer").into());
        }
    }
    Ok(latencies)
}
