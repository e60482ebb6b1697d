//! A table or a device's parameters as a block of lines, or as a JSON object.

use crate::json::{Object, Value};
use crate::local_time;
use neighbour_ctl::{ParmsInfo, TableConfig, TableInfo, TableStats};

/// One value: its name in text, its name in JSON, how it looks in text and in JSON.
struct Item {
    text: &'static str,
    json: &'static str,
    shown: String,
    value: Value,
}

/// What stands in one line of text, behind an indent.
struct Line {
    indent: &'static str,
    /// A word at the beginning.
    head: &'static str,
    items: Vec<Item>,
}

const INDENT: &str = "    ";
const DEEPER: &str = "        ";

/// The block of text, with the empty line after it. Under `-oneline` line breaks become backslashes.
pub(super) fn block(table: &TableInfo, name: &dyn Fn(u32) -> String, stats: bool, oneline: bool) -> String {
    let line_break = if oneline { "\\" } else { "\n" };
    let mut text = format!("{} {} {line_break}", family(table.family), table.name);
    if let Some(index) = interface(table) {
        text += &format!("{INDENT}dev {} {line_break}", name(index));
    }
    for Line { indent, head, items } in lines(table, stats) {
        if !items.is_empty() {
            let words: Vec<String> =
                items.iter().map(|item| format!("{} {} ", item.text, item.shown)).collect();
            text += &format!("{indent}{head}{}{line_break}", words.concat());
        }
    }
    text.push('\n');
    text
}

/// The object of JSON.
pub(super) fn object(table: &TableInfo, name: &dyn Fn(u32) -> String, stats: bool) -> Object {
    let mut object =
        vec![("family", Value::Text(family(table.family))), ("name", Value::Text(table.name.clone()))];
    object.extend(interface(table).map(|index| ("dev", Value::Text(name(index)))));
    let items = lines(table, stats).into_iter().flat_map(|line| line.items);
    object.extend(items.map(|item| (item.json, item.value)));
    object
}

fn family(number: u8) -> String {
    match i32::from(number) {
        libc::AF_INET => "inet".into(),
        libc::AF_INET6 => "inet6".into(),
        other => format!("family {other}"),
    }
}

fn interface(table: &TableInfo) -> Option<u32> {
    table.parms.as_ref().and_then(|parms| parms.interface)
}

fn lines(table: &TableInfo, stats: bool) -> Vec<Line> {
    let [thresh1, thresh2, thresh3] = table.thresh;
    let limits = [
        item("thresh1", thresh1),
        item("thresh2", thresh2),
        item("thresh3", thresh3),
        item("gc_int", table.gc_interval).map(|item| Item { json: "gc_interval", ..item }),
    ];
    let mut lines = vec![line(INDENT, "", limits)];
    if stats {
        lines.extend(table.config.as_ref().map(config).into_iter().flatten());
    }
    lines.extend(table.parms.as_ref().map(parms).into_iter().flatten());
    if stats {
        lines.extend(table.stats.as_ref().map(counters).into_iter().flatten());
    }
    lines
}

fn line<const N: usize>(indent: &'static str, head: &'static str, items: [Option<Item>; N]) -> Line {
    Line { indent, head, items: items.into_iter().flatten().collect() }
}

fn item(name: &'static str, number: Option<impl Into<u64>>) -> Option<Item> {
    let number = number?.into();
    Some(Item { text: name, json: name, shown: number.to_string(), value: Value::Number(number) })
}

fn config(config: &TableConfig) -> [Line; 3] {
    let when = |name, ago| {
        let shown = local_time::date(ago);
        Some(Item { text: name, json: name, value: Value::Text(shown.clone()), shown })
    };
    let mask = Item {
        text: "hash_mask",
        json: "hash_mask",
        shown: format!("{:08x}", config.hash_mask),
        value: Value::Text(format!("{:#x}", config.hash_mask)),
    };
    let key_len = item("key_len", Some(config.key_len)).map(|item| Item { json: "key_length", ..item });
    let sizes = [key_len, item("entry_size", Some(config.entry_size)), item("entries", Some(config.entries))];
    let hash = [
        item("hash_rnd", Some(config.hash_rnd)),
        Some(mask),
        item("hash_chain_gc", Some(config.hash_chain_gc)),
        item("proxy_qlen", Some(config.proxy_qlen)),
    ];
    [
        line(INDENT, "config ", sizes),
        line(DEEPER, "", [when("last_flush", config.last_flush), when("last_rand", config.last_rand)]),
        line(DEEPER, "", hash),
    ]
}

