//! Tests of the generated code.

use std::{fs, path::Path};

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use syn::DeriveInput;

use super::{attr::placement, event, payload, tag_value};

const DERIVES: [fn(&DeriveInput) -> TokenStream; 3] = [event, tag_value, payload];

fn outputs(item: &str) -> [String; 3] {
    let node = syn::parse_str(item).unwrap();
    DERIVES.map(|derive| derive(&node).to_string())
}

#[test]
fn generated_code_finds_factos_under_the_path_that_is_given_and_no_other() {
    let items = [
        "enum A { B { #[tag] c: D, #[tag(\"c\")] e: F }, G(H), I }",
        "enum A { #[event(version = 3, upcast_json(1 = b), upcast(2 = c?))] D { #[tag(display)] e: F } }",
        "enum A { #[event(flatten)] B(C), #[event(tags_with = d)] E { #[tag(with = f)] g: H } }",
        "struct A { #[tag] b: C }",
        "struct A(B);",
        "union A { b: C }",
    ];
    for item in items {
        let output = outputs(&format!("#[event(crate = other::path)] {item}"));
        assert!(output.iter().all(|text| text.contains("other :: path")), "{output:?}");
        assert!(!output.iter().any(|text| text.contains("factos")), "{output:?}");
    }
}

#[test]
fn whatever_stands_in_an_attribute_is_an_error_and_never_a_panic() {
    let lists = [
        "",
        "(,)",
        "(,,)",
        "()",
        "(+)",
        "(=)",
        "(= 1)",
        "(a)",
        "(a = )",
        "(a = b = c)",
        "(a::b)",
        "(1)",
        "('c')",
        "(b\"x\")",
        "(\"a\" \"b\")",
        "(\"a\", \"b\")",
        "(name)",
        "(name = 1)",
        "(version = 1u8)",
        "(version = 1.0)",
        "(version = 99999999999999999999)",
        "(crate = 1)",
        "(crate = a::<b>)",
        "(rename_all = x)",
        "(key = \"\")",
        "(key = \"_\")",
        "(r#name = \"x\")",
        " = 1",
        "[a]",
        "{a}",
        "(alias)",
        "(since = 0)",
        "(upcast)",
        "(upcast())",
        "(upcast(,))",
        "(upcast(1))",
        "(upcast(1 = ))",
        "(upcast(1 = a?b))",
        "(upcast(1 = a, 1 = b))",
        "(upcast(99999999999 = a))",
        "(version = 4294967295, upcast(4294967294 = a))",
        "(upcast_json(= a))",
        "(tags_with = |x| x)",
        "(flatten)",
        "(flatten, flatten)",
        "(flatten(a))",
        "(codec = Vec<A, B>)",
        "(codec = &'a)",
        "(kind = a::b)",
        "(query = self)",
        "(with = <A as B>::c)",
        "(with = a, display)",
        "(display, display)",
        "(\"\\u{0}\")",
        "(\"1\")",
        "(\"\u{fb01} \u{b2}\")",
    ];
    for (list, name) in lists.iter().flat_map(|l| ["event", "tag", "serde"].map(|n| (l, n))) {
        let attr = format!("#[{name}{list}]");
        for item in [
            format!("{attr} enum A {{ {attr} B {{ {attr} c: D }}, {attr} E({attr} F), {attr} G }}"),
            format!("{attr} struct A {{ {attr} b: C }}"),
            format!("{attr} struct A<'a, T: U>({attr} B, C) where D: E;"),
        ] {
            assert!(outputs(&item).iter().all(|text| !text.is_empty()), "{item}");
        }
    }
}

