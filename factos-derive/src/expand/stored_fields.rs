use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::{Attribute, GenericArgument, Ident, PathArguments, Type};

use crate::{
    attr::serde_attr::{self, Use},
    crate_path::CratePath,
    span,
};

/// Types that serde writes and reads, unless the user has another of this name: then it is serde that
/// says so.
const STORED: [&str; 15] = [
    "bool", "char", "f32", "f64", "i8", "i16", "i32", "i64", "i128", "u8", "u16", "u32", "u64",
    "u128", "String",
];
const CONTAINERS: [&str; 3] = ["Option", "Vec", "Box"];

/// The types of a mirror's fields, each once, which serde has to know.
///
/// What serde derives for the mirror holds under this condition. Where it does not hold the mirror has no
/// methods, and the one error is that of a check.
#[derive(Default)]
pub(super) struct StoredFields {
    types: Vec<StoredField>,
}

struct StoredField {
    ty: Type,
    spelling: String,
    used: Use,
}

impl StoredFields {
    /// Adds a field with this type and these attributes, in a variant or struct that is used like this.
    pub(super) fn add(&mut self, ty: &Type, attrs: &[Attribute], outer: Use) {
        let used = outer.and(Use::of(&serde_attr::keys(attrs)));
        if !(used.is_written || used.is_read) || is_known(ty) {
            return;
        }
        let spelling = ty.to_token_stream().to_string();
        match self.types.iter_mut().find(|known| known.spelling == spelling) {
            Some(known) => known.used = known.used.or(used),
            None => self.types.push(StoredField { ty: ty.clone(), spelling, used }),
        }
    }

    /// The check of each type, and the name that the condition has for it.
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
            quote! {
                type #name = #ty;
                const _: () = #open #ty #close;
            }
        });
        checks.collect()
    }

    /// The condition of a mirror that writes, and of one that reads, as serde takes it.
    pub(super) fn bounds(&self, factos: &CratePath) -> (TokenStream, TokenStream) {
        let path = factos.to_token_stream();
        let write = self
            .names(|used| used.is_written)
            .map(|name| format!("for<'__f> {name}: {path}::__private::WrittenField<'__f>,"));
        let read = self
            .names(|used| used.is_read)
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

    fn names(&self, wanted: impl Fn(Use) -> bool) -> impl Iterator<Item = Ident> {
        let fields = self.types.iter().enumerate();
        fields.filter(move |(_, field)| wanted(field.used)).map(|(index, _)| name(index))
    }
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
