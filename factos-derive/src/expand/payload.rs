use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{
    Data, DeriveInput, Field, Fields, GenericParam, Generics, WhereClause, WherePredicate,
    parse_quote,
};

use super::stored_fields::StoredFields;
use crate::{
    attr::{
        lint_attr,
        serde_attr::{self, Direction, TraitUse},
    },
    crate_path::CratePath,
    ident::{edition_free, generated, unraw},
    self_type,
};

/// The code of `#[derive(Payload)]`: serde's own derives, on a copy of the type.
pub(crate) fn payload(node: &DeriveInput) -> TokenStream {
    let factos = CratePath::of(node);
    let (ident, private) = (generated(&node.ident), quote!(#factos::__private));
    let (proxy, allowed) = (proxy(node, &factos), lint_attr::allowed(node));
    let (parameters, arguments, clause) = node.generics.split_for_impl();
    let write = implementation(node, &factos, Direction::Write);
    let read = implementation(node, &factos, Direction::Read);
    let (of_write, _, written) = write.split_for_impl();
    let (of_read, _, read) = read.split_for_impl();
    quote! {
        #allowed
        const _: () = {
            #proxy

            impl #parameters #private::NoSerdeProxy<#ident #arguments> for __FactosMirror #arguments
            #clause
            {
            }

            #[automatically_derived]
            impl #of_write #private::serde::Serialize for #ident #arguments #written {
                fn serialize<__S: #private::serde::Serializer>(
                    &self,
                    serializer: __S,
                ) -> ::core::result::Result<__S::Ok, __S::Error> {
                    use #private::NoSerdeProxy as _;
                    <__FactosMirror #arguments>::serialize(self, serializer)
                }
            }

            #[automatically_derived]
            impl #of_read #private::serde::Deserialize<'de> for #ident #arguments #read {
                fn deserialize<__D: #private::serde::Deserializer<'de>>(
                    deserializer: __D,
                ) -> ::core::result::Result<Self, __D::Error> {
                    use #private::NoSerdeProxy as _;
                    <__FactosMirror #arguments>::deserialize(deserializer)
                }
            }
        };
    }
}

/// The type's parameters, bounded by what the impl for this direction needs of them, as serde's derive does it.
fn implementation(node: &DeriveInput, factos: &CratePath, direction: Direction) -> Generics {
    let mut generics = node.generics.clone();
    let keys = serde_attr::keys(&node.attrs);
    let own = serde_attr::text(&keys, "bound", direction);
    let own = own.and_then(|own| syn::parse_str::<WhereClause>(&format!("where {own}")).ok());
    let serde = quote!(#factos::__private::serde);
    let bounded = node.generics.type_params().map(|parameter| -> WherePredicate {
        let ident = &parameter.ident;
        match direction {
            Direction::Write => parse_quote!(#ident: #serde::Serialize),
            Direction::Read => parse_quote!(#ident: #serde::Deserialize<'de>),
        }
    });
    let bounds: Vec<_> = match own {
        Some(own) => own.predicates.into_iter().collect(),
        None => bounded.collect(),
    };
    if !bounds.is_empty() {
        generics.make_where_clause().predicates.extend(bounds);
    }
    if direction == Direction::Read {
        generics.params.insert(0, parse_quote!('de));
    }
    generics
}

fn proxy(node: &DeriveInput, factos: &CratePath) -> TokenStream {
    let (path, remote) = (factos.serde(), edition_free(&node.ident).to_string());
    let container = serde_attr::matching(&node.attrs, |key| {
        !key.is("crate") && !key.is("remote") && !key.is_plain_default()
    });
    let default = serde_attr::container_default(node);
    let is_renamed = serde_attr::keys(&node.attrs).iter().any(|key| key.is("rename"));
    let name = (!is_renamed).then(|| unraw(&node.ident)).into_iter();
    let mut stored = StoredFields::default();
    let whole = TraitUse::of(&serde_attr::keys(&node.attrs));
    let mut copies = |parts: &Fields, outer: TraitUse| {
        fields(parts, |field| copy(node, field, &mut stored, outer))
    };
    // If the user renames the type for one direction only, serde uses this name in the other, and a codec
    // may store it: it must not change.
    let (generics, clause) = (&node.generics, &node.generics.where_clause);
    let item = match &node.data {
        Data::Struct(data) => {
            let (fields, semicolon) = (copies(&data.fields, whole), data.semi_token);
            match data.fields {
                Fields::Named(_) => quote!(struct __FactosMirror #generics #clause #fields),
                _ => quote!(struct __FactosMirror #generics #fields #clause #semicolon),
            }
        }
        Data::Enum(data) => {
            let variants = data.variants.iter().map(|variant| {
                let outer = whole.and(TraitUse::of(&serde_attr::keys(&variant.attrs)));
                let fields = copies(&variant.fields, outer);
                let (ident, attrs) = (generated(&variant.ident), serde_attr::of(&variant.attrs));
                quote!(#(#attrs)* #ident #fields)
            });
            quote!(enum __FactosMirror #generics #clause { #(#variants,)* })
        }
        Data::Union(_) => TokenStream::new(),
    };
    let checks = stored.checks(factos);
    let parameters: Vec<_> = node.generics.type_params().map(|own| own.ident.clone()).collect();
    let has_bound = serde_attr::keys(&node.attrs).iter().any(|key| key.is("bound"));
    let (write, read) =
        if has_bound { Default::default() } else { stored.bounds(factos, &parameters) };
    quote! {
        #checks

        #[derive(#factos::__private::serde::Serialize, #factos::__private::serde::Deserialize)]
        #[serde(crate = #path, remote = #remote #(, rename = #name)*)]
        #write
        #read
        #container
        #default
        #item
    }
}

fn fields(fields: &Fields, copy: impl FnMut(&Field) -> TokenStream) -> TokenStream {
    let copies = fields.iter().map(copy);
    match fields {
        Fields::Unit => TokenStream::new(),
        Fields::Named(_) => quote!({ #(#copies,)* }),
        Fields::Unnamed(_) => quote!((#(#copies,)*)),
    }
}

fn copy(
    node: &DeriveInput,
    field: &Field,
    stored: &mut StoredFields,
    outer: TraitUse,
) -> TokenStream {
    let ty = self_type::replaced(&field.ty, &node.ident);
    // Nothing is known of a parameter outside of the impl. Serde reports what is wrong with such a type.
    if !mentions(ty.to_token_stream(), &node.generics) {
        stored.add(&ty, &field.attrs, outer);
    }
    let (attrs, name) = (serde_attr::of(&field.attrs), field.ident.iter().map(generated));
    quote!(#(#attrs)* #(#name:)* #ty)
}

/// Whether a type names a parameter.
fn mentions(ty: TokenStream, generics: &Generics) -> bool {
    let is_parameter = |name: &proc_macro2::Ident| {
        generics.params.iter().any(|parameter| match parameter {
            GenericParam::Type(own) => own.ident == *name,
            GenericParam::Const(own) => own.ident == *name,
            GenericParam::Lifetime(_) => false,
        })
    };
    ty.into_iter().any(|token| match token {
        TokenTree::Ident(name) => is_parameter(&name),
        TokenTree::Group(group) => mentions(group.stream(), generics),
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}
