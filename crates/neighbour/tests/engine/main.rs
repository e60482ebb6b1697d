//! The engine from outside, on simulated time: one program for all of its tests, so that it links once.

mod common;
mod support;

mod acd;
mod admission;
mod announce;
mod arp_decisions;
mod create_destroy;
mod cves;
mod dad_mld;
mod devices;
mod fixed;
mod forward;
mod gc;
mod history;
mod hostile;
mod memory;
mod moves;
mod ndisc_decisions;
mod nud;
mod parameters;
mod properties;
mod proxy;
mod queue;
mod rates;
mod readers;
mod review;
mod routers;
mod slices;
mod smaller_rules;
mod timelines;
mod update;
