use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::{
    Ident, Lit, LitStr, Token,
    ext::IdentExt,
    parse::{Parse, ParseStream, Parser},
};

use crate::ident::unraw;

/// One item of an attribute's list: `"text"`, `key`, `key = value` or `key(...)`.
pub(crate) struct MetaItem {
    key: Option<Ident>,
    has_equals: bool,
    pub(crate) value: TokenStream,
}

impl MetaItem {
    pub(crate) fn parse(tokens: &TokenStream) -> syn::Result<Self> {
        let parse = |input: ParseStream<'_>| {
            if input.peek(Lit) {
                let value = input.parse()?;
                return Ok(Self { key: None, has_equals: true, value });
            }
            let key = input.call(Ident::parse_any)?;
            let has_equals = input.parse::<Option<Token![=]>>()?.is_some();
            let value = input.parse()?;
            Ok(Self { key: Some(key), has_equals, value })
        };
        let text = "expected a string literal or a key";
        let error = |_| syn::Error::new_spanned(tokens, text);
        parse.parse2(tokens.clone()).map_err(error)
    }

    /// The key, if the item has one.
    pub(crate) const fn key(&self) -> Option<&Ident> {
        self.key.as_ref()
    }

    /// The key, or the one that a literal without a key stands for.
    pub(crate) fn key_or(&self, implied: &str) -> String {
        self.key.as_ref().map_or_else(|| implied.to_owned(), unraw)
    }

    pub(crate) fn string(&self) -> syn::Result<LitStr> {
        let key = self.key.as_ref().map(|key| format!("{} = ", unraw(key)));
        let key = key.unwrap_or_default();
        self.value(&format!("expected a string literal: `{key}\"...\"`"))
    }

    /// The value after `=`, or the literal without a key.
    pub(crate) fn value<T: Parse>(&self, expected: &str) -> syn::Result<T> {
        self.value_with(T::parse, expected)
    }

    pub(crate) fn value_with<P: Parser>(
        &self,
        parser: P,
        expected: &str,
    ) -> syn::Result<P::Output> {
        if !self.has_equals {
            return Err(self.error_at_value(expected));
        }
        parser.parse2(self.value.clone()).map_err(|_| self.error_at_value(expected))
    }

    /// The tokens in parentheses after the key.
    pub(crate) fn list(&self, expected: &str) -> syn::Result<TokenStream> {
        let mut tokens = self.value.clone().into_iter();
        match (tokens.next(), tokens.next()) {
            (Some(TokenTree::Group(group)), None)
                if !self.has_equals && group.delimiter() == Delimiter::Parenthesis =>
            {
                Ok(group.stream())
            }
            _ => Err(self.error_at_value(expected)),
        }
    }

    /// Whether it is the path of a constant, or a call of a macro or a method, and not a key.
    pub(crate) fn is_expression(&self) -> bool {
        let Some(key) = &self.key else { return false };
        let is_constant = key.to_string().starts_with(char::is_uppercase);
        let rest = self.value.to_string();
        (is_constant && rest.is_empty() && !self.has_equals)
            || rest.starts_with(['!', '.'])
            || rest.starts_with("::")
    }

    /// Accepts a key without a value.
    pub(crate) fn flag(&self) -> syn::Result<()> {
        if self.value.is_empty() && !self.has_equals {
            return Ok(());
        }
        let key = self.key_or("");
        Err(self.error_at_value(&format!("`{key}` stands alone, without a value")))
    }

    /// An error on the key, or on the literal without a key.
    pub(crate) fn error(&self, message: String) -> syn::Error {
        match &self.key {
            Some(key) => syn::Error::new(key.span(), message),
            None => syn::Error::new_spanned(&self.value, message),
        }
    }

    pub(crate) fn error_at_value(&self, message: &str) -> syn::Error {
        if self.value.is_empty() {
            self.error(message.to_owned())
        } else {
            syn::Error::new_spanned(&self.value, message)
        }
    }
}

/// Splits a list at its commas, of which the last may be a trailing one. The commas of generic
/// arguments do not split.
pub(crate) fn split(tokens: TokenStream) -> Vec<TokenStream> {
    let (mut parts, mut depth) = (vec![TokenStream::new()], 0_u32);
    let mut last = ' ';
    for token in tokens {
        let punct = if let TokenTree::Punct(punct) = &token { punct.as_char() } else { ' ' };
        match (punct, last) {
            ('<', _) => depth += 1,
            ('>', before) if before != '-' && before != '=' => depth = depth.saturating_sub(1),
            _ => {}
        }
        last = punct;
        match (punct, parts.last_mut()) {
            (',', _) if depth == 0 => parts.push(TokenStream::new()),
            (_, Some(part)) => part.extend([token]),
            (_, None) => parts.push(token.into()),
        }
    }
    parts.retain(|part| !part.is_empty());
    parts
}
