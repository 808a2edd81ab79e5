//! Derive macros of factos.
