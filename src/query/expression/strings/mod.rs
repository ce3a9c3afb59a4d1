//! Strings.
//!
//! - `text`: building, cutting, changing; `search`: finding and replacing
//! - `regex`: `$regexMatch` and its like

pub(super) mod regex;
pub(super) mod search;
pub(super) mod text;
