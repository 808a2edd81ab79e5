//! The typed query of an event.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote};
use syn::Type;

use super::tag_value::{argument, each_of_argument, span_ends};
use crate::{
    ast::{Field, Input, Tag},
    attr::unraw,
};

/// The query struct, with methods that ask for the value types of the fields.
pub(super) fn typed(input: &Input<'_>) -> TokenStream {
    let methods = keys(input).into_iter();
    builder(input, methods.map(|(field, tag)| method(input, field, tag)))
}

/// The query struct, with methods that take anything: after an error the field types may have no value.
pub(crate) fn loose(input: &Input<'_>) -> TokenStream {
    let mut methods: Vec<_> = input.tags().filter_map(|(_, tag)| tag.method.as_ref()).collect();
    methods.sort_unstable();
    methods.dedup();
    let loose = methods.iter().map(|method| {
        quote! {
            #[doc = "A stub."]
            pub fn #method<__V>(self, _: __V) -> Self {
                self
            }
        }
    });
    builder(input, loose)
}

fn builder(input: &Input<'_>, methods: impl Iterator<Item = TokenStream>) -> TokenStream {
    let facade = &input.facade;
    let (vis, ident) = (&input.node.vis, &input.node.ident);
    let (name, query) = (unraw(ident), name(input));
    let on_struct =
        format!("A query of [`{name}`] events: those that carry every tag that it was given.");
    let on_query = format!("Every [`{name}`] event, to be narrowed by tags.");
    quote! {
        #[doc = #on_struct]
        #[derive(::core::fmt::Debug, ::core::clone::Clone)]
        #[must_use = "a query selects nothing until it is asked"]
        #vis struct #query(#facade::__private::Item);

        #[automatically_derived]
        impl #query {
            #(#methods)*
        }

        #[automatically_derived]
        impl #ident {
            #[doc = #on_query]
            #vis const fn query() -> #query {
                #query(#facade::__private::Item::new(#name))
            }
        }

        #[automatically_derived]
        impl ::core::convert::From<#query> for #facade::QueryFor<#ident> {
            fn from(query: #query) -> Self {
                query.0.finish()
            }
        }

        #[automatically_derived]
        impl<__Q> ::core::ops::BitOr<__Q> for #query
        where
            __Q: ::core::convert::Into<#facade::QueryFor<#ident>>,
        {
            type Output = #facade::QueryFor<#ident>;

            fn bitor(self, other: __Q) -> #facade::QueryFor<#ident> {
                let query: #facade::QueryFor<#ident> = self.0.finish();
                ::core::ops::BitOr::bitor(query, other)
            }
        }
    }
}

/// Each key once, with the first field that carries it.
fn keys<'a, 'i>(input: &'a Input<'i>) -> Vec<(&'a Field<'i>, &'a Tag<'i>)> {
    let mut keys: Vec<(&Field<'_>, &Tag<'_>)> = Vec::new();
    for (field, tag) in input.tags() {
        if keys.iter().all(|(_, known)| known.key != tag.key) {
            keys.push((field, tag));
        }
    }
    keys
}

fn name(input: &Input<'_>) -> syn::Ident {
    let ident = &input.node.ident;
    format_ident!("{}Query", unraw(ident), span = Span::call_site().located_at(ident.span()))
}

fn method(input: &Input<'_>, field: &Field<'_>, tag: &Tag<'_>) -> TokenStream {
    let facade = &input.facade;
    let (key, method) = (&tag.key, &tag.method);
    let argument = argument(facade, &field.ty);
    let each = each_of_argument(facade, &field.ty);
    let doc = format!("Narrows the query to events with the tag `{key}` of this value.");
    quote! {
        #[doc = #doc]
        pub fn #method(self, value: #argument) -> Self {
            Self(self.0.tagged(#key, |__f| #each(value, __f)))
        }
    }
}

/// Checks that fields of one key have values of one type, where their types are not spelled alike.
pub(super) fn same_items(input: &Input<'_>) -> TokenStream {
    let mut checks = TokenStream::new();
    for (first, first_tag) in keys(input) {
        let mut seen = vec![spelled(&first.ty)];
        for (field, tag) in input.tags() {
            let spelling = spelled(&field.ty);
            if tag.key == first_tag.key && !seen.contains(&spelling) {
                seen.push(spelling);
                checks.extend(same_item(input, &first.ty, &field.ty));
            }
        }
    }
    checks
}

fn same_item(input: &Input<'_>, first: &Type, later: &Type) -> TokenStream {
    let (start, end) = span_ends(later);
    let path = input.facade.at(start);
    let function = quote::quote_spanned!(start=> #path::__private::same_item);
    let call = quote::quote_spanned!(end=> ());
    quote!(const _: () = #function::<#first, #later> #call;)
}

fn spelled(ty: &Type) -> String {
    ty.to_token_stream().to_string()
}
