//! What the engine tells, for people: on stderr by `tracing`.

use neighbour::{DeviceId, Engine, Event, EventKind, NeighbourInfo, Reason};
use neighbour_ctl::Alert;
use tracing::{debug, info, warn};

/// Is each step of an entry written down?
pub(super) fn are_steps_read() -> bool {
    tracing::enabled!(tracing::Level::DEBUG)
}

/// Tells one event.
pub(super) fn tell(engine: &Engine, event: &Event) {
    let of_an_entry = matches!(
        event.kind,
        EventKind::Added { .. }
            | EventKind::Changed { .. }
            | EventKind::Removed { .. }
            | EventKind::NewNeigh { .. }
    );
    // Nobody reads the words, and there are many.
    if of_an_entry && !are_steps_read() {
        return;
    }
    let name = |device: &DeviceId| engine.device_name(*device).unwrap_or("?").to_owned();
    let of = |neighbour: &NeighbourInfo| format!("{} dev {}", neighbour.address, name(&neighbour.device));
    let who = |lladdr: &Option<neighbour::LlAddr>| {
        lladdr.map_or_else(|| "somebody".to_owned(), |lladdr| lladdr.to_string())
    };
    if let Some(alert) = Alert::of(&event.kind, |device| name(&device)) {
        let before = match alert.suppressed {
            0 => String::new(),
            count => format!(" ({count} such were suppressed before)"),
        };
        match event.kind {
            EventKind::NewStation { .. } => info!("{}: {}{before}", alert.what, alert.sentence),
            _ => warn!("{}{before}", alert.sentence),
        }
        return;
    }
    match &event.kind {
        EventKind::Added { neighbour, reason } => {
            debug!("{}: added {} ({})", of(neighbour), neighbour.state, because(reason));
        }
        EventKind::Changed { neighbour, from, reason } => {
            let lladdr = neighbour.lladdr.map(|lladdr| format!(" lladdr {lladdr}")).unwrap_or_default();
            debug!("{}: {from} -> {}{lladdr} ({})", of(neighbour), neighbour.state, because(reason));
        }
        EventKind::Removed { neighbour, reason } => {
            debug!("{}: removed {} ({})", of(neighbour), neighbour.state, because(reason));
        }
        EventKind::Unreachable { device, next_hop, packet, reason } => {
            let len = packet.len();
            info!("{next_hop} dev {}: a packet of {len} bytes was given up ({reason:?})", name(device));
        }
        EventKind::AddressAssigned { device, address } => info!("{address} dev {}: assigned", name(device)),
        EventKind::AddressExpired { device, address } => info!("{address} dev {}: expired", name(device)),
        EventKind::MoveClaimed { neighbour, claimed } => {
            let (who, known) = (of(neighbour), who(&neighbour.lladdr));
            info!("{who}: said to be at {claimed}; asking {known} first");
        }
        EventKind::ParmsChanged { device, family } => {
            debug!("{}: a router changed parameters of {}", name(device), family.table_name());
        }
        EventKind::DestroyAlive { neighbour } => warn!("{}: destroyed alive", of(neighbour)),
        EventKind::Lost(count) => warn!("{count} events were lost"),
        // What userspace would hear repeats what is told above.
        EventKind::NewNeigh { .. } => {}
        EventKind::GroupsChanged { device } => {
            let groups: Vec<String> = engine.link_groups(*device).iter().map(ToString::to_string).collect();
            debug!("{}: listens to {}", name(device), groups.join(" "));
        }
        other => debug!("{other:?}"),
    }
}

fn because(reason: &Reason) -> String {
    match reason {
        Reason::ArpRequest(lladdr) => format!("an ARP request from {lladdr}"),
        Reason::ArpReply(lladdr) => format!("an ARP reply from {lladdr}"),
        Reason::NeighbourAdvert { solicited, overrides } => {
            let flag = |set, name| if set { name } else { "" };
            format!("a neighbour advertisement {}{}", flag(*solicited, "S"), flag(*overrides, "O"))
        }
        other => format!("{other:?}"),
    }
}
