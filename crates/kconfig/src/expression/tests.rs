use proptest::prelude::*;

use super::*;

/// Lower-case names are on, `M...` is a module, `HZ` is 100, all else is off.
fn value(name: &str) -> String {
    match name {
        "HZ" => "100".into(),
        "NAME" => "\"lupine\"".into(),
        _ if name.starts_with('M') => "m".into(),
        _ if name.chars().all(|c| c.is_ascii_lowercase()) => "y".into(),
        _ => "n".into(),
    }
}

fn eval(text: &str) -> Tristate {
    Expression::parse(text).unwrap().eval(&value)
}

#[test]
fn values_of_expressions() {
    for text in [
        "on",
        "!OFF",
        "on && other",
        "OFF || on",
        "!(on && OFF)",
        "HZ = 100",
        "HZ>=64",
        "y",
        "NAME=\"lupine\"",
        "OFF = n",
        "on!=n",
        "$(cc-option,-f(x))",
        "on && $(success,true)",
        "!!on",
        "HZ = 0x64",
        "NAME != 'x'",
        "OFF || (on && !OFF)",
    ] {
        assert_eq!(eval(text), Tristate::Yes, "{text}");
    }
    for text in [
        "OFF",
        "!on",
        "on && OFF",
        "HZ < 64",
        "n",
        "OFF = y",
        "on = OFF",
        "!(on || OFF)",
    ] {
        assert_eq!(eval(text), Tristate::No, "{text}");
    }
    for text in ["M", "!M", "M && on", "OFF || M"] {
        assert_eq!(eval(text), Tristate::Module, "{text}");
    }
}

#[test]
fn what_is_no_expression_is_refused() {
    for text in [
        "", "&&", "A &&", "(A", "A)", "A B", "\"a", "$(", "$", "A = ", "!", "é",
    ] {
        assert!(Expression::parse(text).is_err(), "{text}");
    }
    assert!(Expression::parse(&"(".repeat(100_000)).is_err());
    assert!(Expression::parse(&"!".repeat(100_000)).is_err());
}

#[test]
fn blame_names_the_false_parts_only() {
    let blame = |text: &str| {
        let parts = Expression::parse(text).unwrap().blame(&value);
        parts.iter().map(Blame::to_string).collect::<Vec<_>>()
    };
    assert_eq!(
        blame("on && NET && (X86 || ARM)"),
        ["NET, which is off", "X86 || ARM (X86 is n, ARM is n)",]
    );
    assert_eq!(blame("on && !smp"), ["!smp (smp is y)"]);
    assert_eq!(blame("HZ = 250"), ["HZ = 250 (HZ is 100)"]);
    assert!(blame("on || OFF").is_empty());
}

fn any_expression() -> impl Strategy<Value = Expression> {
    let name = "[a-zA-Z][a-z0-9_]{0,5}".prop_map(|n| Expression::Atom(Atom::Name(n)));
    name.prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|e| Expression::Not(Box::new(e))),
            prop::collection::vec(inner.clone(), 2..4).prop_map(Expression::And),
            prop::collection::vec(inner, 2..4).prop_map(Expression::Or),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_printed_is_read_back(expression in any_expression()) {
        let text = expression.to_string();
        prop_assert_eq!(Expression::parse(&text).unwrap(), expression);
    }

    #[test]
    fn blame_is_empty_exactly_when_not_false(expression in any_expression()) {
        let is_false = expression.eval(&value) == Tristate::No;
        prop_assert_eq!(!expression.blame(&value).is_empty(), is_false);
    }

    #[test]
    fn any_text_is_read_or_refused(text in "[A-Cy&|!=<>()$\"' ]{0,40}|\\PC{0,40}") {
        let _ = Expression::parse(&text);
    }
}
