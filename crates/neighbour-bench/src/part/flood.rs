//! Questions answered on a cable: `neigh run` beside the kernel, on the same veth pair, in turns.

use crate::beside::{Cable, GUARDED, LINUX, NEAR, Owner, Profile};
use crate::contestant::OURS;
use crate::figure::{Finding, Row, Unit};
use crate::frames::{ASKER, Question};
use crate::plan::Plan;
use neighbour_link::{Link, Packet, PacketOptions, Time};
use std::time::{Duration, Instant};

/// One turn.
const TURN: Duration = Duration::from_millis(400);
/// Questions that may be without an answer; more would only be dropped.
const WINDOW: u64 = 4_096;
/// Questions between two looks for answers.
const BURST: usize = 64;
/// So long without an answer, and those that wait are lost.
const LOST: Duration = Duration::from_millis(20);

/// ARP requests and solicitations answered for each second of the clock.
///
/// # Errors
/// When the cable or the daemon cannot be had, or when nobody answers.
pub(super) fn run(plan: Plan, tell: &mut dyn FnMut(Finding)) -> anyhow::Result<()> {
    let rounds = if plan.quick { 3 } else { 11 };
    let mut samples: [[Vec<f64>; 3]; 2] = Default::default();
    for _ in 0..rounds {
        for (who, profile) in [Some(Profile::Linux), Some(Profile::Guarded), None].into_iter().enumerate() {
            let cable = Cable::new()?;
            let _owner = match profile {
                Some(profile) => Owner::neigh(profile)?,
                None => Owner::kernel(&cable)?,
            };
            for (question, samples) in Question::BOTH.into_iter().zip(&mut samples) {
                let rate = flood(question)?;
                anyhow::ensure!(rate > 0.0, "nobody answered {}", question.name());
                samples[who].push(rate);
            }
        }
    }
    for (question, [ours, guarded, theirs]) in Question::BOTH.into_iter().zip(samples) {
        let what = format!("veth, {} answered", question.name());
        tell(Finding::Row(
            Row::new(&what, 253, "", Unit::PerSecond)
                .with(OURS, "", ours)
                .with(GUARDED, "", guarded)
                .with(LINUX, "", theirs)
                .note("a second of the clock; questions and answers pass a veth pair, asked by one thread"),
        ));
    }
    Ok(())
}

/// Asks as fast as answers come; answers for each second.
fn flood(question: Question) -> anyhow::Result<f64> {
    let options = PacketOptions { mac: Some(ASKER), ..PacketOptions::default() };
    let mut link = Packet::open(NEAR, options)?;
    let frames: Vec<Vec<u8>> = (2..=254).map(|n| question.frame(n, 1)).collect();
    let mut frames = frames.iter().cycle();
    let mut buffer = Vec::new();
    let (mut waiting, mut answers) = (0, 0_u64);
    let start = Instant::now();
    let mut heard = start;
    let mut counted = None;
    loop {
        let now = Instant::now();
        // The first quarter is for warming up.
        if counted.is_none() && now >= start + TURN / 4 {
            counted = Some((now, answers));
        }
        if now >= start + TURN {
            break;
        }
        if waiting < WINDOW {
            for frame in frames.by_ref().take(BURST) {
                waiting += u64::from(link.transmit(Time::ZERO, frame).is_ok());
            }
            // What the queue refuses is not answered, and counts as lost below.
            let _refused = link.flush();
        }
        while link.receive(Time::ZERO, &mut buffer)? {
            if question.is_answered_by(&buffer) {
                answers += 1;
                waiting = waiting.saturating_sub(1);
                heard = now;
            }
        }
        if now > heard + LOST {
            (waiting, heard) = (0, now);
        }
    }
    let (since, before) = counted.unwrap_or((start, 0));
    Ok((answers - before) as f64 / since.elapsed().as_secs_f64())
}
