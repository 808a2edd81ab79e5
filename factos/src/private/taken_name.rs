//! Macros that make the items whose name may be taken.
//!
//! rustc alone finds such an item, and its error tells the macro that made it: the name of the macro is what can
//! be said there. As macros of another crate they keep the lints of the user's crate away from the items.

/// Imports a kind.
#[doc(hidden)]
#[macro_export]
macro_rules! __name_the_kind_by_event_kind {
    ([$($vis:tt)*] $module:ident $from:ident $to:ident) => { $($vis)* use $module::$from as $to; };
}

/// Imports a query.
#[doc(hidden)]
#[macro_export]
macro_rules! __name_the_query_by_event_query {
    ([$($vis:tt)*] $module:ident $from:ident $to:ident) => { $($vis)* use $module::$from as $to; };
}

/// Makes the method `kind`.
#[doc(hidden)]
#[macro_export]
macro_rules! __rename_the_other_method_kind {
    ($(#[$allowed:meta])* [$($vis:tt)*] $event:ident, #[$doc:meta], $module:ident::$kind:ident, $($arm:tt)*) => {
        $(#[$allowed])*
        impl $event {
            #[$doc]
            #[must_use]
            $($vis)* const fn kind(&self) -> $module::$kind {
                match self { $($arm)* }
            }
        }
    };
}

/// Makes the method `query`.
#[doc(hidden)]
#[macro_export]
macro_rules! __rename_the_other_method_query {
    ($(#[$allowed:meta])* [$($vis:tt)*] $event:ident, #[$doc:meta], $module:ident::$query:ident) => {
        $(#[$allowed])*
        impl $event {
            #[$doc]
            $($vis)* const fn query() -> $module::$query {
                $module::$query(::std::vec::Vec::new())
            }
        }
    };
}

pub use {
    __name_the_kind_by_event_kind as name_the_kind_by_event_kind,
    __name_the_query_by_event_query as name_the_query_by_event_query,
    __rename_the_other_method_kind as rename_the_other_method_kind,
    __rename_the_other_method_query as rename_the_other_method_query,
};
