//! Plans: a world, what happens in it, and what is promised of it.

pub(crate) mod check;
mod error;
pub(crate) mod file;
pub(crate) mod prefix;
pub(crate) mod units;

pub use check::Plan;
pub use error::PlanError;

use crate::Profile;
use file::File;

impl Plan {
    /// Reads and checks a plan.
    ///
    /// # Errors
    /// What is wrong with it: the key, the value and what is allowed.
    pub fn parse(text: &str) -> Result<Self, PlanError> {
        let file: File = toml::from_str(text).map_err(|error| PlanError::from_toml(&error, text))?;
        check::check(file)
    }

    /// The first line of a report.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Whence all chance comes.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The same with another seed.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// The same with one more parameter, by its sysctl name: it replaces the plan's own of that name.
    ///
    /// # Errors
    /// There is no such parameter, or it cannot have that value.
    pub fn with_parameter(mut self, name: &str, value: &str) -> Result<Self, PlanError> {
        self.sets.push((name.into(), value.into()));
        check::check_parameters(&self)?;
        Ok(self)
    }

    /// Which profiles the plan asks for.
    pub fn profiles(&self) -> &'static [Profile] {
        match self.profile {
            file::Profile::Linux => &[Profile::Linux],
            file::Profile::Guarded => &[Profile::Guarded],
            file::Profile::Both => &[Profile::Linux, Profile::Guarded],
        }
    }
}
