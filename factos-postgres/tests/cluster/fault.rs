//! What is done to the leader.

use crate::{
    nodes::{cluster, leader},
    patience::until,
    pulse::Pulse,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// SIGKILL to all of it at once.
    Kill,
    /// SIGKILL to the server alone, which Patroni starts again.
    Crash,
    /// SIGSTOP to all of it; it goes on once another one leads.
    Freeze,
    Switchover,
    /// It cannot reach etcd.
    Cut,
    Restart,
}

impl Fault {
    pub(crate) const ALL: [Self; 6] =
        [Self::Kill, Self::Crash, Self::Freeze, Self::Switchover, Self::Cut, Self::Restart];

    /// Whether another node leads afterwards.
    pub(crate) const fn is_failover(self) -> bool {
        !matches!(self, Self::Crash | Self::Restart)
    }

    const fn verbs(self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::Kill => ("kill", Some("start")),
            Self::Crash => ("crash", None),
            Self::Freeze => ("freeze", Some("thaw")),
            Self::Switchover => ("switch", None),
            Self::Cut => ("cut", Some("mend")),
            Self::Restart => ("restart", None),
        }
    }

    /// Breaks the leader, and returns its name once the writers go on, on another leader if this fault makes one.
    pub(crate) async fn strike(self, pulse: &Pulse) -> String {
        let struck = leader().await;
        cluster(&[self.verbs().0, &struck]).await;
        if self.is_failover() {
            until("another node leads", async || {
                let leaders = cluster(&["status", "primary"]).await;
                !leaders.is_empty() && !leaders.contains(&struck)
            })
            .await;
        }
        pulse.all_go_on(2, &format!("after {self:?}")).await;
        struck
    }

    /// The broken node is back when this returns, and all of the cluster is there.
    pub(crate) async fn mend(self, struck: &str) {
        if let Some(verb) = self.verbs().1 {
            cluster(&[verb, struck]).await;
        }
        cluster(&["wait"]).await;
    }
}
