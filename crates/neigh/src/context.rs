//! What a command works with: the options, the table behind them, and where it writes.

use crate::failure::Failure;
use crate::options::Options;
use crate::print::Printer;
use crate::socket;
use neighbour_ctl::{Interface, Table, TableError};
use std::fs::File;
use std::io::{self, BufWriter, Stdout, Write};

/// One table and one way to print for all commands of a batch.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) options: Options,
    out: BufWriter<Stdout>,
    table: Option<Table>,
    interfaces: Option<Vec<Interface>>,
}

impl Context {
    pub(crate) fn new(options: Options) -> Self {
        Self { options, out: BufWriter::new(io::stdout()), table: None, interfaces: None }
    }

    /// The table, which is opened when it is first needed: what is wrong with the words is said before.
    pub(crate) fn table(&mut self) -> anyhow::Result<&mut Table> {
        if self.table.is_none() {
            self.table = Some(self.another_table()?);
        }
        self.table.as_mut().ok_or_else(|| unreachable!("it was opened a line ago"))
    }

    /// A second conversation with the same table.
    pub(crate) fn another_table(&self) -> anyhow::Result<Table> {
        if let Some(name) = &self.options.netns {
            enter(name)?;
        }
        let opened = match self.options.kernel {
            true => Table::kernel(),
            false => Table::daemon(&socket::path(self.options.socket.clone())),
        };
        opened.map_err(not_opened)
    }

    /// All interfaces, asked for once.
    pub(crate) fn interfaces(&mut self) -> anyhow::Result<&[Interface]> {
        if self.interfaces.is_none() {
            let asked = self.table()?.interfaces().map_err(dump_failed)?;
            self.interfaces = Some(asked);
        }
        Ok(self.interfaces.as_deref().unwrap_or_default())
    }

    /// The next question is for interfaces that came meanwhile, too.
    pub(crate) fn forget_interfaces(&mut self) {
        self.interfaces = None;
    }

    /// The index of the interface of this name; `ifN` is the one of index N if there is no such name.
    pub(crate) fn index(&mut self, name: &str) -> anyhow::Result<Option<u32>> {
        if let Some(index) = self.named(name)? {
            return Ok(Some(index));
        }
        // One that came since the last command of a batch.
        self.forget_interfaces();
        let number = || name.strip_prefix("if")?.parse().ok().filter(|index| format!("if{index}") == name);
        Ok(self.named(name)?.or_else(number))
    }

    fn named(&mut self, name: &str) -> anyhow::Result<Option<u32>> {
        Ok(self.interfaces()?.iter().find(|interface| interface.name == name).map(|found| found.index))
    }

    /// The index of the interface of this name, or iproute2's complaint.
    pub(crate) fn device(&mut self, name: &str) -> anyhow::Result<u32> {
        let missing = || Failure::passing(format!("Cannot find device \"{name}\""), 1);
        Ok(self.index(name)?.ok_or_else(missing)?)
    }

    /// Prints entries as the options say; `device` is whether each is to name its device.
    pub(crate) fn printer(&mut self, device: bool) -> anyhow::Result<Printer<'_>> {
        let (style, stats, brief) = (self.options.style(), self.options.stats > 0, self.options.brief);
        let (colours, numeric) = (self.options.colours(), self.options.numeric);
        let interfaces = self.interfaces()?;
        Ok(Printer { interfaces, style, stats, device, brief, colours, numeric })
    }

    /// Writes to stdout, as soon as the command is over.
    pub(crate) fn write(&mut self, text: &[u8]) -> io::Result<()> {
        self.out.write_all(text)
    }

    /// Sends what was written on its way.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Moves the program into a network namespace of `ip netns`.
fn enter(name: &str) -> Result<(), Failure> {
    let complain = |what: &str, error: io::Error| {
        let error = nix::errno::Errno::from_raw(error.raw_os_error().unwrap_or_default()).desc();
        Failure::exact(format!("{what} \"{name}\": {error}"), 255)
    };
    let path = if name.contains('/') { name.into() } else { format!("/run/netns/{name}") };
    let file = File::open(path).map_err(|error| complain("Cannot open network namespace", error))?;
    nix::sched::setns(file, nix::sched::CloneFlags::CLONE_NEWNET)
        .map_err(|errno| complain("setting the network namespace", errno.into()))
}

fn not_opened(error: TableError) -> anyhow::Error {
    match &error {
        TableError::NoDaemon { source, .. } => {
            let hint = "start one with `neigh run`, name its socket with --socket, or read the kernel's table \
                        with --kernel";
            Failure::new(format_args!("{error}: {source}"), hint).into()
        }
        _ => error.into(),
    }
}

/// A request that was refused, or on which the other side broke off: iproute2 ends at once.
pub(crate) fn request_failed(error: TableError) -> anyhow::Error {
    failed(error, |text| Failure::exact(text, 2), "")
}

/// A question for one entry: a batch goes on after it.
pub(crate) fn question_failed(error: TableError) -> anyhow::Error {
    failed(error, |text| Failure::passing(text, 2), "")
}

/// A dump that did not come to its end.
pub(crate) fn dump_failed(error: TableError) -> anyhow::Error {
    failed(error, |text| Failure::exact(text, 1), "\nDump terminated")
}

fn failed(error: TableError, refused: impl Fn(String) -> Failure, more: &str) -> anyhow::Error {
    match &error {
        TableError::Refused(_) | TableError::Ended => refused(format!("{error}{more}")).into(),
        TableError::DaemonOnly(what) => {
            let hint = "leave --kernel out; `neigh run` starts a daemon";
            Failure::new(format_args!("{what}: only the daemon knows this, not the kernel"), hint).into()
        }
        _ => error.into(),
    }
}
