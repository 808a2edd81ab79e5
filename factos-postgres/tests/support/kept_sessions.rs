//! Sessions of the server that outlive their clients, as a pooler keeps them: one that starts, and compiles and plans
//! the functions of a log, costs the server more than most cases of the suite ask of it.
//!
//! A client that connects here has the session for itself until it disconnects. Sessions are used again by clients
//! that connect in the same way.

use std::{
    collections::VecDeque,
    io,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
};

use factos_postgres::sqlx::postgres::{PgConnectOptions, PgSslMode};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, BufWriter},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::OnceCell,
};

use crate::{caretaker, support::url};

/// How many sessions are kept that nobody uses; the one that was used the longest ago ends first.
const MOST: usize = 80;

/// Sessions that nobody uses.
static FREE: Mutex<VecDeque<Session>> = Mutex::new(VecDeque::new());

static PORT: OnceCell<u16> = OnceCell::const_new();

const SSL_REQUEST: u32 = 80_877_103;
const GSS_REQUEST: u32 = 80_877_104;

/// As `DISCARD ALL`, but for the plans of functions.
const RESET: &str =
    "DEALLOCATE ALL; UNLISTEN *; CLOSE ALL; RESET ALL; SELECT pg_advisory_unlock_all();
     DISCARD TEMP; DISCARD SEQUENCES";

type Reader = BufReader<OwnedReadHalf>;
type Writer = BufWriter<OwnedWriteHalf>;

/// How to connect to a kept session in place of a new one; the same options if the way there is encrypted or no port.
pub(crate) async fn kept(options: PgConnectOptions) -> PgConnectOptions {
    use PgSslMode::{Allow, Disable, Prefer};
    let is_plain = matches!(options.get_ssl_mode(), Disable | Allow | Prefer);
    if !is_plain || options.get_socket().is_some() || options.get_host().starts_with('/') {
        return options;
    }
    let port = *PORT.get_or_init(|| caretaker::run(|_| start())).await;
    options.host("127.0.0.1").port(port)
}

/// The processes of the server behind the sessions that nobody uses.
pub(crate) fn free_processes() -> Vec<i32> {
    free().iter().map(|session| session.process).collect()
}

async fn start() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(serve(client));
        }
    });
    port
}

/// A session that is over, or that nobody can use, ends with its socket.
async fn serve(client: TcpStream) -> io::Result<()> {
    let (mut reader, mut writer) = split(client)?;
    let request = startup(&mut reader, &mut writer).await?;
    let mut session = match take(&request) {
        Some(session) => {
            writer.write_all(&session.greeting).await?;
            session
        }
        None => Session::start(request, &mut reader, &mut writer).await?,
    };
    writer.flush().await?;
    let is_usable = session.exchange(&mut reader, &mut writer).await?;
    drop((reader, writer));
    if is_usable && session.reset().await? {
        keep(session);
    }
    Ok(())
}

/// What a client says first, once it has heard that nothing is encrypted here.
async fn startup(reader: &mut Reader, writer: &mut Writer) -> io::Result<Vec<u8>> {
    loop {
        let length = reader.read_u32().await?;
        let mut request = vec![0; length as usize - 4];
        reader.read_exact(&mut request).await?;
        let code = u32::from_be_bytes(request[..4].try_into().unwrap());
        if code != SSL_REQUEST && code != GSS_REQUEST {
            return Ok(request);
        }
        writer.write_u8(b'N').await?;
        writer.flush().await?;
    }
}

struct Session {
    /// What its first client asked for: user, database and settings.
    request: Vec<u8>,
    /// What the server said when it let that client in.
    greeting: Vec<u8>,
    process: i32,
    reader: Reader,
    writer: Writer,
}

impl Session {
    /// Starts a session, in which the client makes itself known.
    async fn start(
        request: Vec<u8>,
        from_client: &mut Reader,
        to_client: &mut Writer,
    ) -> io::Result<Self> {
        let server: PgConnectOptions = url().parse().unwrap();
        let server = TcpStream::connect((server.get_host(), server.get_port())).await?;
        let (mut reader, mut writer) = split(server)?;
        writer.write_all(&(request.len() as u32 + 4).to_be_bytes()).await?;
        writer.write_all(&request).await?;
        writer.flush().await?;
        let (mut greeting, mut process) = (Vec::new(), 0);
        loop {
            let message = Message::read(&mut reader).await?;
            to_client.write_all(&message.0).await?;
            match message.kind() {
                b'R' if message.number() != 0 => {
                    to_client.flush().await?;
                    // The last word of the server is not answered.
                    if message.number() != 12 {
                        writer.write_all(&Message::read(from_client).await?.0).await?;
                        writer.flush().await?;
                    }
                    continue;
                }
                b'E' => {
                    to_client.flush().await?;
                    return Err(io::Error::other("the server lets nobody in"));
                }
                b'K' => process = message.number(),
                _ => {}
            }
            greeting.extend_from_slice(&message.0);
            if message.kind() == b'Z' {
                return Ok(Self { request, greeting, process, reader, writer });
            }
        }
    }

