use std::hash::{DefaultHasher, Hash, Hasher};

use proc_macro2::{Delimiter, Group, Span, TokenStream};
use quote::{ToTokens, format_ident, quote};
use syn::{Ident, Visibility, parse_quote};

use crate::{
    ast::Input,
    ident::{generated, unraw},
    span,
};

/// A type that is generated beside the event: its kind or its query.
pub(super) struct Companion<'a> {
    input: &'a Input<'a>,
    /// The name of the type for the user.
    pub(super) name: Ident,
    /// The module that holds the type. Generated code names the type through it, so that another item
    /// of the same name does no harm.
    pub(super) module: Ident,
    /// `kind` or `query`, for messages. The attribute key that sets the name is the same word.
    what: &'static str,
    /// The span of the given name, or of the derive.
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

    /// The visibility of the event, spelled for an item within `module`.
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

    /// Defines the type and imports it under its name. If the name is taken, everything else still
    /// compiles.
    pub(super) fn define(&self, item: &TokenStream) -> TokenStream {
        let (module, allowed, import) = (&self.module, &self.input.allowed, self.import());
        quote! {
            #allowed
            mod #module {
                #item
            }

            #import
        }
    }

    /// Imports the type by a macro whose name says what to write where its name is taken.
    fn import(&self) -> TokenStream {
        let (factos, vis) = (&self.input.crate_path, &self.input.node.vis);
        let (module, name, what) = (&self.module, &self.name, self.what);
        let import = format_ident!("name_the_{what}_by_event_{what}");
        // rustc suggests renaming the import, unless the imported name has another span.
        let mut item = name.clone();
        item.set_span(self.input.node.ident.span());
        let path = span::at(self.span, quote!(#factos::__private::#import!));
        let tokens = quote!([#vis] #module #item #name);
        let mut tokens = Group::new(Delimiter::Brace, tokens);
        tokens.set_span(self.span);
        quote!(#path #tokens)
    }
}

/// A number that differs between events. A child module may import everything from its parent and have
/// an event of the same name: their generated modules still differ.
fn fingerprint(input: &Input<'_>) -> String {
    let mut hasher = DefaultHasher::new();
    input.node.to_token_stream().to_string().hash(&mut hasher);
    format!("{:016x}", hasher.finish())[..8].to_owned()
}
