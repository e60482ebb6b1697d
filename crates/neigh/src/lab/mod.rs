//! A laboratory for one process: namespaces of its own, and the running kernel in them as a peer.
//!
//! Nothing here needs privileges where user namespaces are allowed, nothing touches the network of the
//! machine, no other program is run, and all of it vanishes with the process.
//!
//! | part | what it does |
//! |---|---|
//! | [`enter`] | leaves the caller's user and network namespaces |
//! | [`Requests`] | gives the kernel addresses and takes them, makes it forget neighbours (rtnetlink) |
//! | [`Monitor`] | hears what the kernel announces of its neighbours (`RTNLGRP_NEIGH`) |

mod error;
mod monitor;
mod namespace;
mod requests;

pub use error::LabError;
pub use monitor::{Monitor, Notice};
pub use namespace::{Namespaces, enter};
pub use requests::Requests;
