use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::{Mount, Network, Recording, Rlimit};

fn spec() -> impl Strategy<Value = GuestSpec> {
    let words = || prop::collection::vec(any::<String>(), 0..4);
    let network = prop::option::of((
        any::<[u8; 4]>(),
        any::<u8>(),
        prop::option::of(any::<[u8; 4]>()),
        prop::collection::vec(any::<[u8; 4]>(), 0..3),
    ));
    let mounts = prop::collection::vec(
        (
            any::<String>(),
            any::<String>(),
            any::<bool>(),
            any::<Option<String>>(),
        ),
        0..3,
    );
    let rlimits = prop::collection::vec(any::<(u32, u64, u64)>(), 0..3);
    let flags = any::<(bool, bool, bool, (u16, u16), bool)>();
    let seed = prop::collection::vec(any::<u8>(), 0..64);
    let recording = prop::option::of((
        prop::collection::vec(any::<u8>(), 0..300),
        words(),
        any::<bool>(),
    ));
    (
        words(),
        words(),
        any::<[String; 3]>(),
        network,
        mounts,
        rlimits,
        flags,
        seed,
        recording,
    )
        .prop_map(
            |(
                argv,
                env,
                [cwd, user, hostname],
                network,
                mounts,
                rlimits,
                flags,
                seed,
                recording,
            )| GuestSpec {
                argv,
                env,
                cwd,
                user,
                hostname,
                terminal: flags.0,
                stdin: flags.1,
                overlay: flags.2,
                loopback: flags.4,
                winsize: flags.3,
                network: network.map(|(address, prefix, gateway, dns)| Network {
                    address,
                    prefix,
                    gateway,
                    dns,
                }),
                mounts: mounts
                    .into_iter()
                    .map(|(tag, target, read_only, file)| Mount {
                        tag,
                        target,
                        read_only,
                        file,
                    })
                    .collect(),
                rlimits: rlimits
                    .into_iter()
                    .map(|(resource, soft, hard)| Rlimit {
                        resource,
                        soft,
                        hard,
                    })
                    .collect(),
                seed,
                recording: recording.map(|(program, rules, every)| Recording {
                    program,
                    rules,
                    every,
                }),
            },
        )
}

fn frame() -> impl Strategy<Value = Frame> {
    let bytes = || prop::collection::vec(any::<u8>(), 0..300);
    prop_oneof![
        spec().prop_map(|spec| Frame::Spec(Box::new(spec))),
        bytes().prop_map(Frame::Stdin),
        Just(Frame::StdinEnd),
        Just(Frame::PowerOff),
        any::<u8>().prop_map(Frame::Signal),
        any::<(u16, u16)>().prop_map(|(rows, cols)| Frame::Winsize(rows, cols)),
        bytes().prop_map(Frame::Stdout),
        bytes().prop_map(Frame::Stderr),
        any::<u32>().prop_map(Frame::StdinTaken),
        Just(Frame::Started),
        any::<String>().prop_map(Frame::Warning),
        any::<(u8, String)>().prop_map(|(status, why)| Frame::Refused(status, why)),
        any::<u8>().prop_map(Frame::Exited),
        any::<u8>().prop_map(Frame::Killed),
        bytes().prop_map(Frame::Record),
    ]
}

/// All frames of `stream`, fed in portions whose lengths go round in `portions`.
fn decode(stream: &[u8], portions: &[usize]) -> Result<Vec<Frame>, FrameError> {
    let mut decoder = Decoder::new();
    let mut frames = Vec::new();
    let mut rest = stream;
    let mut portions = portions.iter().cycle();
    while !rest.is_empty() {
        let length = portions.next().map_or(1, |n| (*n).clamp(1, rest.len()));
        let (now, later) = rest.split_at(length);
        decoder.push(now);
        while let Some(frame) = decoder.next_frame()? {
            frames.push(frame);
        }
        rest = later;
    }
    Ok(frames)
}

proptest! {
    #[test]
    fn frames_survive_the_stream_split_anywhere(
        frames in prop::collection::vec(frame(), 0..6),
        portions in prop::collection::vec(1_usize..400, 1..8),
    ) {
        let stream: Vec<u8> = frames.iter().flat_map(|frame| encode(frame).unwrap()).collect();
        prop_assert_eq!(decode(&stream, &portions).unwrap(), frames);
    }

    #[test]
    fn arbitrary_bytes_never_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..2000),
        portions in prop::collection::vec(1_usize..100, 1..4),
    ) {
        let _ = decode(&bytes, &portions);
        let _ = decode_spec(&bytes);
    }

    #[test]
    fn a_well_measured_frame_of_arbitrary_bytes_never_panics(
        body in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let mut stream = u32::try_from(body.len()).unwrap().to_le_bytes().to_vec();
        stream.extend(body);
        let _ = decode(&stream, &[7]);
    }

    #[test]
    fn a_flipped_bit_never_panics(frame in frame(), at in any::<prop::sample::Index>(), bit in 0_u8..8) {
        let mut stream = encode(&frame).unwrap();
        let at = at.index(stream.len());
        stream[at] ^= 1_u8 << bit;
        let _ = decode(&stream, &[64]);
    }

    #[test]
    fn a_specification_survives_its_file(spec in spec()) {
        prop_assert_eq!(decode_spec(&encode_spec(&spec).unwrap()).unwrap(), spec);
    }
}

#[test]
fn a_frame_that_would_fill_memory_is_refused_before_it_comes() {
    let mut decoder = Decoder::new();
    decoder.push(&u32::MAX.to_le_bytes());
    let error = Err(FrameError::Length(u32::MAX as usize));
    assert_eq!(decoder.next_frame(), error);
    assert_eq!(decoder.next_frame(), error);
}

#[test]
fn a_specification_too_large_is_refused_by_the_sender() {
    let spec = GuestSpec {
        env: vec!["x".repeat(BODY_MAX)],
        ..GuestSpec::default()
    };
    assert!(matches!(
        encode(&Frame::Spec(Box::new(spec))),
        Err(FrameError::Length(_))
    ));
}

#[test]
fn bytes_behind_a_frame_within_its_length_are_an_error() {
    let mut stream = encode(&Frame::Started).unwrap();
    stream[0] += 1;
    stream.push(0);
    assert_eq!(decode(&stream, &[64]), Err(FrameError::Length(1)));
}
