/// Declares the error of a dispatch, and from the list of its variants what converts it: with another
/// domain error, and from each of the errors within to [`Infrastructure`](super::Infrastructure).
///
/// Every variant but `Domain` is also made `From` its error: by `#[from]`, or by hand where that is
/// left out.
macro_rules! declare_error {
    (
        $(#[$enum_attribute:meta])*
        pub enum Error<D> {
            $(#[$domain_doc:meta])*
            Domain(D),
            $($(#[$doc:meta])* $variant:ident($(#[$from:ident])? $error:ident),)*
        }
    ) => {
        $(#[$enum_attribute])*
        pub enum Error<D> {
            $(#[$domain_doc])*
            Domain(D),
            $($(#[$doc])* $variant($(#[$from])? $error),)*
        }

        impl<D> Error<D> {
            /// The same error with the domain's part mapped, if `f` accepts it.
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
