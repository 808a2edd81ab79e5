//! Uses of the traits of tag values, each with the spans of the type that it is used for.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{DeriveInput, GenericArgument, PathArguments, Type};

use crate::{
    attr::lint_attr,
    crate_path::CratePath,
    ident::{generated, unraw},
    newtype::Newtype,
    span,
    unit_enum::UnitEnum,
};

/// `<T as TagValue>`. All uses for one field carry the same spans: rustc then merges their errors.
pub(super) fn as_tag_value(factos: &CratePath, ty: &Type) -> TokenStream {
    let (start, end) = span::ends(ty);
    let factos = factos.at(end);
    let open = quote_spanned!(start=> <);
    let close = quote_spanned!(end=> as #factos::TagValue>);
    quote!(#open #ty #close)
}

/// The type whose text `display` makes: that of the elements of an `Option` or a `Vec`, or the type itself.
pub(super) fn displayed(ty: &Type) -> (&Type, bool) {
    let Type::Path(path) = ty else { return (ty, false) };
    let last = path.path.segments.last().filter(|_| path.qself.is_none());
    let Some(last) = last.filter(|last| last.ident == "Option" || last.ident == "Vec") else {
        return (ty, false);
    };
    match &last.arguments {
        PathArguments::AngleBracketed(arguments) if arguments.args.len() == 1 => {
            match arguments.args.first() {
                Some(GenericArgument::Type(element)) => (element, true),
                _ => (ty, false),
            }
        }
        _ => (ty, false),
    }
}

/// Passes on the texts of a field's value that is `Display`, or whose elements are.
pub(super) fn each_displayed_of_field(
    factos: &CratePath,
    ty: &Type,
    value: &TokenStream,
    f: &TokenStream,
) -> TokenStream {
    let (element, is_many) = displayed(ty);
    if !is_many {
        return each_displayed(factos, ty, value, f);
    }
    let each = each_displayed(factos, element, &quote!(__local_element), &quote!(__local_each));
    quote! {{
        let __local_each: &mut dyn ::core::ops::FnMut(&::core::primitive::str) = #f;
        for __local_element in ::core::iter::IntoIterator::into_iter(#value) {
            #each;
        }
    }}
}

/// Passes on the text of a value that is `Display`.
pub(super) fn each_displayed(
    factos: &CratePath,
    ty: &Type,
    value: &TokenStream,
    f: &TokenStream,
) -> TokenStream {
    let (start, end) = span::ends(ty);
    let factos = factos.at(start);
    let open = quote_spanned!(start=> #factos::__private::each_displayed::<);
    let arguments = quote_spanned!(end=> >(#value, #f));
    quote!(#open #ty #arguments)
}

/// `ArgOf<'_, T>`.
pub(super) fn argument(factos: &CratePath, ty: &Type) -> TokenStream {
    let (start, end) = span::ends(ty);
    let factos = factos.at(start);
    let open = quote_spanned!(start=> #factos::ArgOf<'_,);
    let close = quote_spanned!(end=> >);
    quote!(#open #ty #close)
}

/// The function that passes on the text of an argument of a query method.
pub(super) fn each_of_argument(factos: &CratePath, ty: &Type) -> TokenStream {
    let (start, end) = span::ends(ty);
    let value = as_tag_value(factos, ty);
    let factos = factos.at(end);
    let open = quote_spanned!(start=> <);
    let close = quote_spanned!(end=> ::Item as #factos::TagItem>::with_arg);
    quote!(#open #value #close)
}

/// The name of the type that a query of this field asks for.
pub(super) fn name_of_item(factos: &CratePath, ty: &Type) -> TokenStream {
    let (start, end) = span::ends(ty);
    let value = as_tag_value(factos, ty);
    let factos = factos.at(end);
    let open = quote_spanned!(start=> <);
    let close = quote_spanned!(end=> ::Item as #factos::TagItem>::TYPE);
    quote!(#open #value #close)
}

/// The code of `#[derive(TagValue)]` for a newtype.
pub(crate) fn tag_value(newtype: &Newtype<'_>) -> TokenStream {
    let (factos, member) = (&newtype.crate_path, &newtype.member);
    let inner = as_tag_value(factos, newtype.ty);
    impls(factos, newtype.node, &quote!(#inner::each(&self.#member, f);))
}

/// The code of `#[derive(TagValue)]` for an enum.
pub(crate) fn tag_value_of_enum(of: &UnitEnum<'_>) -> TokenStream {
    let variants = of.variants.iter().map(|(variant, _)| generated(variant));
    let texts = of.variants.iter().map(|(_, text)| text);
    let each = quote!(f(match self { #(Self::#variants => #texts,)* }););
    impls(&of.crate_path, of.node, &each)
}

/// The impls of a type that is its own item.
fn impls(factos: &CratePath, node: &DeriveInput, each: &TokenStream) -> TokenStream {
    let (ident, allowed) = (generated(&node.ident), lint_attr::allowed(node));
    let name = format!("::{}", unraw(&node.ident));
    quote! {
        #[automatically_derived]
        #allowed
        impl #factos::TagValue for #ident {
            type Item = Self;

            fn each(&self, f: &mut dyn ::core::ops::FnMut(&::core::primitive::str)) {
                #each
            }
        }

        #[automatically_derived]
        #allowed
        impl #factos::TagItem for #ident {
            type Arg<'a> = &'a Self;

            const TYPE: &'static ::core::primitive::str =
                ::core::concat!(::core::module_path!(), #name);

            fn with_arg(arg: &Self, f: &mut dyn ::core::ops::FnMut(&::core::primitive::str)) {
                <Self as #factos::TagValue>::each(arg, f);
            }
        }
    }
}