    /// Carries messages until the client disconnects. Returns whether nothing was under way then.
    async fn exchange(&mut self, client: &mut Reader, answers: &mut Writer) -> io::Result<bool> {
        let under_way = Exchange::default();
        let to_server = under_way.carry_requests(client, &mut self.writer);
        let to_client = under_way.carry_answers(&mut self.reader, answers);
        tokio::select! {
            ended = to_server => ended?,
            ended = to_client => ended?,
        }
        Ok(under_way.is_at_rest())
    }

    /// Makes the session as a new one. `false` if that failed.
    async fn reset(&mut self) -> io::Result<bool> {
        self.writer.write_u8(b'Q').await?;
        self.writer.write_u32(RESET.len() as u32 + 5).await?;
        self.writer.write_all(RESET.as_bytes()).await?;
        self.writer.write_u8(0).await?;
        self.writer.flush().await?;
        let mut succeeded = true;
        loop {
            match Message::read(&mut self.reader).await?.kind() {
                b'E' => succeeded = false,
                b'Z' => return Ok(succeeded),
                _ => {}
            }
        }
    }
}

/// What is under way in a session.
#[derive(Default)]
struct Exchange {
    /// Requests after which the server says that it is ready.
    asked: AtomicU64,
    answered: AtomicU64,
    /// Whether the last message of the client belongs to a request that goes on.
    is_open: AtomicBool,
    /// Whether the last message of the server was carried in part, or was its last one.
    is_within: AtomicBool,
    is_in_transaction: AtomicBool,
}

impl Exchange {
    fn is_at_rest(&self) -> bool {
        let busy = [&self.is_open, &self.is_within, &self.is_in_transaction];
        !busy.iter().any(|is_so| is_so.load(SeqCst))
            && self.asked.load(SeqCst) == self.answered.load(SeqCst)
    }

    async fn carry_requests(&self, client: &mut Reader, server: &mut Writer) -> io::Result<()> {
        while has_more(client, server).await? {
            let kind = client.read_u8().await?;
            if kind == b'X' {
                break;
            }
            self.is_open.store(true, SeqCst);
            carry_body(kind, client, server).await?;
            if matches!(kind, b'Q' | b'S' | b'F') {
                self.asked.fetch_add(1, SeqCst);
                self.is_open.store(false, SeqCst);
            }
        }
        server.flush().await
    }

    async fn carry_answers(&self, server: &mut Reader, client: &mut Writer) -> io::Result<()> {
        while has_more(server, client).await? {
            self.is_within.store(true, SeqCst);
            let kind = server.read_u8().await?;
            if kind == b'Z' {
                let message = Message::read_rest(kind, server).await?;
                client.write_all(&message.0).await?;
                self.is_in_transaction.store(message.0.last() != Some(&b'I'), SeqCst);
                self.answered.fetch_add(1, SeqCst);
            } else {
                carry_body(kind, server, client).await?;
            }
            self.is_within.store(false, SeqCst);
        }
        self.is_within.store(true, SeqCst);
        client.flush().await
    }
}

/// Waits for the next message; everything before it has arrived by then. `false` if there is none.
async fn has_more(from: &mut Reader, to: &mut Writer) -> io::Result<bool> {
    if from.buffer().is_empty() {
        to.flush().await?;
    }
    Ok(!from.fill_buf().await?.is_empty())
}

async fn carry_body(kind: u8, from: &mut Reader, to: &mut Writer) -> io::Result<()> {
    let length = from.read_u32().await?;
    to.write_u8(kind).await?;
    to.write_u32(length).await?;
    let mut rest = length as usize - 4;
    while rest > 0 {
        let bytes = from.fill_buf().await?;
        if bytes.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let carried = bytes.len().min(rest);
        to.write_all(&bytes[..carried]).await?;
        from.consume(carried);
        rest -= carried;
    }
    Ok(())
}

/// A whole message.
struct Message(Vec<u8>);

impl Message {
    async fn read(reader: &mut Reader) -> io::Result<Self> {
        let kind = reader.read_u8().await?;
        Self::read_rest(kind, reader).await
    }

    async fn read_rest(kind: u8, reader: &mut Reader) -> io::Result<Self> {
        let length = reader.read_u32().await?;
        let mut bytes = vec![kind];
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.resize(length as usize + 1, 0);
        reader.read_exact(&mut bytes[5..]).await?;
        Ok(Self(bytes))
    }

    fn kind(&self) -> u8 {
        self.0[0]
    }

    /// The number that the message begins with.
    fn number(&self) -> i32 {
        i32::from_be_bytes(self.0[5..9].try_into().unwrap())
    }
}

fn split(stream: TcpStream) -> io::Result<(Reader, Writer)> {
    stream.set_nodelay(true)?;
    let (reader, writer) = stream.into_split();
    Ok((BufReader::new(reader), BufWriter::new(writer)))
}

fn take(request: &[u8]) -> Option<Session> {
    let mut free = free();
    let found = free.iter().rposition(|session| session.request == request)?;
    free.remove(found)
}

fn keep(session: Session) {
    let mut free = free();
    free.push_back(session);
    if free.len() > MOST {
        free.pop_front();
    }
}

fn free() -> MutexGuard<'static, VecDeque<Session>> {
    FREE.lock().unwrap_or_else(PoisonError::into_inner)
}
