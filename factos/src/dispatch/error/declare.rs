/// Declares the error of a dispatch, and derives its conversions from the list of variants: to an error
/// with another domain error, and from the error of each variant to `Infrastructure`.
///
/// `Error` needs a `From` for each of these errors as well: by `#[from]`, or by hand where the list leaves
/// that out.
macro_rules! declare_error {
    (
        $(#[$enum_attribute:meta])*
        pub enum Error<D> {
            $(#[$domain_doc:meta])*
            Domain(D),
            $($(#[$doc:meta])* $variant:ident($(#[$from:ident])? $error:ty),)*
        }
    ) => {
        $(#[$enum_attribute])*
        pub enum Error<D> {
            $(#[$domain_doc])*
            Domain(D),
            $($(#[$doc])* $variant($(#[$from])? $error),)*
        }

        impl<D> Error<D> {
            /// The same error with the domain's error mapped, or what `f` refuses that with.
            fn try_map_domain<E, R>(self, f: impl FnOnce(D) -> Result<E, R>) -> Result<Error<E>, R> {
                match self {
                    Self::Domain(domain) => f(domain).map(Error::Domain),
                    $(Self::$variant(error) => Ok(Error::$variant(error)),)*
                }
            }
        }

        $(
            impl From<$error> for Infrastructure {
                fn from(error: $error) -> Self {
                    Self(error.into())
                }
            }
        )*
    };
}

pub(super) use declare_error;
