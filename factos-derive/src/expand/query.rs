//! The typed query of an event.

use std::mem::discriminant;

use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote};
use syn::Type;

use super::{
    companion::Companion,
    tag_value::{argument, displayed, each_displayed, each_of_argument},
    tags::each_of_function,
};
use crate::{
    ast::{Field, Input, Tag},
    attr::TagConversion,
    ident::unraw,
    span,
};

/// The query struct, with methods that ask for the value types of the fields.
pub(super) fn typed(input: &Input<'_>) -> TokenStream {
    let methods = keys(input).into_iter().map(|(field, tag)| method(input, field, tag));
    builder(input, methods.chain(of_kinds(input)))
}

/// The method that narrows the query to some kinds; a struct has none.
fn of_kinds(input: &Input<'_>) -> Option<TokenStream> {
    let (factos, vis, ident) = (&input.crate_path, &input.node.vis, &input.ident);
    let kind = input.is_enum.then(|| Companion::kind(input))?;
    let (module, kind) = (&kind.module, &kind.name);
    Some(quote! {
        #[doc = "Narrows the query to events of these kinds, under all of their names. A kind that never carries"]
        #[doc = "the tags of the query makes it invalid."]
        #vis fn only(
            self,
            kinds: impl ::core::iter::IntoIterator<Item = #module::#kind>,
        ) -> #factos::QueryFor<#ident> {
            #factos::QueryFor::only(::core::convert::From::from(self), kinds)
        }
    })
}

/// The query struct, with methods that accept any argument: after an error the types of fields may be
/// no tag values.
pub(crate) fn stub(input: &Input<'_>) -> TokenStream {
    let mut methods: Vec<_> = input.tags().filter_map(|(_, tag)| tag.method.as_ref()).collect();
    methods.sort_unstable();
    methods.dedup();
    let stubs = methods.iter().map(|method| {
        quote! {
            #[doc = "A stub."]
            pub fn #method<__V>(self, _: __V) -> Self {
                self
            }
        }
    });
    let (factos, ident) = (&input.crate_path, &input.ident);
    let only = quote! {
        #[doc = "A stub."]
        pub fn only<__V>(self, _: __V) -> #factos::QueryFor<#ident> {
            ::core::convert::From::from(self)
        }
    };
    builder(input, stubs.chain([only]))
}

fn builder(input: &Input<'_>, methods: impl Iterator<Item = TokenStream>) -> TokenStream {
    let (factos, allowed) = (&input.crate_path, &input.allowed);
    let (vis, ident) = (&input.node.vis, &input.ident);
    let companion = Companion::query(input);
    let (name, module, query) = (unraw(ident), &companion.module, &companion.name);
    let query_of = quote!(#factos::__private::query_of::<#ident>);
    let on_struct = format!(
        "A query of [`{name}`](super::{name}) events: those that carry every tag that it was given."
    );
    let on_widen = format!("The same query, for an event type that includes [`{name}`].");
    let on_query = format!("Every [`{name}`] event, to be narrowed by tags.");
    let inner_vis = companion.vis();
    let definition = companion.define(&quote! {
        #[doc = #on_struct]
        #[derive(::core::fmt::Debug, ::core::clone::Clone)]
        #[must_use = "a query selects nothing until it is asked"]
        #inner_vis struct #query(
            pub(super) ::std::vec::Vec<(&'static ::core::primitive::str, ::std::string::String)>,
        );
    });
    quote! {
        #definition

        #allowed
        impl #module::#query {
            #(#methods)*

            #[doc = "The same tags, of events of any type: see `QueryFor::any_type`."]
            #vis fn any_type(self) -> #factos::QueryFor<#ident> {
                #factos::QueryFor::any_type(#query_of(&self.0, #name))
            }

            #[doc = #on_widen]
            #vis fn widen<__W: #factos::Includes<#ident>>(self) -> #factos::QueryFor<__W> {
                #factos::QueryFor::widen(#query_of(&self.0, #name))
            }
        }

        #factos::__private::rename_the_other_method_query! {
            #allowed [#vis] #ident, #[doc = #on_query], #module::#query
        }

        #[automatically_derived]
        #allowed
        impl #factos::__private::Converts<#module::#query, #factos::QueryFor<#ident>>
            for #factos::__private::Conversion
        {
            fn convert(query: #module::#query) -> #factos::QueryFor<#ident> {
                #query_of(&query.0, #name)
            }
        }

        #[automatically_derived]
        #allowed
        impl #factos::IntoQuery for #module::#query {
            fn into_query(self) -> ::core::result::Result<#factos::Query, #factos::InvalidQuery> {
                #factos::QueryFor::into_query(#query_of(&self.0, #name))
            }
        }

        #[automatically_derived]
        impl #factos::__private::TypedQuery<#ident> for #module::#query {}

        #[automatically_derived]
        #allowed
        impl<__Q> ::core::ops::BitOr<__Q> for #module::#query
        where
            __Q: #factos::__private::TypedQuery<#ident>,
        {
            type Output = #factos::QueryFor<#ident>;

            fn bitor(self, other: __Q) -> #factos::QueryFor<#ident> {
                ::core::ops::BitOr::bitor(#query_of(&self.0, #name), other)
            }
        }
    }
}

