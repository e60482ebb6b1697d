//! Questions answered by an engine alone: frame in, frame out, nothing between.

use crate::clock::nanoseconds_each;
use crate::contestant::{OURS, Ours};
use crate::figure::{Finding, Row, Unit};
use crate::frames::Question;
use crate::key::Key6;
use crate::plan::Plan;
use std::time::Duration;

/// Questions before time goes on by a millisecond.
const BURST: usize = 4_096;

/// ARP requests and neighbour solicitations answered for each second of one processor.
///
/// # Errors
/// When a question is not answered.
pub(super) fn run(plan: Plan, tell: &mut dyn FnMut(Finding)) -> anyhow::Result<()> {
    let rounds = if plan.quick { 15 } else { 51 };
    for question in Question::BOTH {
        let mut ours = Ours::<Key6>::new(plan.seed)?;
        // Past the detection of duplicates, which keeps an address from answering.
        let end = ours.now + Duration::from_secs(5);
        while let Some(due) = ours.engine.poll_timeout().filter(|due| *due <= end) {
            ours.now = ours.now.max(due);
            ours.engine.handle_timeout(ours.now);
            crate::contestant::drain(&mut ours.engine);
        }
        let frames: Vec<Vec<u8>> = (2..=254).map(|n| question.frame(n, 1)).collect();
        let mut samples = Vec::new();
        for round in 0..rounds + 2 {
            let bursts = 16;
            let (each, answers) = nanoseconds_each(bursts * BURST, || {
                (0..bursts).map(|_| burst(&mut ours, question, &frames)).sum::<usize>()
            });
            anyhow::ensure!(
                answers == bursts * BURST,
                "{answers} of {} questions were answered",
                bursts * BURST
            );
            if round >= 2 {
                samples.push(1e9 / each);
            }
        }
        let what = format!("engine, {} answered", question.name());
        tell(Finding::Row(
            Row::new(&what, frames.len() as u64, "", Unit::PerSecond)
                .with(OURS, "", samples)
                .note("entries: as many neighbours ask in turn; a second of processor time"),
        ));
    }
    Ok(())
}

/// What a driver does with a burst of frames; the answers.
fn burst(ours: &mut Ours<Key6>, question: Question, frames: &[Vec<u8>]) -> usize {
    let mut answers = 0;
    for frame in frames.iter().cycle().take(BURST) {
        let _ = std::hint::black_box(ours.engine.handle_frame(ours.now, ours.device, frame));
        while let Some(sent) = ours.engine.poll_transmit() {
            answers += usize::from(question.is_answered_by(&sent.frame));
            ours.engine.recycle(sent.frame);
        }
        while ours.engine.poll_event().is_some() {}
    }
    ours.now += Duration::from_millis(1);
    if ours.engine.poll_timeout().is_some_and(|due| due <= ours.now) {
        ours.engine.handle_timeout(ours.now);
    }
    answers
}
