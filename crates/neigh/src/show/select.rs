//! Which entries `ip neigh show` shows.

use super::grammar::Query;
use neighbour::Flags;
use neighbour_ctl::Entry;

/// Does the query ask for this entry?
///
/// The states that are asked for do not hold entries of control planes and proxy entries back: scripts
/// know iproute2 so.
pub(super) fn shown(query: &Query, entry: &Entry) -> bool {
    let any_state = entry.flags.intersects(Flags::PROXY | Flags::EXT_LEARNED);
    (any_state || query.wants(entry.state))
        && query.prefix.is_none_or(|prefix| prefix.contains(entry.address))
        && query.protocol.is_none_or(|protocol| entry.protocol == protocol)
        && !(query.unused && entry.cache.is_some_and(|cache| cache.refcnt > 0))
}
