//! An address that leads to one server, and later to another one.

#![allow(dead_code, reason = "each test file uses its part")]

use std::{
    mem,
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// A proxy that keeps its clients' address. It forwards bytes, and cuts every connection when it is switched.
pub(crate) struct Switch {
    pub(crate) port: u16,
    route: Arc<Mutex<Route>>,
}

struct Route {
    target: u16,
    /// Every connection of this route has a receiver, as long as it is carried.
    cut: watch::Sender<()>,
}

impl Route {
    fn to(target: u16) -> Self {
        Self { target, cut: watch::Sender::new(()) }
    }
}

impl Switch {
    /// Leads to this port of the same machine.
    pub(crate) async fn to(target: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let route = Arc::new(Mutex::new(Route::to(target)));
        let switch = Self { port, route: Arc::clone(&route) };
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (target, cut) = {
                    let route = route.lock().unwrap();
                    (route.target, route.cut.subscribe())
                };
                tokio::spawn(carry(cut, client, target));
            }
        });
        switch
    }

    /// Cuts every connection, and leads to another port from now on. Nothing reaches the server before it any more
    /// when this returns.
    pub(crate) fn lead_to(&self, target: u16) {
        let old = mem::replace(&mut *self.route.lock().unwrap(), Route::to(target));
        old.cut.send_replace(());
        let since = Instant::now();
        while old.cut.receiver_count() > 0 {
            assert!(since.elapsed() < Duration::from_secs(60), "a connection is not cut");
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Leads new connections to another port from now on, and carries those on that there are.
    pub(crate) fn lead_new_ones_to(&self, target: u16) {
        self.route.lock().unwrap().target = target;
    }

    pub(crate) fn url(&self) -> String {
        format!("postgres://tester@127.0.0.1:{}/postgres", self.port)
    }
}

async fn carry(mut cut: watch::Receiver<()>, mut client: TcpStream, target: u16) {
    let carried = async {
        // A server that is down refuses, and then the client is cut as well.
        let Ok(mut server) = TcpStream::connect(("127.0.0.1", target)).await else { return };
        drop(copy_bidirectional(&mut client, &mut server).await);
    };
    tokio::select! {
        () = carried => {}
        _ = cut.changed() => {}
    }
    drop(client);
    drop(cut);
}
