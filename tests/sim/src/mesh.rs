//! Who is linked to whom, and what happens to what they send.

use std::collections::BTreeSet;

use crate::dice::Dice;

/// Links and meshes of all nodes.
#[derive(Debug)]
pub struct Mesh {
    /// Connections, both ways.
    pub links: Vec<BTreeSet<usize>>,
    /// Of them those to which messages go at once.
    pub mesh: Vec<BTreeSet<usize>>,
}

/// How long messages take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weather {
    /// 4 to 40 ms.
    Good,
    /// 15 to 150 ms, one in ten a second more.
    Harsh,
}

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Faults {
    /// Of a hundred nodes, how many take and never forward.
    pub mute_percent: usize,
    /// What those say to who asks them.
    pub mutes: Mutes,
    /// Of a hundred messages and questions, how many are lost.
    pub lost_percent: usize,
}

/// What nodes that forward nothing say to who asks them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mutes {
    /// What they know.
    Answer,
    /// Nothing: who asks waits until it gives up.
    AnswerNothing,
}

impl Faults {
    /// Nothing goes wrong.
    pub const NONE: Self = Self { mute_percent: 0, mutes: Mutes::Answer, lost_percent: 0 };
}

impl Mesh {
    /// `degree` mesh links and `links` links in all for each of `nodes` nodes, about.
    pub fn random(nodes: usize, degree: usize, links: usize, dice: &mut Dice) -> Self {
        let mut made = Self { links: vec![BTreeSet::new(); nodes], mesh: vec![BTreeSet::new(); nodes] };
        for at in 0..nodes {
            for count in 0..links / 2 {
                let to = dice.below(nodes);
                if to != at {
                    made.links[at].insert(to);
                    made.links[to].insert(at);
                    if count < degree / 2 {
                        made.mesh[at].insert(to);
                        made.mesh[to].insert(at);
                    }
                }
            }
        }
        made
    }
}

impl Weather {
    /// How long a message takes, in milliseconds.
    pub fn latency_ms(self, dice: &mut Dice) -> i64 {
        match self {
            Self::Good => dice.between(4, 40),
            Self::Harsh => dice.between(15, 150) + if dice.percent(10) { 1_000 } else { 0 },
        }
    }
}
