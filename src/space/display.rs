//! Distributions as text.

use std::fmt;

use super::distribution::{Distribution, DistributionView};
use crate::value::Value;

/// As a script writes it: `log_uniform(1e-6, 0.01)`, `int(16, 512).step(16)`, `choice(["adam", "sgd"])`.
impl fmt::Display for Distribution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.constructor())?;
        match self.kind() {
            DistributionView::Uniform { low, high, step, .. } => {
                write!(f, "({low:?}, {high:?})")?;
                step.map_or(Ok(()), |step| write!(f, ".step({step:?})"))
            }
            DistributionView::Int { low, high, step, .. } => {
                write!(f, "({low}, {high})")?;
                if *step == 1 { Ok(()) } else { write!(f, ".step({step})") }
            }
            DistributionView::Choice { options } | DistributionView::Ordinal { options } => {
                f.write_str("([")?;
                for (index, option) in options.iter().enumerate() {
                    f.write_str(if index == 0 { "" } else { ", " })?;
                    match option {
                        Value::Text(text) => write!(f, "{text:?}")?,
                        other => write!(f, "{other}")?,
                    }
                }
                f.write_str("])")
            }
            DistributionView::Normal { mu, sigma, .. } => write!(f, "({mu:?}, {sigma:?})"),
        }
    }
}
