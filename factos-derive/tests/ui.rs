//! Code that must not compile, with its messages, and code that must.

#[test]
fn mistakes_are_reported_where_they_stand() {
    trybuild::TestCases::new().compile_fail("tests/ui/fail/*.rs");
}

#[test]
fn unusual_surroundings_do_not_matter() {
    trybuild::TestCases::new().pass("tests/ui/pass/*.rs");
}
