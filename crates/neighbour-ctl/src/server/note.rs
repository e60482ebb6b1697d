//! Why an address has no entry, in one sentence.

use neighbour::{AddressState, Engine};
use std::net::IpAddr;

/// By what the engine knows of its addresses, subnets, routes and routers.
pub(super) fn why_absent(engine: &Engine, address: IpAddr) -> String {
    let name = |device| engine.device_name(device).unwrap_or("?").to_owned();
    if engine.history(address).next().is_some() {
        return "it has no entry now; what is above is what happened".into();
    }
    for device in engine.device_ids() {
        if let Some(own) = engine.addresses(device).find(|own| own.address() == address) {
            return match own.state {
                AddressState::Duplicate => {
                    format!("it is ours on {}, but somebody else has it, too: it is not used", name(device))
                }
                _ => format!("it is our own address, on {}: nobody is asked for it", name(device)),
            };
        }
    }
    if address.is_multicast() {
        return "it is a group: its link-layer address follows from it, and entries last only while in use"
            .into();
    }
    if let Some(proxy) = engine.proxies().find(|proxy| proxy.address == address) {
        let place = proxy.device.map_or_else(|| "every device".into(), name);
        return format!("we answer for it as a proxy on {place}; nothing was sent to it");
    }
    if let Some(device) = engine.device_towards(address) {
        let place = name(device);
        return format!(
            "it is on the subnet of {place}, and nothing was sent to it nor heard of it as far back as is remembered"
        );
    }
    let routes = engine.routes().filter(|route| route.prefix.contains(address));
    if let Some(route) = routes.max_by_key(|route| route.prefix.prefix_len()) {
        let place = name(route.device);
        return match route.via {
            Some(via) => format!("it is behind the gateway {via} on {place}: ask why of {via}"),
            None => format!("it is on the link of {place} by a route, and nothing was sent to it"),
        };
    }
    if address.is_ipv6() {
        if let Some(router) = engine.routers().first() {
            let via = router.address;
            return format!("it is behind the router {via} on {}: ask why of {via}", name(router.device));
        }
        if matches!(address, IpAddr::V6(v6) if v6.is_unicast_link_local()) {
            return "it is link-local, and nothing was sent to it nor heard of it".into();
        }
    }
    "no subnet of ours holds it and no route leads to it".into()
}
