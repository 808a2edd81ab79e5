//! A pooler that answers in the server's place: it forwards everything, and when it is asked to, it lets the
//! server carry a request out, drops the answer and tells the client something else.

use std::sync::{Arc, Mutex};

use factos_postgres::sqlx::postgres::PgConnectOptions;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::url;

#[derive(Clone)]
pub(crate) struct Pooler {
    /// What the next answer is replaced by.
    instead: Arc<Mutex<Option<Vec<u8>>>>,
    port: u16,
}

impl Pooler {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let pooler = Self { instead: Arc::default(), port };
        let accepting = pooler.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(accepting.clone().carry(client));
            }
        });
        pooler
    }

    /// Replaces the next answer of the server, on whichever connection, which then ends.
    pub(crate) fn answer_next(&self, bytes: Vec<u8>) {
        *self.instead.lock().unwrap() = Some(bytes);
    }

    /// Whether an answer that was to be replaced has been.
    pub(crate) fn has_answered(&self) -> bool {
        self.instead.lock().unwrap().is_none()
    }

    pub(crate) fn options(&self) -> PgConnectOptions {
        url().parse::<PgConnectOptions>().unwrap().host("127.0.0.1").port(self.port)
    }

    async fn carry(self, client: TcpStream) {
        let options: PgConnectOptions = url().parse().unwrap();
        let server = TcpStream::connect((options.get_host(), options.get_port())).await.unwrap();
        let (mut from_client, mut to_client) = client.into_split();
        let (mut from_server, mut to_server) = server.into_split();
        let (mut request, mut answer) = (vec![0; 1 << 16], vec![0; 1 << 16]);
        loop {
            tokio::select! {
                Ok(length @ 1..) = from_client.read(&mut request) => {
                    if to_server.write_all(&request[..length]).await.is_err() {
                        return;
                    }
                }
                Ok(length @ 1..) = from_server.read(&mut answer) => {
                    let instead = self.instead.lock().unwrap().take();
                    let bytes = instead.as_deref().unwrap_or(&answer[..length]);
                    if to_client.write_all(bytes).await.is_err() || instead.is_some() {
                        return;
                    }
                }
                else => return,
            }
        }
    }
}

/// An error as a server or a pooler writes it.
pub(crate) fn error_response(severity: &str, code: &str) -> Vec<u8> {
    let fields = format!("S{severity}\0V{severity}\0C{code}\0Mas the pooler says\0\0");
    let length = u32::try_from(fields.len() + 4).unwrap();
    let ready = *b"Z\0\0\0\x05I";
    [&b"E"[..], &length.to_be_bytes(), fields.as_bytes(), &ready].concat()
}
