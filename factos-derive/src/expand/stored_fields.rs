use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::{Attribute, GenericArgument, Ident, PathArguments, Type};

use crate::{
    ast::Field,
    attr::serde_attr::{self, TraitUse},
    crate_path::CratePath,
    span,
};

/// Types that serde writes and reads, which need no check. If the user has another type of such a name,
/// serde reports it.
const STORED: [&str; 15] = [
    "bool", "char", "f32", "f64", "i8", "i16", "i32", "i64", "i128", "u8", "u16", "u32", "u64",
    "u128", "String",
];
const CONTAINERS: [&str; 3] = ["Option", "Vec", "Box"];

/// The types of a proxy's fields, each once, that must implement the traits of serde.
///
/// The impls that serde derives for the proxy are bounded by this. If a type does not implement the
/// traits, the proxy has no methods from serde, and the error of the check is the only one.
#[derive(Default)]
pub(super) struct StoredFields {
    types: Vec<StoredField>,
}

struct StoredField {
    ty: Type,
    spelling: String,
    used: TraitUse,
    /// Whether a variant holds it alone, as the payload of its event.
    is_whole: bool,
}

impl StoredFields {
    /// Adds a field of this type and these attributes. `outer` is what the keys of its variant or
    /// struct leave.
    pub(super) fn add(&mut self, ty: &Type, attrs: &[Attribute], outer: TraitUse) {
        self.add_part(ty, attrs, outer, false);
    }

    /// Adds the payload type of a variant.
    pub(super) fn add_whole(&mut self, ty: &Type, attrs: &[Attribute], outer: TraitUse) {
        self.add_part(ty, attrs, outer, true);
    }

    fn add_part(&mut self, ty: &Type, attrs: &[Attribute], outer: TraitUse, is_whole: bool) {
        let used = outer.and(TraitUse::of(&serde_attr::keys(attrs)));
        if !(used.is_written || used.is_read) || is_known(ty) {
            return;
        }
        let spelling = ty.to_token_stream().to_string();
        match self.types.iter_mut().find(|known| known.spelling == spelling) {
            Some(known) => {
                known.used = known.used.or(used);
                known.is_whole |= is_whole;
            }
            None => self.types.push(StoredField { ty: ty.clone(), spelling, used, is_whole }),
        }
    }

    /// The check of each type, and the alias by which the bounds name the type.
    pub(super) fn checks(&self, factos: &CratePath) -> TokenStream {
        let checks = self.types.iter().enumerate().map(|(index, field)| {
            let (ty, name) = (&field.ty, name(index));
            let (start, end) = span::ends(ty);
            let function = match (field.used.is_written, field.used.is_read) {
                (true, true) => "stored_field",
                (true, false) => "written_field",
                (false, _) => "read_field",
            };
            let (path, function) = (factos.at(start), format_ident!("{function}", span = start));
            let open = quote_spanned!(start=> #path::__private::#function::<);
            let close = quote_spanned!(end=> >());
            let no_event = field.is_whole.then(|| no_event(factos, ty)).into_iter();
            quote! {
                type #name = #ty;
                const _: () = { #open #ty #close; #(#no_event)* };
            }
        });
        checks.collect()
    }

    /// The bounds of the proxy's `Serialize` and of its `Deserialize`, as attributes of serde. The type's own
    /// parameters are bounded as well.
    pub(super) fn bounds(
        &self,
        factos: &CratePath,
        parameters: &[Ident],
    ) -> (TokenStream, TokenStream) {
        let path = factos.text();
        let write = self
            .names(|used| used.is_written)
            .map(|name| format!("for<'__f> {name}: {path}::__private::WrittenField<'__f>,"))
            .chain(
                parameters.iter().map(|own| format!("{own}: {path}::__private::serde::Serialize,")),
            );
        let read = self
            .names(|used| used.is_read)
            .chain(parameters.iter().cloned())
            .map(|name| format!("{name}: {path}::__private::serde::Deserialize<'de>,"));
        let (write, read): (String, String) = (write.collect(), read.collect());
        (
            (!write.is_empty())
                .then(|| quote!(#[serde(bound(serialize = #write))]))
                .into_token_stream(),
            (!read.is_empty())
                .then(|| quote!(#[serde(bound(deserialize = #read))]))
                .into_token_stream(),
        )
    }

    /// The bounds of what writes the proxy's fields, as predicates.
    pub(super) fn written_bounds(&self, factos: &CratePath) -> TokenStream {
        let names = self.names(|used| used.is_written);
        quote!(#(for<'__f> #names: #factos::__private::WrittenField<'__f>,)*)
    }

    /// The bounds of what reads these fields, or all of the proxy's, as predicates.
    pub(super) fn read_bounds(&self, factos: &CratePath, of: Option<&[Field<'_>]>) -> TokenStream {
        let spelled = |field: &Field<'_>| field.ty.to_token_stream().to_string();
        let of: Option<Vec<_>> = of.map(|fields| fields.iter().map(spelled).collect());
        let is_of = |field: &StoredField| of.as_ref().is_none_or(|of| of.contains(&field.spelling));
        let types = self.types.iter().enumerate();
        let names = types.filter(|(_, field)| field.used.is_read && is_of(field));
        let names = names.map(|(index, _)| name(index));
        quote!(#(#names: #factos::__private::serde::Deserialize<'de>,)*)
    }

    fn names(&self, wanted: impl Fn(TraitUse) -> bool) -> impl Iterator<Item = Ident> {
        let fields = self.types.iter().enumerate();
        fields.filter(move |(_, field)| wanted(field.used)).map(|(index, _)| name(index))
    }
}

/// Refuses a type that is an event, in the same body as the check before it: if that fails, this is not evaluated.
fn no_event(factos: &CratePath, ty: &Type) -> TokenStream {
    let (start, end) = span::ends(ty);
    let path = factos.at(start);
    let open = quote_spanned!(start=> #path::__private::assert_no_event);
    // A type that is an event needs no import, and the user's lints must not find that.
    let silent = Span::call_site().located_at(start);
    let of_trait = factos.at(silent);
    let import = quote_spanned!(silent=> use #of_trait::__private::NoEvent as _;);
    let argument = quote_spanned!(end=> (#path::__private::IsEvent::<#ty>::IS_EVENT););
    quote!(#import #open #argument)
}

fn name(index: usize) -> Ident {
    format_ident!("__Field{index}")
}

fn is_known(ty: &Type) -> bool {
    let Type::Path(path) = ty else { return false };
    let Some(last) = path.path.segments.last().filter(|_| path.qself.is_none()) else {
        return false;
    };
    match &last.arguments {
        PathArguments::None => STORED.iter().any(|name| last.ident == name),
        PathArguments::AngleBracketed(arguments) => {
            let is_container = CONTAINERS.iter().any(|name| last.ident == name);
            let is_known = |argument: &GenericArgument| match argument {
                GenericArgument::Type(ty) => is_known(ty),
                _ => false,
            };
            is_container && arguments.args.iter().all(is_known)
        }
        PathArguments::Parenthesized(_) => false,
    }
}
