//! What asks for JSON does not compile, and says which feature it needs.

#[test]
fn the_missing_feature_is_named() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
