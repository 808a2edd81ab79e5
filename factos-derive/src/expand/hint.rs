use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote};

use crate::{ast::Input, ident::unraw, span};

/// A macro whose name says what to write where an item that it makes is defined twice.
///
/// rustc alone finds such an item, and a macro that made it is the only part of its error that can be chosen.
pub(super) struct Hint<'a> {
    /// Words, joined by underscores.
    pub(super) name: String,
    /// The lints that would find fault with the item. Those of a macro of the user's crate concern the user.
    pub(super) allowed: TokenStream,
    pub(super) span: Span,
    /// Begins the item: `$($vis)*` stands for it, so that it keeps the context that it came from.
    pub(super) vis: &'a syn::Visibility,
}

impl<'a> Hint<'a> {
    /// For a method that the event type may have already.
    pub(super) fn method(name: &str, input: &'a Input<'_>) -> Self {
        let event = unraw(&input.node.ident);
        Self {
            name: format!("rename_the_other_{name}_of_{event}"),
            allowed: quote!(dead_code),
            span: Span::call_site(),
            vis: &input.node.vis,
        }
    }

    /// The item, made by the macro.
    pub(super) fn item(&self, item: &TokenStream) -> TokenStream {
        let (name, allowed, vis) = (format_ident!("{}", self.name), &self.allowed, self.vis);
        let call = span::at(self.span, quote!(#name!));
        quote! {
            macro_rules! #name { ($($vis:tt)*) => { #[allow(#allowed)] #item } }
            #call { #vis }
        }
    }
}