fn parms(parms: &ParmsInfo) -> [Line; 4] {
    [
        line(
            INDENT,
            "",
            [
                item("refcnt", parms.refcnt),
                item("reachable", parms.reachable_time),
                item("base_reachable", parms.base_reachable_time),
                item("retrans", parms.retrans_time),
            ],
        ),
        line(
            INDENT,
            "",
            [
                item("gc_stale", parms.gc_staletime),
                item("delay_probe", parms.delay_probe_time),
                item("queue", parms.queue_len),
            ],
        ),
        line(
            INDENT,
            "",
            [
                item("app_probes", parms.app_probes),
                item("ucast_probes", parms.ucast_probes),
                item("mcast_probes", parms.mcast_probes),
            ],
        ),
        line(
            INDENT,
            "",
            [
                item("anycast_delay", parms.anycast_delay),
                item("proxy_delay", parms.proxy_delay),
                item("proxy_queue", parms.proxy_qlen),
                item("locktime", parms.locktime),
            ],
        ),
    ]
}

fn counters(stats: &TableStats) -> [Line; 5] {
    let count = |name, number: u64| item(name, Some(number));
    [
        Line {
            indent: INDENT,
            head: "stats ",
            items: [("allocs", stats.allocs), ("destroys", stats.destroys), ("hash_grows", stats.hash_grows)]
                .into_iter()
                .filter_map(|(name, number)| count(name, number))
                .collect(),
        },
        line(
            INDENT,
            "",
            [
                count("res_failed", stats.res_failed),
                count("lookups", stats.lookups),
                count("hits", stats.hits),
            ],
        ),
        line(
            INDENT,
            "",
            [
                count("rcv_probes_mcast", stats.rcv_probes_mcast),
                count("rcv_probes_ucast", stats.rcv_probes_ucast),
            ],
        ),
        line(
            INDENT,
            "",
            [
                count("periodic_gc_runs", stats.periodic_gc_runs),
                count("forced_gc_runs", stats.forced_gc_runs),
            ],
        ),
        line(INDENT, "", [count("table_fulls", stats.table_fulls)]),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(index: u32) -> String {
        format!("v{index}")
    }

    fn device() -> TableInfo {
        let parms = ParmsInfo {
            interface: Some(0),
            refcnt: Some(5),
            reachable_time: Some(24904),
            base_reachable_time: Some(30000),
            retrans_time: Some(1000),
            gc_staletime: Some(60000),
            delay_probe_time: Some(5000),
            queue_len: Some(101),
            app_probes: Some(0),
            ucast_probes: Some(3),
            mcast_probes: Some(3),
            anycast_delay: Some(1000),
            proxy_delay: Some(800),
            proxy_qlen: Some(64),
            locktime: Some(1000),
            ..ParmsInfo::default()
        };
        TableInfo { family: 2, name: "arp_cache".into(), parms: Some(parms), ..TableInfo::default() }
    }

    #[test]
    fn a_devices_block_is_iproute2s() {
        let expected = "\
inet arp_cache \n    dev v0 \n    refcnt 5 reachable 24904 base_reachable 30000 retrans 1000 \n    \
gc_stale 60000 delay_probe 5000 queue 101 \n    app_probes 0 ucast_probes 3 mcast_probes 3 \n    \
anycast_delay 1000 proxy_delay 800 proxy_queue 64 locktime 1000 \n\n";
        assert_eq!(block(&device(), &name, true, false), expected);
        let one = block(&device(), &name, true, true);
        assert!(one.starts_with("inet arp_cache \\    dev v0 \\    refcnt 5"), "{one}");
        assert!(one.ends_with("locktime 1000 \\\n") && one.lines().count() == 1, "{one}");
    }

    #[test]
    fn a_tables_limits_and_counters_have_names_of_their_own_in_json() {
        let config = TableConfig { key_len: 4, hash_mask: 0x1f, ..TableConfig::default() };
        let table = TableInfo {
            family: 10,
            name: "ndisc_cache".into(),
            thresh: [Some(128), Some(512), Some(1024)],
            gc_interval: Some(30000),
            config: Some(config),
            stats: Some(TableStats { allocs: 20, ..TableStats::default() }),
            parms: None,
        };
        let text = block(&table, &name, true, false);
        assert!(text.contains("    thresh1 128 thresh2 512 thresh3 1024 gc_int 30000 \n"), "{text}");
        assert!(
            text.contains("    config key_len 4 entry_size 0 entries 0 \n        last_flush 20"),
            "{text}"
        );
        assert!(text.contains(" hash_mask 0000001f hash_chain_gc 0 proxy_qlen 0 \n"), "{text}");
        assert!(text.contains("    stats allocs 20 destroys 0 hash_grows 0 \n"), "{text}");
        let json = crate::json::one(&object(&table, &name, true));
        assert!(json.contains(r#""gc_interval":30000,"key_length":4,"#), "{json}");
        assert!(json.contains(r#""hash_mask":"0x1f","#), "{json}");
        assert_eq!(block(&table, &name, false, false).lines().count(), 3, "no -s, no counters");
    }
}
