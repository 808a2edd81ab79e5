use proc_macro2::{Ident, Span};

/// The name of an identifier, for messages and comparisons: without the `r#` of a raw one.
pub(crate) fn unraw(ident: &Ident) -> String {
    syn::ext::IdentExt::unraw(ident).to_string()
}

/// The same identifier with the hygiene of the macro, which keeps lints on generated code silent.
pub(crate) fn generated(ident: &Ident) -> Ident {
    let span = Span::call_site().located_at(ident.span());
    let mut ident = edition_free(ident);
    ident.set_span(span);
    ident
}

/// The same identifier, raw if it is a keyword of the macro's edition and a name in an older one.
pub(crate) fn edition_free(ident: &Ident) -> Ident {
    let is_keyword = ["async", "await", "dyn", "gen", "try"].iter().any(|word| ident == word);
    if is_keyword { Ident::new_raw(&ident.to_string(), ident.span()) } else { ident.clone() }
}
