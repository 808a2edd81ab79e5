use proc_macro2::{Ident, Span};

/// The name of an identifier, for messages and comparisons: without the `r#` of a raw one.
pub(crate) fn unraw(ident: &Ident) -> String {
    syn::ext::IdentExt::unraw(ident).to_string()
}

/// The same identifier with the hygiene of the macro, which keeps lints on generated code silent.
pub(crate) fn generated(ident: &Ident) -> Ident {
    let span = Span::call_site().located_at(ident.span());
    // A keyword of the macro's edition may be a name in the user's edition.
    let mut ident = if ident == "gen" { Ident::new_raw("gen", span) } else { ident.clone() };
    ident.set_span(span);
    ident
}
