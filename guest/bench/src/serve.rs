//! A server, and a client of one connection beside it.

use crate::call::Result;
use crate::children::Children;
use crate::exec::execvp;
use crate::measure::{Bench, line, number};
use crate::round_trips::connect;
use crate::sys;
use crate::words::Words;

/// How long a server may take to listen, and between two looks, in milliseconds.
const PATIENCE: u64 = 300_000;
const LOOK: u64 = 100;
/// After its start a server still does things of its own.
const SETTLE: u64 = 3_000;
/// An answer is over when nothing came for so long.
const SILENCE: usize = 300;
/// What is read at once.
const ANSWER: usize = 4096;
/// Nobody answered, or with nothing.
const ETIMEDOUT: u16 = 110;
/// The server is no more.
const ECHILD: u16 = 10;

/// What is asked for.
struct Request {
    name: &'static [u8],
    /// A connection for each.
    connects: bool,
    port: u16,
    text: &'static [u8],
}

/// Starts the server whose words stand behind `--`, and measures each request. Gives the exit status.
pub fn serve(bench: &Bench, requests: Words, environment: Words) -> u8 {
    let mut server = requests;
    if !server.any(|word| word == b"--") {
        sys::say(
            b"bench: there is no server: serve (NAME keep|connect PORT REQUEST)... -- SERVER\n",
        );
        return 2;
    }
    let mut children = Children::new();
    let started = children.start(|| {
        execvp(server, environment);
        sys::say(b"bench: the server cannot be started\n");
        sys::exit(127);
    });
    if let Err(errno) = started {
        line(b"serve", None, errno.into());
        return 1;
    }
    let mut words = requests;
    let mut settled = false;
    while let Some(request) = next(&mut words) {
        if let Err(errno) = ask(bench, &request, &mut settled) {
            line(request.name, None, errno.into());
            if errno == ECHILD {
                sys::say(b"bench: the server ended before it listened\n");
                return 1;
            }
        }
    }
    0
}

fn next(words: &mut Words) -> Option<Request> {
    let name = words.next().filter(|word| *word != b"--")?;
    Some(Request {
        name,
        connects: words.next()? == b"connect",
        port: words.next().and_then(number)?.try_into().ok()?,
        text: words.next()?,
    })
}

fn ask(bench: &Bench, request: &Request, settled: &mut bool) -> Result<()> {
    let connection = patiently(request.port)?;
    if !*settled {
        sys::sleep(SETTLE);
        *settled = true;
    }
    let length = first_answer(connection, request)?;
    let mut client = Client {
        request,
        length,
        connection: Some(connection),
        buffer: [0; ANSWER],
    };
    if request.connects {
        // The server has closed it, or will.
        client.connection.take().into_iter().for_each(sys::close);
    }
    bench.measure(request.name, 1, |count| {
        (0..count).try_for_each(|_| client.once())
    })?;
    client.connection.into_iter().for_each(sys::close);
    Ok(())
}

/// Connects as soon as the server listens. One that ends with status 0 may have left a daemon behind.
fn patiently(port: u16) -> Result<usize> {
    for _ in 0..PATIENCE / LOOK {
        if let Ok(connection) = connect(port) {
            return Ok(connection);
        }
        if sys::has_failed_child() {
            return Err(ECHILD);
        }
        sys::sleep(LOOK);
    }
    Err(ETIMEDOUT)
}

/// How long an answer is.
fn first_answer(connection: usize, request: &Request) -> Result<usize> {
    sys::write(connection, request.text)?;
    let mut buffer = [0; ANSWER];
    let mut length = 0;
    while sys::readable(
        connection,
        if length == 0 {
            PATIENCE as usize
        } else {
            SILENCE
        },
    ) {
        match sys::read(connection, &mut buffer)? {
            0 => break,
            count => length += count,
        }
    }
    if length == 0 {
        Err(ETIMEDOUT)
    } else {
        Ok(length)
    }
}

/// Somebody who asks for the same again and again.
struct Client<'a> {
    request: &'a Request,
    /// How long an answer is.
    length: usize,
    connection: Option<usize>,
    buffer: [u8; ANSWER],
}

impl Client<'_> {
    fn once(&mut self) -> Result<()> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => connect(self.request.port)?,
        };
        if self.exchange(connection)? && !self.request.connects {
            self.connection = Some(connection);
        } else {
            sys::close(connection);
        }
        Ok(())
    }

    /// Sends the request and reads the answer. False where the server ended the connection with it, as nginx does with
    /// every thousandth.
    fn exchange(&mut self, connection: usize) -> Result<bool> {
        sys::write(connection, self.request.text)?;
        let mut got = 0;
        while got < self.length {
            match sys::read(connection, &mut self.buffer)? {
                0 if got == 0 => return Err(ETIMEDOUT),
                0 => return Ok(false),
                count => got += count,
            }
        }
        Ok(true)
    }
}
