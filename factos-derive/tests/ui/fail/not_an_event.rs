struct Paid;

fn keep<E: factos::Event>(_: &E) {}

fn main() {
    keep(&Paid);
}
