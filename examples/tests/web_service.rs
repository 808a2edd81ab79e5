//! The service as its clients see it, over HTTP.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    sync::{Mutex, mpsc},
    thread,
};

use serde_json::{Value, json};
use ureq::Agent;

struct Service {
    child: Child,
    output: BufReader<ChildStdout>,
    address: String,
    agent: Agent,
}

impl Service {
    fn start(store: &str) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_web-service"))
            .args(["--store", store, "--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on ").unwrap().to_owned();
        let agent = Agent::config_builder().http_status_as_error(false).build().into();
        Self { child, output, address, agent }
    }

    fn on(path: &Path) -> Self {
        Self::start(&format!("sqlite:{}", path.display()))
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.address)
    }

    fn get(&self, path: &str) -> (u16, Value) {
        let mut answer = self.agent.get(self.url(path)).call().unwrap();
        (answer.status().as_u16(), answer.body_mut().read_json().unwrap())
    }

    fn put(&self, path: &str, body: &Value) -> (u16, Value) {
        let mut answer = self.agent.put(self.url(path)).send_json(body).unwrap();
        (answer.status().as_u16(), answer.body_mut().read_json().unwrap())
    }

    fn subscribe(&self, course: &str, student: &str, key: Option<&str>) -> (u16, Value) {
        let mut request = self.agent.post(self.url(&format!("/courses/{course}/students")));
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        let mut answer = request.send_json(json!({ "student": student })).unwrap();
        (answer.status().as_u16(), answer.body_mut().read_json().unwrap())
    }

    fn signal_end(&self) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    }

    /// Ends the service, which must say so.
    fn end(mut self) {
        self.signal_end();
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        assert_eq!((line.trim(), self.child.wait().unwrap().code()), ("ended", Some(0)));
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn story(service: &Service) {
    let (status, defined) = service.put("/courses/c1", &json!({ "capacity": 2 }));
    assert_eq!(status, 201);
    assert_eq!(service.put("/courses/c1", &json!({ "capacity": 2 })).0, 409);
    assert_eq!(service.put("/courses/none/capacity", &json!({ "capacity": 2 })).0, 404);
    assert_eq!(service.get("/courses/none").0, 404);

    // Sent twice under one key, a command takes effect once.
    let first = service.subscribe("c1", "ann", Some("k1"));
    let again = service.subscribe("c1", "ann", Some("k1"));
    assert_eq!((first.0, again.0), (201, 200));
    assert_eq!(first.1, again.1);
    // Another command under that key is refused, and so is one without any sense.
    let (status, reused) = service.subscribe("c1", "bob", Some("k1"));
    assert_eq!(status, 422);
    assert!(reused["error"].as_str().unwrap().contains("was used for another request"), "{reused}");
    let (status, long) = service.subscribe("c1", "bob", Some(&"k".repeat(300)));
    assert_eq!(status, 422);
    assert!(long["error"].as_str().unwrap().contains("at most 244 are allowed"), "{long}");
    let (status, argument) = service.subscribe("c1", "bo\nb", None);
    assert_eq!(status, 422);
    assert!(argument["error"].as_str().unwrap().contains("control character"), "{argument}");
    let (status, refused) = service.subscribe("c1", "ann", None);
    assert_eq!(status, 409);
    assert_eq!(refused["error"], "the student has subscribed to this course already");

    let (status, bob) = service.subscribe("c1", "bob", None);
    assert_eq!(status, 201);
    assert_eq!(service.subscribe("c1", "eve", None).0, 409);
    let seen = service.get(&format!("/courses/c1?at_least={}", bob["position"]));
    let expected = json!({ "course": "c1", "capacity": 2, "students": ["ann", "bob"] });
    assert_eq!(seen, (200, expected));
    assert_eq!(service.get("/courses/c1?at_least=1000000").0, 400);
    history(service, &[&bob["position"], &first.1["position"], &defined["position"]]);
}

/// The history from the newest event to the oldest, one on a page, and back.
fn history(service: &Service, positions: &[&Value]) {
    let path = "/courses/c1/history?size=1";
    let mut page = service.get(path).1;
    assert_eq!(page["previous"], json!(null));
    for (index, position) in positions.iter().enumerate() {
        assert_eq!(page["events"][0]["position"], **position);
        let Some(next) = page["next"].as_str() else {
            assert_eq!(index + 1, positions.len());
            break;
        };
        page = service.get(&format!("{path}&cursor={next}")).1;
    }
    assert_eq!(page["events"][0]["type"], "school.Defined");
    assert_eq!(page["events"][0]["payload"]["capacity"], 2);
    let back = page["previous"].as_str().unwrap();
    let page = service.get(&format!("{path}&cursor={back}")).1;
    assert_eq!(page["events"][0]["position"], *positions[positions.len() - 2]);
    assert_eq!(service.get(&format!("{path}&cursor=x")).0, 400);
}

#[test]
fn courses_and_students_on_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("courses.db");
    let service = Service::on(&file);
    story(&service);
    service.end();
    // Started again, it has the same courses.
    let service = Service::on(&file);
    assert_eq!(service.get("/courses/c1").1["students"], json!(["ann", "bob"]));
    service.end();
}

