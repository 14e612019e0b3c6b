//! Prometheus' text format, version 0.0.4.

use std::fmt::Write;

/// A number with a name, once or once for each set of labels.
#[derive(Debug, Clone, PartialEq)]
pub struct Metric {
    /// `essaim_`, the subject, the unit; counters end in `_total`.
    pub name: &'static str,
    /// One line for people.
    pub help: &'static str,
    /// Whether it can go down.
    pub kind: Kind,
    /// The values.
    pub samples: Vec<Sample>,
}

/// Whether a metric can go down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only up, until the node restarts.
    Counter,
    /// Up and down.
    Gauge,
}

/// One value.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Names and values that tell this sample from the others of the metric.
    pub labels: Vec<(&'static str, String)>,
    /// The value.
    pub value: f64,
}

impl Metric {
    /// A counter without labels.
    pub fn counter(name: &'static str, help: &'static str, value: u64) -> Self {
        Self { name, help, kind: Kind::Counter, samples: vec![Sample::of(value)] }
    }

    /// A gauge without labels.
    pub fn gauge(name: &'static str, help: &'static str, value: u64) -> Self {
        Self { name, help, kind: Kind::Gauge, samples: vec![Sample::of(value)] }
    }
}

impl Sample {
    /// A value without labels.
    pub fn of(value: u64) -> Self {
        Self { labels: Vec::new(), value: as_float(value) }
    }

    /// A value with one label.
    pub fn labelled(label: &'static str, name: &str, value: u64) -> Self {
        Self { labels: vec![(label, name.to_owned())], value: as_float(value) }
    }
}

/// The answer to a scrape.
pub(crate) fn text(metrics: &[Metric]) -> String {
    let mut out = String::with_capacity(metrics.len() * 128);
    for metric in metrics {
        let kind = match metric.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
        };
        // Writing to a String cannot fail.
        let _ = writeln!(out, "# HELP {} {}\n# TYPE {} {kind}", metric.name, metric.help, metric.name);
        for sample in &metric.samples {
            let _ = writeln!(out, "{}{} {}", metric.name, labels(sample), sample.value);
        }
    }
    out
}

fn labels(sample: &Sample) -> String {
    if sample.labels.is_empty() {
        return String::new();
    }
    let pairs = sample.labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escape(value)));
    format!("{{{}}}", pairs.collect::<Vec<_>>().join(","))
}

fn escape(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// Prometheus knows 64-bit floats only; counts are exact up to 2^53.
fn as_float(value: u64) -> f64 {
    value as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_what_prometheus_reads() {
        let metrics = [
            Metric::counter("essaim_commits_total", "Transactions made durable.", 7),
            Metric {
                name: "essaim_connections",
                help: "Open connections.",
                kind: Kind::Gauge,
                samples: vec![
                    Sample::labelled("listener", "im\"aps", 2),
                    Sample::labelled("listener", "smtp", 0),
                ],
            },
        ];
        let expected = "# HELP essaim_commits_total Transactions made durable.\n\
            # TYPE essaim_commits_total counter\n\
            essaim_commits_total 7\n\
            # HELP essaim_connections Open connections.\n\
            # TYPE essaim_connections gauge\n\
            essaim_connections{listener=\"im\\\"aps\"} 2\n\
            essaim_connections{listener=\"smtp\"} 0\n";
        assert_eq!(text(&metrics), expected);
    }
}
