//! Derive macros of factos.
use proc_macro::TokenStream;
/// x
#[proc_macro_derive(Event)]
pub fn event(_: TokenStream) -> TokenStream {
    TokenStream::new()
}
/// x
#[proc_macro_derive(TagValue)]
pub fn t(_: TokenStream) -> TokenStream {
    TokenStream::new()
}
/// x
#[proc_macro_derive(Payload)]
pub fn p(_: TokenStream) -> TokenStream {
    TokenStream::new()
}
