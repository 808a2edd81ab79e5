//! What belongs to others: a mail server and a payment provider, which fail now and then. Each writes every request that
//! it receives into a journal of its own, so that repeats can be seen.

use std::{
    fs::{File, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
    time::Duration,
};

use factos_consumer::DeliveryId;

/// Why a request was not answered as it should be.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    #[error("the server is busy")]
    Busy,
    #[error("the connection was lost before the answer came")]
    NoAnswer,
    #[error("the mailbox of {0} is full")]
    MailboxFull(String),
}

/// Whose mailbox is full.
pub(crate) const AWAY: &str = "zoe";

/// How long a call of another service takes.
const TRIP: Duration = Duration::from_millis(3);

pub(crate) struct MailServer {
    journal: Journal,
    full: PathBuf,
}

impl MailServer {
    pub(crate) fn open(folder: &Path) -> std::io::Result<Self> {
        Ok(Self { journal: Journal::open(folder, "mails")?, full: folder.join("mailbox-is-full") })
    }

    /// One customer gets no mails until their mailbox is emptied.
    pub(crate) fn fill_mailbox(&self) -> std::io::Result<()> {
        File::create(&self.full).map(drop)
    }

    pub(crate) fn empty_mailbox(&self) -> std::io::Result<()> {
        std::fs::remove_file(&self.full)
    }

    pub(crate) async fn send(
        &self,
        id: &DeliveryId,
        is_first: bool,
        to: &str,
        text: &str,
    ) -> Result<(), Refused> {
        if to == AWAY && self.full.exists() {
            return Err(Refused::MailboxFull(to.to_owned()));
        }
        self.journal.receive(id, is_first, &format!("{to}: {text}")).await
    }
}

pub(crate) struct PaymentProvider {
    journal: Journal,
}

impl PaymentProvider {
    pub(crate) fn open(folder: &Path) -> std::io::Result<Self> {
        Ok(Self { journal: Journal::open(folder, "payments")? })
    }

    /// Whether the money is there. A repeated request gets the answer of the first.
    pub(crate) async fn charge(
        &self,
        id: &DeliveryId,
        is_first: bool,
        order: &str,
    ) -> Result<bool, Refused> {
        self.journal.receive(id, is_first, order).await?;
        Ok(!order.ends_with('9'))
    }
}

/// A line for each request: its id, and what was asked for.
struct Journal(File);

impl Journal {
    fn open(folder: &Path, name: &str) -> std::io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path(folder, name))?;
        Ok(Self(file))
    }

    async fn receive(&self, id: &DeliveryId, is_first: bool, what: &str) -> Result<(), Refused> {
        tokio::time::sleep(TRIP).await;
        let luck = id.position.get() % 10;
        if is_first && luck == 3 {
            return Err(Refused::Busy);
        }
        // One write, so that the lines of several processes do not mix.
        let line = format!("{id}\t{what}\n");
        (&self.0).write_all(line.as_bytes()).map_err(|_| Refused::Busy)?;
        if is_first && luck == 7 {
            return Err(Refused::NoAnswer);
        }
        Ok(())
    }
}

fn path(folder: &Path, name: &str) -> PathBuf {
    folder.join(name).with_extension("journal")
}

/// What a service has received: ids and requests, in their order.
pub(crate) fn received(folder: &Path, name: &str) -> anyhow::Result<Vec<(String, String)>> {
    let journal = std::fs::read_to_string(path(folder, name))?;
    let lines = journal.lines().filter_map(|line| line.split_once('\t'));
    Ok(lines.map(|(id, what)| (id.to_owned(), what.to_owned())).collect())
}
