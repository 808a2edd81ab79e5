use syn::{Attribute, LitStr, Meta, Type, TypePath};

use super::{
    meta_item::{MetaItem, split},
    placement,
};
use crate::errors::Errors;

/// One `#[tag]`.
pub(crate) struct TagAttr<'a> {
    pub(crate) key: Option<LitStr>,
    pub(crate) conversion: TagConversion,
    pub(crate) attr: &'a Attribute,
}

/// How the value of a field becomes the texts of tags.
#[derive(Clone)]
pub(crate) enum TagConversion {
    Value,
    With {
        function: Box<TypePath>,
        /// The type that it returns, if it is given: queries then ask for that.
        value: Option<Box<Type>>,
    },
    Display,
}

impl<'a> TagAttr<'a> {
    pub(crate) fn parse(attrs: &'a [Attribute], errors: &mut Errors) -> Vec<Self> {
        let tags = attrs.iter().filter(|attr| attr.path().is_ident("tag"));
        tags.filter_map(|attr| errors.ok(Self::parse_one(attr))).collect()
    }

    fn parse_one(attr: &'a Attribute) -> syn::Result<Self> {
        let tokens = match &attr.meta {
            Meta::Path(_) => return Ok(Self { key: None, conversion: TagConversion::Value, attr }),
            Meta::List(list) => list.tokens.clone(),
            Meta::NameValue(_) => {
                let text = "expected `#[tag]` or `#[tag(\"key\")]`";
                return Err(syn::Error::new_spanned(attr, text));
            }
        };
        let (mut key, mut conversion, mut seen) = (None, TagConversion::Value, Vec::new());
        let mut value_type = None;
        for tokens in split(tokens) {
            let item = MetaItem::parse(&tokens)?;
            placement::check_tag(&item)?;
            placement::check_once(&mut seen, item.key_or("key"), &item)?;
            let is_converted = !matches!(conversion, TagConversion::Value);
            match &*item.key_or("key") {
                "with" | "display" if is_converted => {
                    let text = "`with` and `display` both make the text: pick one";
                    return Err(item.error(text.to_owned()));
                }
                "with" => {
                    let text = "expected the path of a function: `with = function`";
                    let function = Box::new(item.value(text)?);
                    conversion = TagConversion::With { function, value: None };
                }
                "value" => {
                    let text = "expected a type: `value = Type`";
                    value_type = Some((Box::new(item.value(text)?), item));
                }
                "display" => {
                    item.flag()?;
                    conversion = TagConversion::Display;
                }
                _ => key = Some(item.string()?),
            }
        }
        match (&mut conversion, value_type) {
            (TagConversion::With { value, .. }, Some((ty, _))) => *value = Some(ty),
            (_, Some((_, item))) => {
                let text = "`value` is the type that the function of `with` returns";
                return Err(item.error(text.to_owned()));
            }
            (_, None) => {}
        }
        Ok(Self { key, conversion, attr })
    }
}