#[test]
fn attributes_of_random_tokens_are_never_a_panic() {
    let others = [
        "key",
        "with",
        "display",
        "default",
        "skip",
        "rename",
        "r#type",
        "gen",
        "self",
        "Self",
        "_",
        "'a",
        "=",
        "=",
        "=",
        ",",
        ",",
        "?",
        "::",
        "<",
        ">",
        "|",
        "-",
        "!",
        "$",
        "#",
        "&",
        "..",
        "0",
        "1",
        "2",
        "4294967296",
        "1.5",
        "\"\"",
        "\"a:b\"",
        "\"x\"",
        "\"kebab-case\"",
        "\"self\"",
        "b\"x\"",
        "(1 = f)",
        "(1 = f?, 2 = g)",
        "()",
        "(,)",
        "[]",
        "{ }",
        "(a = \"b\")",
        "A<B, C>",
        "<A as B>::c",
        "f",
    ];
    let words = [&placement::ENUM[..], &placement::VARIANT, &others].concat();
    let shapes = [
        "@E enum A { @E @S B { @T @S c: D, @T r#type: &'static [u8; 3] }, @E E(@T F), @E G(), @E H(I, J), K = 1 }",
        "@E @S struct A { @T @S b: Option<fn(C) -> D>, @T c: <E as F>::G, @T d: Self }",
        "@E @S struct A(@T @S B);",
        "@E @S struct A;",
        "@E enum A {}",
        "@E union A { @T b: C }",
        "@E enum A<'a, T: B, const N: usize> where T: C { @E D(@S &'a T) }",
    ];
    let mut state = 0x2545_f491_u32;
    let mut random = |bound: usize| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as usize % bound
    };
    let mut parsed = 0;
    for _ in 0..4_000 {
        let mut item = shapes[random(shapes.len())].to_owned();
        for (mark, name) in [("@E", "event"), ("@T", "tag"), ("@S", "serde")] {
            let tokens: Vec<_> = (0..random(8)).map(|_| words[random(words.len())]).collect();
            item = item.replace(mark, &format!("#[{name}({})]", tokens.join(" ")));
        }
        let Ok(node) = syn::parse_str(&item) else { continue };
        parsed += 1;
        for derive in DERIVES {
            let output = std::panic::catch_unwind(|| derive(&node).to_string());
            assert!(output.is_ok(), "{item}");
        }
    }
    assert!(parsed > 2_000, "{parsed}");
}

#[test]
fn expansions_are_those_that_were_reviewed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/expand");
    for name in ["enum_of_everything", "struct_event", "enum_of_events"] {
        let input = fs::read_to_string(folder.join(format!("{name}.rs"))).unwrap();
        let mut text = String::new();
        write(event(&syn::parse_str(&input).unwrap()), 0, &mut text);
        let path = folder.join(format!("{name}.expected.rs"));
        if std::env::var_os("FACTOS_BLESS").is_some_and(|value| value == "1") {
            fs::write(&path, &text).unwrap();
        }
        let expected = fs::read_to_string(&path).unwrap().replace("\r\n", "\n");
        let at = text.lines().zip(expected.lines()).position(|(a, b)| a != b);
        assert!(text == expected, "{name} expands otherwise from line {at:?} on: FACTOS_BLESS=1");
    }
}

/// Formats the code with one line for each statement, field and arm.
fn write(tokens: TokenStream, depth: usize, text: &mut String) {
    let mut line = TokenStream::new();
    for token in tokens {
        match token {
            TokenTree::Group(group) if is_block(&group) => {
                flush(&mut line, depth, " {", text);
                write(group.stream(), depth + 1, text);
                flush(&mut TokenStream::new(), depth, "}", text);
            }
            TokenTree::Punct(punct) if matches!(punct.as_char(), ';' | ',') => {
                flush(&mut line, depth, &punct.as_char().to_string(), text);
            }
            token => line.extend([token]),
        }
    }
    if !line.is_empty() {
        flush(&mut line, depth, "", text);
    }
}

/// The braces of a pattern or of an empty body stay on the line.
fn is_block(group: &Group) -> bool {
    group.delimiter() == Delimiter::Brace && group.stream().into_iter().nth(2).is_some()
}

fn flush(line: &mut TokenStream, depth: usize, end: &str, text: &mut String) {
    text.push_str(&"    ".repeat(depth));
    text.push_str(&std::mem::take(line).to_string());
    text.push_str(end);
    text.push('\n');
}
