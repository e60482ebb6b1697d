//! Neighbour discovery messages, options and multicast listener queries, behind any IPv6 headers.
#![no_main]

use libfuzzer_sys::fuzz_target;
use neighbour_wire::ipv6::Ipv6;
use neighbour_wire::mld::Query;
use neighbour_wire::ndisc::{
    Advert, Options, Redirect, RouterAdvert, RouterSolicit, Solicit, lladdr_from_option,
};

fn options(bytes: &[u8]) {
    let Ok(options) = Options::parse(bytes) else { return };
    for option in [options.source_lladdr, options.target_lladdr].into_iter().flatten() {
        for (len, pad) in [(6, 0), (8, 0), (20, 2), (1, 0), (32, 0)] {
            let _ = lladdr_from_option(option, len, pad);
        }
    }
    for prefix in options.prefixes() {
        assert!(prefix.prefix_len <= 128);
    }
    let _ = options.nonce_bytes();
}

fn message(bytes: &[u8]) {
    let _ = Query::parse(bytes);
    Solicit::parse(bytes).into_iter().for_each(|m| options(m.options));
    Advert::parse(bytes).into_iter().for_each(|m| options(m.options));
    RouterSolicit::parse(bytes).into_iter().for_each(|m| options(m.options));
    RouterAdvert::parse(bytes).into_iter().for_each(|m| options(m.options));
    Redirect::parse(bytes).into_iter().for_each(|m| options(m.options));
}

fuzz_target!(|bytes: &[u8]| {
    message(bytes);
    if let Ok(packet) = Ipv6::parse(bytes)
        && let Ok(upper) = packet.upper()
    {
        message(upper.payload);
    }
});
