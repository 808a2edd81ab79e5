use std::hash::{DefaultHasher, Hash, Hasher};

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote};
use syn::{Ident, Visibility, parse_quote};

use crate::{
    ast::Input,
    ident::{generated, unraw},
    span,
};

/// A type that is made beside the event.
pub(super) struct Companion<'a> {
    input: &'a Input<'a>,
    /// What the user calls it.
    pub(super) name: Ident,
    /// Where generated code finds it, whatever else has its name.
    pub(super) module: Ident,
    /// What it is, and the key that names it.
    what: &'static str,
    /// Where the name comes from: the key, or the derive.
    span: Span,
}

impl<'a> Companion<'a> {
    pub(super) fn kind(input: &'a Input<'a>) -> Self {
        Self::new(input, "kind", "Kind", input.attr.kind.as_ref())
    }

    pub(super) fn query(input: &'a Input<'a>) -> Self {
        Self::new(input, "query", "Query", input.attr.query.as_ref())
    }

    fn new(input: &'a Input<'a>, what: &'static str, suffix: &str, own: Option<&Ident>) -> Self {
        let ident = &input.node.ident;
        let event = unraw(ident);
        let span = Span::call_site().located_at(ident.span());
        let module = format_ident!("__{event}{suffix}_{}", fingerprint(input), span = span);
        let name = own.cloned();
        let name = name.unwrap_or_else(|| format_ident!("{event}{suffix}", span = span));
        let span = own.map_or_else(Span::call_site, |own| generated(own).span());
        Self { input, name, module, what, span }
    }

    /// The visibility of the event, as it is spelled one module further in.
    pub(super) fn vis(&self) -> Visibility {
        let Visibility::Restricted(restricted) = &self.input.node.vis else {
            return match &self.input.node.vis {
                Visibility::Inherited => parse_quote!(pub(super)),
                vis => vis.clone(),
            };
        };
        let path = &restricted.path;
        let first = path.segments.first().map(|segment| segment.ident.to_string());
        match first.as_deref() {
            Some("self") => {
                let rest = path.segments.iter().skip(1);
                parse_quote!(pub(in super #(::#rest)*))
            }
            Some("super") => parse_quote!(pub(in super::#path)),
            _ => self.input.node.vis.clone(),
        }
    }

    /// The type under its name. That may turn out to be taken: everything else compiles nonetheless.
    pub(super) fn define(&self, item: &TokenStream) -> TokenStream {
        let (vis, module, name) = (&self.input.node.vis, &self.module, &self.name);
        let (mut from, mut to) = (module.clone(), name.clone());
        from.set_span(self.span);
        to.set_span(self.span);
        // rustc advises to rename an import, unless what is imported stands elsewhere.
        let mut item_name = name.clone();
        item_name.set_span(self.input.node.ident.span());
        let check = self.check();
        quote! {
            mod #module {
                #item
            }

            #vis use #from::#item_name as #to;

            #check
        }
    }

    /// Compiles if the name stands for the type.
    fn check(&self) -> TokenStream {
        let (factos, module, name) = (&self.input.crate_path, &self.module, &self.name);
        let (event, what) = (unraw(&self.input.node.ident), self.what);
        let text =
            format!("`{name}` is taken: name the {what} of `{event}` by `#[event({what} = Name)]`");
        let assertion = quote! {
            ::core::assert!(
                !#factos::__private::NameClash::<#module::#name, #name>::EXISTS,
                #text
            )
        };
        let assertion = span::at(name.span(), assertion);
        quote! {
            const _: () = {
                use #factos::__private::ClashingName as _;
                #assertion;
            };
        }
    }
}

/// Another number for each event: a child module that takes over all names has none of them twice, although
/// its own event may have the name of one of them.
fn fingerprint(input: &Input<'_>) -> String {
    let mut hasher = DefaultHasher::new();
    input.node.to_token_stream().to_string().hash(&mut hasher);
    format!("{:016x}", hasher.finish())[..8].to_owned()
}
