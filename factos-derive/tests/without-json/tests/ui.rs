//! Code that needs JSON does not compile, and the error names the feature.

#[test]
fn the_missing_feature_is_named() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
