//! Runnable stories, each a binary of its own and a test. What follows is the project's front page, run
//! as a test as well.
#![doc = include_str!("../README.md")]
