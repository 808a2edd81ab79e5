//! The serde proxies of an event: private copies of its fields, for which serde derives `Serialize` and
//! `Deserialize` of a remote type.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::Attribute;

use super::{plain_reader, plain_writer, stored_fields::StoredFields};
use crate::{
    ast::{Body, Field, Input, Nested, StoredType},
    attr::serde_attr::{self, AROUND_FIELDS, AROUND_VARIANT, TraitUse},
    ident::{generated, unraw},
    span,
};

/// Keys that concern what is read only.
const READ: [&str; 4] = ["alias", "default", "deny_unknown_fields", "deserialize_with"];

/// The proxies, and the impl of `SerdePayload` that calls them.
pub(super) fn proxies(input: &Input<'_>) -> TokenStream {
    let (factos, ident) = (&input.crate_path, &input.ident);
    let private = quote!(#factos::__private);
    if input.types.is_empty() {
        return TokenStream::new();
    }
    let own = input.attr.codec.as_ref().map(ToTokens::to_token_stream);
    let codec = own.unwrap_or_else(|| quote!(#private::Codec));
    let (proxies, write, read) = if input.is_enum {
        let name = unraw(ident);
        (
            of_enum(input),
            quote!(__FactosWrite),
            quote!(__FactosRead::deserialize(#private::AsVariant::new(variant, #name, deserializer))),
        )
    } else {
        (
            of_struct(input),
            quote!(__FactosMirror),
            quote!(__FactosMirror::deserialize(deserializer)),
        )
    };
    quote! {
        #proxies

        #[automatically_derived]
        impl #private::SerdePayload for #ident {
            type Codec = #codec;

            const EQUAL: #private::Equality<Self> = {
                use #private::NoEqual as _;
                #private::Equal::<Self>::FUNCTION
            };

            fn write<__S: #private::serde::Serializer>(
                &self,
                serializer: __S,
            ) -> ::core::result::Result<__S::Ok, __S::Error> {
                use #private::NoSerdeProxy as _;
                #write::serialize(self, serializer)
            }

            fn read<'de, __D: #private::serde::Deserializer<'de>>(
                variant: ::core::primitive::u32,
                deserializer: __D,
            ) -> ::core::result::Result<Self, __D::Error> {
                use #private::NoSerdeProxy as _;
                let _ = variant;
                #read
            }
        }
    }
}

fn of_enum(input: &Input<'_>) -> TokenStream {
    let (factos, ident) = (&input.crate_path, &input.ident);
    let (path, remote) = (factos.serde(), ident.to_string());
    let container = serde_attr::matching(&input.node.attrs, |key| {
        !key.is_one_of(&AROUND_FIELDS) && !key.is("rename_all")
    });
    let mut fields = StoredFields::default();
    let own = input.types.iter().map(|stored| variant(stored, &mut fields));
    let variants = own.chain(input.nested.iter().map(skipped)).collect::<Vec<_>>();
    let (checks, (write, read)) = (fields.checks(factos), fields.bounds(factos, &[]));
    let writer = if is_plain(input, &READ) {
        span::hygienic(plain_writer::writer(input, &fields.written_bounds(factos)))
    } else {
        quote! {
            #[derive(#factos::__private::serde::Serialize)]
            #[serde(crate = #path, remote = #remote, untagged)]
            #write
            #container
            enum __FactosWrite { #(#variants,)* }
        }
    };
    let reader = if is_plain(input, &[]) {
        span::hygienic(plain_reader::reader(input, &fields))
    } else {
        quote! {
            #[derive(#factos::__private::serde::Deserialize)]
            #[serde(crate = #path, remote = #remote)]
            #read
            #container
            enum __FactosRead { #(#variants,)* }
        }
    };
    quote! {
        #checks

        #writer

        impl #factos::__private::NoSerdeProxy<#ident> for __FactosWrite {}

        #reader

        impl #factos::__private::NoSerdeProxy<#ident> for __FactosRead {}
    }
}

/// Whether the fields have no attribute of serde but these, and nothing around them changes theirs.
fn is_plain(input: &Input<'_>, harmless: &[&str]) -> bool {
    let is_plain = |attrs: &[Attribute], around: &[&str]| {
        let keys = serde_attr::keys(attrs);
        keys.iter().all(|key| key.is_one_of(harmless) || key.is_one_of(around))
    };
    let mut types = input.types.iter();
    is_plain(&input.node.attrs, &AROUND_FIELDS)
        && types.all(|stored| {
            is_plain(stored.attrs, &AROUND_VARIANT)
                && stored.body.parts().iter().all(|field| is_plain(field.attrs, &[]))
        })
}

/// The variant of a proxy. A unit variant gets braces: it is written as `{}`, and can get fields with
/// defaults later.
fn variant(stored: &StoredType<'_>, all: &mut StoredFields) -> TokenStream {
    let ident = generated(stored.ident);
    let attr = serde_attr::matching(stored.attrs, |key| !key.is_one_of(&AROUND_VARIANT));
    let mut keys = serde_attr::keys(stored.attrs);
    keys.retain(|key| !key.is_one_of(&AROUND_VARIANT));
    let outer = TraitUse::of(&keys);
    match &stored.body {
        Body::Unit => quote!(#attr #ident {}),
        Body::Named(fields) => {
            let fields = fields.iter().map(|f| field(f, outer, all));
            quote!(#attr #ident { #(#fields,)* })
        }
        Body::Newtype(payload) => {
            let (attrs, ty) = (payload.attrs, &payload.ty);
            all.add_whole(ty, attrs, outer);
            let attrs = serde_attr::of(attrs);
            quote!(#attr #ident(#(#attrs)* #ty))
        }
    }
}

/// The variant of a nested event, which is written and read by its own type.
fn skipped(nested: &Nested<'_>) -> TokenStream {
    let (ident, ty) = (generated(nested.ident), &nested.ty);
    quote!(#[serde(skip)] #ident(#ty))
}

fn of_struct(input: &Input<'_>) -> TokenStream {
    let (factos, ident) = (&input.crate_path, &input.ident);
    let (path, remote) = (factos.serde(), ident.to_string());
    let container = serde_attr::matching(&input.node.attrs, |key| {
        !key.is_one_of(&AROUND_FIELDS) && !key.is_plain_default()
    });
    let default = serde_attr::container_default(input.node);
    let mut all = StoredFields::default();
    let outer = TraitUse::of(&[]);
    let fields = input.types.iter().flat_map(|stored| stored.body.fields());
    let fields = fields.map(|f| field(f, outer, &mut all)).collect::<Vec<_>>();
    let (checks, (write, read)) = (all.checks(factos), all.bounds(factos, &[]));
    // Serializers see the name of this struct, and a codec may store it: it must not change.
    quote! {
        #checks

        #[derive(#factos::__private::serde::Serialize, #factos::__private::serde::Deserialize)]
        #[serde(crate = #path, remote = #remote)]
        #write
        #read
        #container
        #default
        struct __FactosMirror { #(#fields,)* }

        impl #factos::__private::NoSerdeProxy<#ident> for __FactosMirror {}
    }
}

fn field(field: &Field<'_>, outer: TraitUse, all: &mut StoredFields) -> TokenStream {
    all.add(&field.ty, field.attrs, outer);
    let attrs = serde_attr::of(field.attrs);
    let (ident, ty) = (generated(field.ident), &field.ty);
    quote!(#(#attrs)* #ident: #ty)
}
