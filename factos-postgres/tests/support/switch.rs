//! An address that leads to one server, and later to another one.

#![allow(dead_code, reason = "each test file uses its part")]

use std::sync::{
    Arc,
    atomic::{AtomicU16, Ordering},
};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// A proxy that keeps its clients' address. It forwards bytes, and cuts every connection when it is switched.
pub(crate) struct Switch {
    pub(crate) port: u16,
    target: Arc<AtomicU16>,
    switched: watch::Sender<()>,
}

impl Switch {
    /// Leads to this port of the same machine.
    pub(crate) async fn to(target: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let switch = Self {
            port,
            target: Arc::new(AtomicU16::new(target)),
            switched: watch::Sender::new(()),
        };
        let (target, switched) = (Arc::clone(&switch.target), switch.switched.clone());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let target = target.load(Ordering::SeqCst);
                tokio::spawn(carry(client, target, switched.subscribe()));
            }
        });
        switch
    }

    /// Cuts every connection, and leads to another port from now on.
    pub(crate) fn lead_to(&self, target: u16) {
        self.target.store(target, Ordering::SeqCst);
        self.switched.send_replace(());
    }

    pub(crate) fn url(&self) -> String {
        format!("postgres://tester@127.0.0.1:{}/postgres", self.port)
    }
}

async fn carry(mut client: TcpStream, target: u16, mut switched: watch::Receiver<()>) {
    // A server that is down refuses, and then the client is cut as well.
    let Ok(mut server) = TcpStream::connect(("127.0.0.1", target)).await else { return };
    tokio::select! {
        _ = copy_bidirectional(&mut client, &mut server) => {}
        _ = switched.changed() => {}
    }
}