/// Each key once, with the first field that carries it. Fields without `with` and `display` come before
/// those with one of them.
pub(super) fn keys<'a, 'i>(input: &'a Input<'i>) -> Vec<(&'a Field<'i>, &'a Tag<'i>)> {
    let mut keys: Vec<(&Field<'_>, &Tag<'_>)> = Vec::new();
    for (field, tag) in input.tags() {
        let is_value = |tag: &Tag<'_>| matches!(tag.conversion, TagConversion::Value);
        match keys.iter_mut().find(|(_, known)| known.key == tag.key) {
            None => keys.push((field, tag)),
            Some(known) if is_value(tag) && !is_value(known.1) => *known = (field, tag),
            Some(_) => {}
        }
    }
    keys
}

fn method(input: &Input<'_>, field: &Field<'_>, tag: &Tag<'_>) -> TokenStream {
    let factos = &input.crate_path;
    let (key, method) = (&tag.key, &tag.method);
    let doc = format!("Narrows the query to events with the tag `{key}` of this value.");
    let (argument, each) = match &tag.conversion {
        TagConversion::Value => {
            let each = each_of_argument(factos, &field.ty);
            (argument(factos, &field.ty), quote!(#each(__local_value, __local_f)))
        }
        TagConversion::With { value: Some(ty), .. } => {
            let each = each_of_argument(factos, ty);
            (argument(factos, ty), quote!(#each(__local_value, __local_f)))
        }
        TagConversion::With { function, value: None } => {
            let ty = &field.ty;
            (
                quote!(&#ty),
                each_of_function(factos, function, &quote!(__local_value), &quote!(__local_f)),
            )
        }
        TagConversion::Display => {
            let (ty, _) = displayed(&field.ty);
            (quote!(&#ty), each_displayed(factos, ty, &quote!(__local_value), &quote!(__local_f)))
        }
    };
    span::hygienic(quote! {
        #[doc = #doc]
        pub fn #method(self, __local_value: #argument) -> Self {
            Self(#factos::__private::tagged(self.0, #key, |__local_f| #each))
        }
    })
}

/// Checks that fields of one key have values of one type, where their types are not spelled alike.
pub(super) fn same_tag_types(input: &Input<'_>) -> TokenStream {
    let mut checks = TokenStream::new();
    for (first, first_tag) in keys(input) {
        let Some((check, first_type)) = compared(first, first_tag) else { continue };
        let mut seen = vec![spelled(first_type)];
        for (field, tag) in input.tags() {
            let is_alike = discriminant(&tag.conversion) == discriminant(&first_tag.conversion);
            let Some((_, ty)) = compared(field, tag).filter(|_| is_alike) else { continue };
            let spelling = spelled(ty);
            if tag.key == first_tag.key && !seen.contains(&spelling) {
                seen.push(spelling);
                checks.extend(same(input, check, first_type, ty));
            }
        }
    }
    checks
}

/// The check for fields of one key, and what it looks at of this one.
fn compared<'a>(field: &'a Field<'_>, tag: &'a Tag<'_>) -> Option<(&'static str, &'a Type)> {
    match &tag.conversion {
        TagConversion::Value => Some(("same_tag_type", &field.ty)),
        TagConversion::Display => Some(("same_type", displayed(&field.ty).0)),
        TagConversion::With { value, .. } => Some(("same_tag_type", value.as_deref()?)),
    }
}

fn same(input: &Input<'_>, check: &str, first: &Type, later: &Type) -> TokenStream {
    let (start, end) = span::ends(later);
    let (path, check) = (input.crate_path.at(start), format_ident!("{check}", span = start));
    let function = quote::quote_spanned!(start=> #path::__private::#check);
    let call = quote::quote_spanned!(end=> ());
    quote!(const _: () = #function::<#first, #later> #call;)
}

fn spelled(ty: &Type) -> String {
    ty.to_token_stream().to_string()
}
