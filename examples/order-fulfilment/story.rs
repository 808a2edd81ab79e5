//! What happens, from the first delivery of goods to the comparison with the log.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use factos::EventStore;
use factos_consumer::{
    Consumers, Status,
    port::{ConsumerId, Selection},
};
use factos_examples::tables::{Database, Tables};

use crate::{
    audit,
    crew::{Crew, Member},
    models::SERVE_STOCK_2,
    options::Options,
    outside::MailServer,
    rebuild,
    roles::{self, LEASE},
};

/// How long each step may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// How many orders are done with.
const DONE: &str =
    "SELECT CAST(count(*) AS TEXT) FROM orders WHERE state IN ('shipped', 'cancelled')";

pub(crate) struct Story<'a, P> {
    pub(crate) options: &'a Options,
    pub(crate) database: &'a Database<P>,
    pub(crate) folder: &'a Path,
    pub(crate) crew: Crew,
}

impl<P: Tables> Story<'_, P> {
    pub(crate) async fn tell(mut self) -> anyhow::Result<()> {
        ensure!(self.database.log.head().await?.is_none(), "the log is not empty");
        let consumers = roles::consumers(self.database, self.folder, 2)?;
        let mails = MailServer::open(self.folder)?;
        mails.fill_mailbox()?;
        roles::receive_goods(self.database, self.options.goods).await?;

        for _ in 0..self.options.workers {
            self.crew.hire(1)?;
        }
        let clerk = self.crew.clerk()?;
        self.until_done(self.options.orders / 2).await?;
        self.crash(&consumers).await?;
        clerk.end().await?;
        self.until_done(self.options.orders).await?;
        println!("all {} orders are done", self.options.orders);

        self.until_live(&consumers).await?;
        self.recover_mails(&consumers, &mails).await?;
        self.release(&consumers).await?;
        self.until_live(&consumers).await?;
        println!("\n{}", consumers.status().await?);
        for worker in std::mem::take(&mut self.crew.workers) {
            worker.dismiss().await?;
        }
        audit::compare(self.database, self.folder).await
    }

    async fn until_done(&mut self, orders: u64) -> anyhow::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            self.crew.check()?;
            let rows = self.database.reader.rows(DONE, &[]).await?;
            let done: u64 = rows.concat().concat().parse().context("no number of orders")?;
            if done >= orders {
                return Ok(());
            }
            ensure!(Instant::now() < deadline, "{done} of {orders} orders are done in time");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Kills a worker, and waits until others have taken over what it had.
    async fn crash(&mut self, consumers: &Consumers<P>) -> anyhow::Result<()> {
        let mut killed = self.crew.workers.remove(0);
        let had = partitions_of(&killed, &consumers.status().await?);
        println!("half of the orders are done: {} is killed, with {had} partitions", killed.name);
        let start = Instant::now();
        killed.kill()?;
        self.until_all_owned(consumers, Some(&killed)).await?;
        let (after, lease) = (start.elapsed().as_secs_f64(), LEASE.as_secs_f64());
        println!("after {after:.1} s the others have them, with a lease of {lease:.1} s");
        Ok(())
    }

    /// Waits until every partition is a process's that lives.
    async fn until_all_owned(
        &mut self,
        consumers: &Consumers<P>,
        killed: Option<&Member>,
    ) -> anyhow::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let status = consumers.status().await?;
            let are_owned = status.partitions.iter().all(|partition| partition.owner.is_some());
            if are_owned && killed.is_none_or(|killed| partitions_of(killed, &status) == 0) {
                return Ok(());
            }
            self.crew.check()?;
            ensure!(Instant::now() < deadline, "some partitions are nobody's:\n{status}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Waits until every consumer has handled, or parked, every event.
    async fn until_live(&mut self, consumers: &Consumers<P>) -> anyhow::Result<()> {
        let head = self.database.log.head().await?.context("the log is empty")?;
        for name in ["orders", "stock", "fulfilment", "payments", "mails"] {
            consumers.wait_for(name, head, PATIENCE).await?;
        }
        Ok(())
    }

    /// Lists the mails that are parked, removes the cause, and has them sent.
    async fn recover_mails(
        &mut self,
        consumers: &Consumers<P>,
        mails: &MailServer,
    ) -> anyhow::Result<()> {
        let parked = consumers.parked("mails").await?;
        let count = parked.count().await?;
        println!("{} mails are parked, the first of them:", count.waiting + count.dead);
        for mail in parked.list(None, 3).await? {
            let key = mail.key.unwrap_or_default();
            println!(
                "  position {}, to {key}, tried {} times: {}",
                mail.position, mail.attempts, mail.reason
            );
        }
        mails.empty_mailbox()?;
        let retried = parked.retry(&Selection::All).await?;
        println!("the mailbox is emptied, and {retried} mails are tried again");
        for name in ["mails", "payments"] {
            let (parked, start) = (consumers.parked(name).await?, Instant::now());
            while parked.count().await? != Default::default() {
                self.crew.check()?;
                ensure!(start.elapsed() < PATIENCE, "{name} are still parked");
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
        Ok(())
    }

    /// Brings a release with another version of the stock, while the one before it runs.
    async fn release(&mut self, consumers: &Consumers<P>) -> anyhow::Result<()> {
        let before = std::mem::take(&mut self.crew.workers);
        self.crew.hire(2)?;
        let version = ConsumerId::new("stock", 2);
        rebuild::watch(consumers, &version).await?;
        consumers.promote(&version, |tx| Box::pin(P::write(tx, SERVE_STOCK_2, &[]))).await?;
        println!("{version} is built beside the one before it, and promoted");
        for worker in before {
            worker.dismiss().await?;
        }
        self.until_all_owned(consumers, None).await
    }
}

/// How many partitions a process has.
fn partitions_of(member: &Member, status: &Status) -> usize {
    let owners = status.partitions.iter().filter_map(|partition| partition.owner.as_ref());
    owners.filter(|owner| member.is(owner)).count()
}
