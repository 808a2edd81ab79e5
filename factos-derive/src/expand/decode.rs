use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::Ident;

use super::nested;
use crate::{
    ast::{Input, StoredType},
    attr::UpcastStep,
    ident::generated,
    span,
};

/// The method `decode`.
pub(super) fn decode(input: &Input<'_>) -> TokenStream {
    let factos = &input.crate_path;
    let unknown = unknown(input);
    let matched = quote!(#factos::EventType::as_str(__local_event_type));
    let body = if input.types.is_empty() {
        unknown
    } else if input.types.iter().all(has_steps) {
        let arms = input.types.iter().zip(0_u32..).map(|(stored, index)| {
            let (names, function) = (names(stored), upcast_name(index));
            quote!(#names => #function(__local_version, __local_payload),)
        });
        quote!(match #matched { #(#arms)* _ => #unknown, })
    } else {
        let arms = input.types.iter().zip(0_u32..).map(|(stored, index)| arm(stored, index));
        let current = current(input);
        quote! {
            let (__local_variant, __local_since, __local_known) = match #matched {
                #(#arms)*
                _ => return #unknown,
            };
            #current
        }
    };
    quote! {
        fn decode(
            __local_event_type: &#factos::EventType,
            __local_version: ::core::primitive::u32,
            __local_payload: &[::core::primitive::u8],
        ) -> ::core::result::Result<Self, #factos::Undecodable> {
            #body
        }
    }
}

fn arm(stored: &StoredType<'_>, index: u32) -> TokenStream {
    let names = names(stored);
    if has_steps(stored) {
        let function = upcast_name(index);
        return quote!(#names => return #function(__local_version, __local_payload),);
    }
    let (since, version) = (stored.oldest(), stored.version.number);
    quote!(#names => (#index, #since, #version),)
}

/// The name and the aliases, as a pattern.
pub(super) fn names(stored: &StoredType<'_>) -> TokenStream {
    let (name, aliases) = (&stored.name.text, &stored.aliases);
    quote!(#name #(| #aliases)*)
}

fn unknown(input: &Input<'_>) -> TokenStream {
    let factos = &input.crate_path;
    let unknown = quote!(#factos::Undecodable::UnknownType);
    let none = quote!(::core::result::Result::Err(#unknown));
    input.nested.iter().rfold(none, |otherwise, nested| {
        let (ident, event) = (generated(nested.ident), nested::as_event(factos, &nested.ty));
        quote! {
            match #event::decode(__local_event_type, __local_version, __local_payload) {
                ::core::result::Result::Ok(__local_inner) => {
                    ::core::result::Result::Ok(Self::#ident(__local_inner))
                }
                ::core::result::Result::Err(#unknown) => #otherwise,
                ::core::result::Result::Err(__local_error) => ::core::result::Result::Err(__local_error),
            }
        }
    })
}

/// Decodes a payload of the current version. Any other version is an error.
fn current(input: &Input<'_>) -> TokenStream {
    let (factos, ident) = (&input.crate_path, &input.ident);
    quote! {
        #factos::__private::decode::<#ident>(
            __local_variant,
            __local_since,
            __local_known,
            __local_version,
            __local_payload,
        )
    }
}

fn has_steps(stored: &StoredType<'_>) -> bool {
    !stored.upcast.is_empty() || !stored.upcast_json.is_empty()
}

fn upcast_name(index: u32) -> Ident {
    format_ident!("__upcast{index}")
}

/// One function for each stored type with older versions. The user's functions are in scope there, so
/// locals have names that none of those has.
pub(super) fn upcasts(input: &Input<'_>) -> TokenStream {
    let stored = input.types.iter().zip(0_u32..).filter(|(stored, _)| has_steps(stored));
    stored.map(|(stored, index)| upcast(input, stored, index)).collect()
}

fn upcast(input: &Input<'_>, stored: &StoredType<'_>, index: u32) -> TokenStream {
    let (factos, ident) = (&input.crate_path, &input.ident);
    let name = upcast_name(index);
    let json = json_steps(input, stored);
    let (since, version) = (stored.oldest(), stored.version.number);
    let typed = typed_steps(input, stored, current(input));
    quote! {
        fn #name(
            __local_version: ::core::primitive::u32,
            __local_payload: &[::core::primitive::u8],
        ) -> ::core::result::Result<#ident, #factos::Undecodable> {
            let (__local_variant, __local_since, __local_known) = (#index, #since, #version);
            #json
            #typed
        }
    }
}

fn json_steps(input: &Input<'_>, stored: &StoredType<'_>) -> TokenStream {
    if stored.upcast_json.is_empty() {
        return TokenStream::new();
    }
    let factos = &input.crate_path;
    let steps = stored.upcast_json.iter().map(|step| {
        let (from, path, span) = (step.from, &step.path, span::of_function(&step.path));
        let run = span::at(span, quote!(#factos::__private::JsonSteps::step));
        let call = quote_spanned!(span=> #run(&mut __local_json, #from, #path));
        quote!(#call?;)
    });
    quote! {
        let mut __local_json = #factos::__private::JsonSteps::new(__local_version, __local_payload);
        #(#steps)*
        let (__local_version, __local_payload) =
            #factos::__private::JsonSteps::finish(__local_json)?;
        let __local_payload: &[::core::primitive::u8] = &__local_payload;
    }
}

/// Generates one call of each function, whatever the stored version, so that rustc reports a mismatch
/// once.
fn typed_steps(input: &Input<'_>, stored: &StoredType<'_>, current: TokenStream) -> TokenStream {
    let Some((last, earlier)) = stored.upcast.split_last() else {
        return current;
    };
    let ident = &input.ident;
    let start = quote!(let __local_old = ::core::option::Option::None;);
    let earlier = earlier.iter().map(|step| {
        let (input_of, call) = (old(input, step), called(input, step));
        quote! {
            #input_of
            let __local_old = match __local_old {
                ::core::option::Option::Some(__local_old) => {
                    let __local_next = #call;
                    ::core::option::Option::Some(__local_next)
                }
                ::core::option::Option::None => ::core::option::Option::None,
            };
        }
    });
    let (input_of, call) = (old(input, last), called(input, last));
    let factos = &input.crate_path;
    let event_of = quote!(#factos::__private::event_of::<#ident, _>);
    let event_of = span::at(span::of_function(&last.path), event_of);
    quote! {
        #start
        #(#earlier)*
        #input_of
        match __local_old {
            ::core::option::Option::Some(__local_old) => {
                let __local_event = #call;
                ::core::result::Result::Ok(#event_of(__local_event))
            }
            ::core::option::Option::None => #current,
        }
    }
}

/// The input of a step: the result of the previous step, or the stored payload.
fn old(input: &Input<'_>, step: &UpcastStep) -> TokenStream {
    let (factos, ident, from) = (&input.crate_path, &input.ident, step.from);
    let read = quote!(#factos::__private::read::<#ident, _>(__local_payload));
    // At a span of the derive: rustc would otherwise propose to borrow the function.
    let span = Span::call_site().located_at(span::of_function(&step.path));
    let read = span::at(span, read);
    quote! {
        let __local_old = match __local_old {
            ::core::option::Option::None if __local_version == #from => {
                ::core::option::Option::Some(#read?)
            }
            __local_old => __local_old,
        };
    }
}

fn called(input: &Input<'_>, step: &UpcastStep) -> TokenStream {
    let (factos, path, from) = (&input.crate_path, &step.path, step.from);
    let span = span::of_function(path);
    let argument = quote_spanned!(span=> (__local_old));
    if !step.is_fallible {
        return quote!(#path #argument);
    }
    let arms = quote!({
        ::core::result::Result::Ok(__local_next) => __local_next,
        ::core::result::Result::Err(__local_error) => {
            return ::core::result::Result::Err(#factos::__private::refused(#from, __local_error));
        }
    });
    let arms = span::at(span, arms);
    let result_of = span::at(span, quote!(#factos::__private::result_of));
    quote!(match #result_of(#path #argument) #arms)
}
