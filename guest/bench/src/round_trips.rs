//! A byte to another process and back.

use crate::call::{Result, call};
use crate::children::Children;
use crate::measure::Bench;
use crate::sys;

const SOCKET: usize = 41;
const CONNECT: usize = 42;
const ACCEPT: usize = 43;
const BIND: usize = 49;
const LISTEN: usize = 50;
const GETSOCKNAME: usize = 51;
const SOCKETPAIR: usize = 53;
const SETSOCKOPT: usize = 54;

const AF_UNIX: usize = 1;
const AF_INET: usize = 2;
const STREAM: usize = 1;
const IPPROTO_TCP: usize = 6;
const TCP_NODELAY: usize = 1;
/// Processes in a ring.
const RING: usize = 8;

/// Two ends of something: what is written to `[1]` of one arrives at `[0]` of the other.
type Ends = [[usize; 2]; 2];

/// Over two pipes.
pub fn pipe(bench: &Bench, _: u64) -> Result<()> {
    pipe_as(bench, b"pipe")
}

/// The same by another name.
pub fn pipe_as(bench: &Bench, name: &[u8]) -> Result<()> {
    let ([there, to], [back, from]) = (sys::pipe()?, sys::pipe()?);
    round_trip(bench, name, [[back, to], [there, from]])
}

/// Over a pair of Unix sockets.
pub fn unix(bench: &Bench, _: u64) -> Result<()> {
    let [a, b] = socket_pair()?;
    round_trip(bench, b"unix", [[a, a], [b, b]])
}

/// Over a TCP connection to ourselves.
pub fn tcp(bench: &Bench, _: u64) -> Result<()> {
    let [a, b] = connection()?;
    round_trip(bench, b"tcp", [[a, a], [b, b]])
}

fn round_trip(bench: &Bench, name: &[u8], [ours, theirs]: Ends) -> Result<()> {
    let mut children = Children::new();
    children.start(|| while pass_on(theirs).is_ok() {})?;
    let done = bench.measure(name, 1, |count| {
        (0..count).try_for_each(|_| {
            sys::write(ours[1], &[0])?;
            sys::read(ours[0], &mut [0]).map(drop)
        })
    });
    drop(children);
    // A socket's number stands there twice; closing it twice harms nobody.
    [ours, theirs]
        .as_flattened()
        .iter()
        .for_each(|fd| sys::close(*fd));
    done
}

/// Reads a byte and writes one.
fn pass_on([reader, writer]: [usize; 2]) -> Result<()> {
    sys::read(reader, &mut [0])?;
    sys::write(writer, &[0]).map(drop)
}

/// A byte goes round in a ring of processes: each hop is a read, a write and a switch.
pub fn ring(bench: &Bench, _: u64) -> Result<()> {
    let mut pipes = [[0; 2]; RING];
    for pipe in &mut pipes {
        *pipe = sys::pipe()?;
    }
    let mut children = Children::new();
    for place in 1..RING {
        let ends = [pipes[place - 1][0], pipes[place][1]];
        children.start(|| while pass_on(ends).is_ok() {})?;
    }
    let (first, last) = (pipes[0][1], pipes[RING - 1][0]);
    let done = bench.measure(b"context-switch", RING as u64, |count| {
        (0..count).try_for_each(|_| {
            sys::write(first, &[0])?;
            sys::read(last, &mut [0]).map(drop)
        })
    });
    drop(children);
    pipes.as_flattened().iter().for_each(|fd| sys::close(*fd));
    done
}

/// Two Unix sockets that are connected.
pub fn socket_pair() -> Result<[usize; 2]> {
    let mut ends = [0_u32; 2];
    // SAFETY: the kernel writes two descriptors.
    unsafe {
        call(
            SOCKETPAIR,
            [AF_UNIX, STREAM, 0, (&raw mut ends) as usize, 0, 0],
        )
    }?;
    Ok(ends.map(|end| end as usize))
}

/// Two ends of a TCP connection over loopback.
fn connection() -> Result<[usize; 2]> {
    let listener = socket()?;
    let mut address = loopback(0);
    let mut length = size_of_val(&address) as u32;
    let (at, size) = ((&raw mut address) as usize, length as usize);
    // SAFETY: an address and its length; `getsockname` writes both.
    unsafe {
        call(BIND, [listener, at, size, 0, 0, 0])?;
        call(LISTEN, [listener, 1, 0, 0, 0, 0])?;
        call(
            GETSOCKNAME,
            [listener, at, (&raw mut length) as usize, 0, 0, 0],
        )?;
    }
    let client = connect_to(address)?;
    // SAFETY: no room for the other's address is no mistake.
    let server = unsafe { call(ACCEPT, [listener, 0, 0, 0, 0, 0]) }?;
    sys::close(listener);
    at_once(server)?;
    Ok([client, server])
}

/// A connection to a port of this machine.
pub fn connect(port: u16) -> Result<usize> {
    connect_to(loopback(port))
}

fn connect_to(address: [u8; 16]) -> Result<usize> {
    let socket = socket()?;
    let arguments = [socket, address.as_ptr() as usize, address.len(), 0, 0, 0];
    // SAFETY: the kernel reads an address.
    let connected = unsafe { call(CONNECT, arguments) };
    let ready = connected.and_then(|_| at_once(socket));
    if ready.is_err() {
        sys::close(socket);
    }
    ready.map(|()| socket)
}

fn socket() -> Result<usize> {
    // SAFETY: takes numbers.
    unsafe { call(SOCKET, [AF_INET, STREAM, 0, 0, 0, 0]) }
}

/// Small messages do not wait for more.
fn at_once(socket: usize) -> Result<()> {
    let yes = 1_u32;
    let value = (&raw const yes) as usize;
    let size = size_of_val(&yes);
    // SAFETY: the kernel reads one number.
    unsafe {
        call(
            SETSOCKOPT,
            [socket, IPPROTO_TCP, TCP_NODELAY, value, size, 0],
        )
    }
    .map(drop)
}

/// `struct sockaddr_in` of 127.0.0.1.
fn loopback(port: u16) -> [u8; 16] {
    let mut address = [0; 16];
    address[0] = AF_INET as u8;
    address[2..4].copy_from_slice(&port.to_be_bytes());
    address[4..8].copy_from_slice(&[127, 0, 0, 1]);
    address
}
