use tokio::sync::watch;

/// Tells those who wait within this process that a position was kept.
#[derive(Debug, Clone)]
pub(crate) struct Progress(watch::Sender<()>);

impl Progress {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(()))
    }

    pub(crate) fn moved(&self) {
        self.0.send_replace(());
    }

    /// What sees each move from now on.
    pub(crate) fn watch(&self) -> watch::Receiver<()> {
        self.0.subscribe()
    }
}
