use proc_macro2::{TokenStream, TokenTree};
use syn::{
    Ident, Lit, LitStr, Token,
    ext::IdentExt,
    parse::{ParseStream, Parser},
};

/// One part of an attribute's list: `"text"`, `key`, `key = value` or `key(...)`.
pub(crate) struct Entry {
    key: Option<Ident>,
    pub(crate) value: TokenStream,
}

impl Entry {
    pub(crate) fn parse(tokens: &TokenStream) -> syn::Result<Self> {
        let parse = |input: ParseStream<'_>| {
            if input.peek(Lit) {
                let value = input.parse()?;
                return Ok(Self { key: None, value });
            }
            let key = input.call(Ident::parse_any)?;
            if input.peek(Token![=]) {
                input.parse::<Token![=]>()?;
            }
            let value = input.parse()?;
            Ok(Self { key: Some(key), value })
        };
        let text = "expected a string literal or a key";
        let error = |_| syn::Error::new_spanned(tokens, text);
        parse.parse2(tokens.clone()).map_err(error)
    }

    /// The key as it is written, if it is written.
    pub(crate) const fn key(&self) -> Option<&Ident> {
        self.key.as_ref()
    }

    /// The key, or the one that a literal without a key stands for.
    pub(crate) fn key_or(&self, implied: &str) -> String {
        self.key.as_ref().map_or_else(|| implied.to_owned(), super::unraw)
    }

    pub(crate) fn string(&self) -> syn::Result<LitStr> {
        syn::parse2(self.value.clone()).map_err(|_| {
            let key = self.key.as_ref().map(|key| format!("{} = ", super::unraw(key)));
            let key = key.unwrap_or_default();
            self.error_at_value(&format!("expected a string literal: `{key}\"...\"`"))
        })
    }

    /// An error on the key, or on the literal that has none.
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

/// The parts between the commas, a trailing comma aside.
pub(crate) fn split(tokens: TokenStream) -> Vec<TokenStream> {
    let mut parts = vec![TokenStream::new()];
    for token in tokens {
        match (&token, parts.last_mut()) {
            (TokenTree::Punct(punct), _) if punct.as_char() == ',' => {
                parts.push(TokenStream::new());
            }
            (_, Some(part)) => part.extend([token]),
            (_, None) => parts.push(token.into()),
        }
    }
    parts.retain(|part| !part.is_empty());
    parts
}
