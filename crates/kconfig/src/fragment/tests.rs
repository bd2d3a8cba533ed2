use proptest::prelude::*;

use super::*;

fn parse(text: &str) -> Result<Fragment, FragmentError> {
    Fragment::parse("t.config", Layer::Base, text)
}

#[test]
fn reasons_above_behind_and_for_a_block() {
    let text = "# event loops\nCONFIG_EPOLL=y\nCONFIG_EVENTFD=y\n\nCONFIG_HZ_100=y  # few ticks\n\
                # two\n# lines\n# CONFIG_BUG is not set\nCONFIG_S=\"a # b\" # text\n";
    let lines = parse(text).unwrap().lines;
    let got: Vec<_> = lines
        .iter()
        .map(|l| {
            (
                l.option.as_str(),
                l.value.to_string(),
                l.why.as_str(),
                l.number,
            )
        })
        .collect();
    assert_eq!(
        got,
        [
            ("CONFIG_EPOLL", "y".into(), "event loops", 2),
            ("CONFIG_EVENTFD", "y".into(), "event loops", 3),
            ("CONFIG_HZ_100", "y".into(), "few ticks", 5),
            ("CONFIG_BUG", "n".into(), "two lines", 8),
            ("CONFIG_S", "\"a # b\"".into(), "text", 9),
        ]
    );
}

#[test]
fn a_comment_does_not_cross_a_blank_line() {
    let error = parse("# a heading\n\nCONFIG_A=y\n").unwrap_err();
    assert_eq!(
        error.to_string(),
        "t.config:3: CONFIG_A does not say why it is there"
    );
}

#[test]
fn override_is_marked_and_its_reason_is_the_why() {
    let lines = parse("# override: too big\n# CONFIG_A is not set\n# fine\nCONFIG_B=y\n")
        .unwrap()
        .lines;
    assert!(lines[0].overrides && !lines[1].overrides);
    assert_eq!(lines[0].why, "too big");
}

#[test]
fn what_cannot_be_read_is_named_with_its_place() {
    for (text, message) in [
        (
            "# w\nCONFIG_A=m",
            "t.config:2: CONFIG_A: m is no value here: these kernels load no modules",
        ),
        (
            "# w\nCONFIG_A=maybe",
            "t.config:2: CONFIG_A: \"maybe\" is no value of a kernel option",
        ),
        ("# w\nA=y", "t.config:2: cannot read \"A=y\""),
        ("# w\nCONFIG_A y", "t.config:2: cannot read \"CONFIG_A y\""),
        (
            "# w\nCONFIG_A=y\nCONFIG_A=n",
            "t.config:3: CONFIG_A stands already in line 2",
        ),
    ] {
        assert_eq!(parse(text).unwrap_err().to_string(), message);
    }
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "[#CONFIG_AB=yn0x\" \\\\\n]{0,200}|\\PC{0,80}") {
        let _ = parse(&text);
    }

    #[test]
    fn what_is_written_is_read_back(
        options in prop::collection::btree_map("CONFIG_[A-Z0-9_]{1,12}", "y|n|[0-9]{1,6}|0x[0-9a-f]{1,8}|\"[a-z #=]{0,9}\"", 0..20),
        why in "[a-z][a-z ]{0,20}[a-z]",
    ) {
        let text: String = options.iter().map(|(o, v)| format!("# {why}\n{o}={v}\n")).collect();
        let fragment = parse(&text).unwrap();
        prop_assert_eq!(fragment.lines.len(), options.len());
        for line in fragment.lines {
            prop_assert_eq!(&line.value.to_string(), &options[&line.option]);
            prop_assert_eq!(&line.why, &why);
        }
    }
}