#[test]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
fn courses_and_students_on_a_server() {
    let url = std::env::var("FACTOS_POSTGRES_URL").unwrap();
    let schema = format!("web_{}", factos::EventId::new().to_string().replace('-', ""));
    let service = Service::start(&format!("{url}?schema={schema}"));
    story(&service);
    service.end();
}

#[test]
fn no_seat_is_sold_twice() {
    let folder = tempfile::tempdir().unwrap();
    let service = Service::on(&folder.path().join("courses.db"));
    assert_eq!(service.put("/courses/c1", &json!({ "capacity": 8 })).0, 201);
    let answers: Vec<u16> = thread::scope(|scope| {
        let buyer = |n| {
            let service = &service;
            move || service.subscribe("c1", &format!("s{n}"), None).0
        };
        let buyers: Vec<_> = (0..32).map(|n| scope.spawn(buyer(n))).collect();
        buyers.into_iter().map(|buyer| buyer.join().unwrap()).collect()
    });
    let of = |status| answers.iter().filter(|answer| **answer == status).count();
    // Who lost too many races is told that the others were faster, and may ask again.
    assert_eq!((of(201), of(409)), (8, 24), "{answers:?}");
    service.end();
}

#[test]
fn whoever_was_told_of_a_seat_has_it_after_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("courses.db");
    let service = Service::on(&file);
    let url = |n: usize| service.url(&format!("/courses/c{n}/students"));
    let told = Mutex::new(Vec::new());
    let (first, begun) = mpsc::channel();
    for n in 0..8 {
        let defined = service.put(&format!("/courses/c{n}"), &json!({ "capacity": 100_000 }));
        assert_eq!(defined.0, 201);
    }
    thread::scope(|scope| {
        for n in 0..8 {
            let (told, url, agent, first) = (&told, url(n), service.agent.clone(), first.clone());
            scope.spawn(move || {
                for student in 0.. {
                    let student = format!("{n}-{student}");
                    // It ends when nobody answers any more.
                    let sent = agent.post(&url).send_json(json!({ "student": &student }));
                    let Ok(answer) = sent else { return };
                    assert_eq!(answer.status(), 201);
                    told.lock().unwrap().push(student);
                    first.send(()).unwrap();
                }
            });
        }
        begun.iter().take(100).for_each(drop);
        service.signal_end();
    });
    service.end();
    let service = Service::on(&file);
    let mut recorded = Vec::new();
    for n in 0..8 {
        let (_, course) = service.get(&format!("/courses/c{n}"));
        let students = course["students"].as_array().unwrap().iter();
        recorded.extend(students.map(|student| student.as_str().unwrap().to_owned()));
    }
    let mut told = told.into_inner().unwrap();
    told.sort_unstable();
    recorded.sort_unstable();
    assert!(told.len() >= 100);
    assert_eq!(told, recorded);
}
