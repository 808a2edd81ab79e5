use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::Ident;

use super::nested;
use crate::{
    ast::{Input, StoredType},
    attr::Step,
};

/// The method `decode`.
pub(super) fn decode(input: &Input<'_>) -> TokenStream {
    let facade = &input.facade;
    let arms = input.types.iter().zip(0_u32..).map(|(stored, index)| {
        let names = names(stored);
        let value = if has_steps(stored) {
            let function = upcast_name(index);
            quote!(#function(__version, __payload))
        } else {
            current(input, stored, index)
        };
        quote!(#names => #value,)
    });
    let unknown = unknown(input);
    quote! {
        fn decode(
            __event_type: &#facade::EventType,
            __version: ::core::primitive::u32,
            __payload: &[::core::primitive::u8],
        ) -> ::core::result::Result<Self, #facade::Undecodable> {
            match #facade::EventType::as_str(__event_type) {
                #(#arms)*
                _ => #unknown,
            }
        }
    }
}

/// The name and the aliases, as a pattern.
pub(super) fn names(stored: &StoredType<'_>) -> TokenStream {
    let (name, aliases) = (&stored.name.text, &stored.aliases);
    quote!(#name #(| #aliases)*)
}

fn unknown(input: &Input<'_>) -> TokenStream {
    let facade = &input.facade;
    let unknown = quote!(#facade::Undecodable::UnknownType);
    let none = quote!(::core::result::Result::Err(#unknown));
    input.nested.iter().rfold(none, |otherwise, nested| {
        let (ident, event) = (nested.ident, nested::as_event(facade, &nested.ty));
        quote! {
            match #event::decode(__event_type, __version, __payload) {
                ::core::result::Result::Ok(__inner) => {
                    ::core::result::Result::Ok(Self::#ident(__inner))
                }
                ::core::result::Result::Err(#unknown) => #otherwise,
                ::core::result::Result::Err(__error) => ::core::result::Result::Err(__error),
            }
        }
    })
}

/// The payload of the current version, and an error for any other.
fn current(input: &Input<'_>, stored: &StoredType<'_>, index: u32) -> TokenStream {
    let (facade, ident, codec) = (&input.facade, &input.node.ident, input.codec());
    let (since, version) = (stored.oldest(), stored.version.number);
    quote! {
        #facade::__private::decode::<#codec, #ident>(
            #index,
            #since,
            #version,
            __version,
            __payload,
        )
    }
}

fn has_steps(stored: &StoredType<'_>) -> bool {
    !stored.upcast.is_empty() || !stored.upcast_json.is_empty()
}

fn upcast_name(index: u32) -> Ident {
    format_ident!("__upcast{index}")
}

/// A function for each stored type with older versions. Locals have names that no function of the user
/// has, since those are in scope as well.
pub(super) fn upcasts(input: &Input<'_>) -> TokenStream {
    let stored = input.types.iter().zip(0_u32..).filter(|(stored, _)| has_steps(stored));
    stored.map(|(stored, index)| upcast(input, stored, index)).collect()
}

fn upcast(input: &Input<'_>, stored: &StoredType<'_>, index: u32) -> TokenStream {
    let (facade, ident) = (&input.facade, &input.node.ident);
    let name = upcast_name(index);
    let json = json_steps(input, stored);
    let current = current(input, stored, index);
    let typed = typed_steps(input, stored, current);
    quote! {
        fn #name(
            __version: ::core::primitive::u32,
            __payload: &[::core::primitive::u8],
        ) -> ::core::result::Result<#ident, #facade::Undecodable> {
            #json
            #typed
        }
    }
}

fn json_steps(input: &Input<'_>, stored: &StoredType<'_>) -> TokenStream {
    if stored.upcast_json.is_empty() {
        return TokenStream::new();
    }
    let private = &input.facade;
    let steps = stored.upcast_json.iter().map(|step| {
        let (from, path, span) = (step.from, &step.path, step.span());
        let call = quote_spanned!(span=> __json.step(#from, #path));
        quote!(#call?;)
    });
    quote! {
        let mut __json = #private::__private::JsonSteps::new(__version, __payload);
        #(#steps)*
        let (__version, __payload) = __json.finish()?;
        let __payload: &[::core::primitive::u8] = &__payload;
    }
}

/// Each function is called once, whatever the stored version: a mismatch is reported once.
fn typed_steps(input: &Input<'_>, stored: &StoredType<'_>, current: TokenStream) -> TokenStream {
    let Some((last, earlier)) = stored.upcast.split_last() else {
        return current;
    };
    let ident = &input.node.ident;
    let start = quote!(let __old = ::core::option::Option::None;);
    let earlier = earlier.iter().map(|step| {
        let (input_of, call) = (old(input, step), called(input, step));
        quote! {
            #input_of
            let __old = match __old {
                ::core::option::Option::Some(__old) => {
                    let __next = #call;
                    ::core::option::Option::Some(__next)
                }
                ::core::option::Option::None => ::core::option::Option::None,
            };
        }
    });
    let (input_of, call) = (old(input, last), called(input, last));
    quote! {
        #start
        #(#earlier)*
        #input_of
        match __old {
            ::core::option::Option::Some(__old) => {
                let __event: #ident = #call;
                ::core::result::Result::Ok(__event)
            }
            ::core::option::Option::None => #current,
        }
    }
}

/// What the step starts from: the result of the one before, or the stored payload.
fn old(input: &Input<'_>, step: &Step) -> TokenStream {
    let (codec, from, span) = (input.codec(), step.from, step.span());
    let facade = input.facade.at(span);
    let read = quote_spanned!(span=> #facade::__private::read);
    let argument = quote_spanned!(span=> (__payload));
    quote! {
        let __old = match __old {
            ::core::option::Option::None if __version == #from => {
                ::core::option::Option::Some(#read::<#codec, _>#argument?)
            }
            __old => __old,
        };
    }
}

fn called(input: &Input<'_>, step: &Step) -> TokenStream {
    let (path, span, from) = (&step.path, step.span(), step.from);
    let argument = quote_spanned!(span=> (__old));
    if !step.is_fallible {
        return quote!(#path #argument);
    }
    let facade = input.facade.at(span);
    let refused = quote_spanned!(span=> #facade::__private::refused(#from, __error));
    quote! {
        match #path #argument {
            ::core::result::Result::Ok(__next) => __next,
            ::core::result::Result::Err(__error) => {
                return ::core::result::Result::Err(#refused);
            }
        }
    }
}
