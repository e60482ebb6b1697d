use super::*;
use neighbour::{Config, Device, DeviceId, Engine, Instant, NudState};
use neighbour_ctl::{LinkFacts, Monitor, Request, Table, TableError, notification, request};
use std::thread;
use std::time::Duration;

struct One(Engine, DeviceId);

impl One {
    fn new() -> Self {
        let mut engine = Engine::new(Config::default().seed(1));
        let device = Device::ethernet("eth0", [2, 0, 0, 0, 0, 1]);
        let device = engine.add_device(Instant::ZERO, device).unwrap();
        while engine.poll_event().is_some() {}
        Self(engine, device)
    }
}

impl Host for One {
    fn engine(&self) -> &Engine {
        &self.0
    }

    fn engine_mut(&mut self) -> &mut Engine {
        &mut self.0
    }

    fn now(&self) -> Instant {
        Instant::ZERO
    }

    fn link(&self, _: DeviceId) -> LinkFacts {
        LinkFacts { hardware: 1, flags: 1 }
    }

    fn set_link(&mut self, device: DeviceId, up: bool) {
        self.0.set_link(Instant::ZERO, device, up);
    }
}

impl Subject for One {
    fn news(&mut self, _: bool) -> Vec<News> {
        let events = std::iter::from_fn(|| self.0.poll_event());
        events.filter_map(|event| notification(&event.kind)).map(News::Message).collect()
    }
}

fn path(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("neigh-{}-{name}.sock", std::process::id()))
}

/// Serves while somebody else asks.
fn served<T: Send + 'static>(
    control: &mut Control,
    subject: &mut One,
    ask: impl FnOnce() -> T + Send + 'static,
) -> T {
    let asking = thread::spawn(ask);
    while !asking.is_finished() {
        control.serve(subject);
        thread::yield_now();
    }
    asking.join().unwrap()
}

fn add(one: &One, last: u8) -> Request {
    let mut request = Request::new(one.1.index(), [192, 0, 2, last].into());
    request.lladdr = Some(vec![2, 0, 0, 0, 0, last]);
    request.state = u16::from(NudState::STALE.0);
    request.create = true;
    request
}

#[test]
fn a_client_is_answered_and_the_file_goes_in_the_end() {
    let path = path("answered");
    let (mut control, mut one) =
        (Control::bind(path.clone(), Access::new(None).unwrap()).unwrap(), One::new());
    let at = path.clone();
    let interfaces = served(&mut control, &mut one, move || Table::daemon(&at)?.interfaces());
    assert_eq!(interfaces.unwrap()[0].name, "eth0");
    drop(control);
    assert!(!path.exists());
}

#[test]
fn a_listener_hears_what_another_client_does_with_its_port_id_evt_6() {
    let path = path("listener");
    let (mut control, mut one) =
        (Control::bind(path.clone(), Access::new(None).unwrap()).unwrap(), One::new());
    let (request, at) = (add(&one, 9), path.clone());
    let (news, own) = served(&mut control, &mut one, move || {
        let mut monitor = Table::daemon(&at).unwrap().subscribe().unwrap();
        let mut table = Table::daemon(&at).unwrap();
        table.change(&request).unwrap();
        table.delete(&request).unwrap();
        let mut next = || monitor.next(Some(Duration::from_secs(5))).unwrap().unwrap();
        ([next(), next(), next()], std::process::id())
    });
    let text = format!("{news:?}");
    use neighbour_ctl::News as Told;
    let [Told::New { entry, port }, Told::New { entry: failed, .. }, Told::Deleted { port: nobody, .. }] =
        &news
    else {
        panic!("{text}");
    };
    // The listener took the process's id, so the other client has one that is nobody's.
    assert_eq!(
        (entry.state, *port, failed.state, *nobody),
        (NudState::STALE, PORT_ABOVE, NudState::FAILED, 0)
    );
    assert_ne!(own, PORT_ABOVE);
}

#[test]
fn a_slow_listener_is_told_that_it_missed_something_and_hears_on_evt_7() {
    let path = path("slow");
    let (mut control, mut one) =
        (Control::bind(path.clone(), Access::new(None).unwrap()).unwrap(), One::new());
    let at = path.clone();
    let mut monitor: Monitor =
        served(&mut control, &mut one, move || Table::daemon(&at).unwrap().subscribe().unwrap());
    let (now, device) = (Instant::ZERO, one.1);
    let change = |one: &mut One, last: u8| {
        let request = neighbour::NewNeigh::replace(
            device,
            [192, 0, 2, last].into(),
            Some([2, 0, 0, 0, 0, last].into()),
            NudState::STALE,
        );
        one.0.new_neigh(now, &request).unwrap();
        one.0.del_neigh(now, device, request.address, 0).unwrap();
        one.news(true)
    };
    let message = change(&mut one, 1);
    for _ in 0..(2 * NEWS_MAX / 100) {
        control.tell(&message);
    }
    let mut heard = 0;
    loop {
        control.flush();
        match monitor.next(Some(Duration::from_secs(5))).unwrap().unwrap() {
            neighbour_ctl::News::Overrun => break,
            _ => heard += 1,
        }
    }
    assert!(heard > NEWS_MAX / 200, "{heard}");
    control.flush();
    control.tell(&change(&mut one, 2));
    control.flush();
    assert!(monitor.next(Some(Duration::from_secs(5))).unwrap().is_some());
}

#[test]
fn a_daemon_that_dies_in_the_middle_is_an_end_that_is_said() {
    let path = path("dies");
    let listener = UnixListener::bind(&path).unwrap();
    // Half of a header is sent, and no more.
    let dying = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let asked = stream.read(&mut [0; 256]).unwrap();
        stream.write_all(&request::interfaces(9)[..10]).unwrap();
        asked
    });
    let error = Table::daemon(&path).unwrap().interfaces().unwrap_err();
    assert!(dying.join().unwrap() > 0, "it was asked");
    assert!(matches!(error, TableError::Ended), "{error:?}");
    assert_eq!(error.to_string(), "EOF on netlink");
    fs::remove_file(&path).unwrap();
}

#[test]
fn a_stale_socket_is_replaced_and_a_live_one_is_respected() {
    let path = path("stale");
    drop(UnixListener::bind(&path).unwrap());
    assert!(path.exists(), "std leaves the file behind");
    let control = Control::bind(path.clone(), Access::new(None).unwrap()).unwrap();
    let error = Control::bind(path.clone(), Access::new(None).unwrap()).unwrap_err().to_string();
    assert!(error.contains("another daemon listens there"), "{error}");
    drop(control);
    fs::write(&path, "precious").unwrap();
    let error = Control::bind(path.clone(), Access::new(None).unwrap()).unwrap_err().to_string();
    assert!(error.contains("no socket"), "{error}");
    assert_eq!(fs::read(&path).unwrap(), b"precious");
    fs::remove_file(&path).unwrap();
}

#[test]
fn a_stream_that_lost_its_shape_is_closed() {
    let path = path("shape");
    let mut control = Control::bind(path.clone(), Access::new(None).unwrap()).unwrap();
    let mut client = UnixStream::connect(&path).unwrap();
    client.write_all(&[0; 16]).unwrap();
    control.serve(&mut One::new());
    assert!(control.clients.is_empty());
    assert_eq!(client.read(&mut [0; 1]).unwrap(), 0);
}

#[test]
fn a_client_that_asks_and_closes_its_side_is_answered_still() {
    let path = path("half");
    let mut control = Control::bind(path.clone(), Access::new(None).unwrap()).unwrap();
    let mut client = UnixStream::connect(&path).unwrap();
    client.write_all(&request::interfaces(9)).unwrap();
    client.shutdown(std::net::Shutdown::Write).unwrap();
    control.serve(&mut One::new());
    let mut answer = Vec::new();
    client.read_to_end(&mut answer).unwrap();
    assert!(answer.len() > 32 && control.clients.is_empty());
}

#[test]
fn who_asks_for_much_at_once_is_answered_by_turns() {
    let path = path("turns");
    let (mut control, mut one) =
        (Control::bind(path.clone(), Access::new(None).unwrap()).unwrap(), One::new());
    let mut client = UnixStream::connect(&path).unwrap();
    let last = 2 * REQUESTS_A_TURN as u8 + 1;
    let requests: Vec<u8> = (1..=last).flat_map(|n| request::change(n.into(), &add(&one, n))).collect();
    client.write_all(&requests).unwrap();
    let mut frames = Frames::default();
    for (turn, answers) in [(1, REQUESTS_A_TURN), (2, REQUESTS_A_TURN), (3, 1)] {
        control.serve(&mut one);
        control.flush();
        let mut answer = [0; 64 * 1024];
        let len = client.read(&mut answer).unwrap();
        frames.push(&answer[..len]);
        let mut told = 0;
        while frames.next_message().unwrap().is_some() {
            told += 1;
        }
        assert_eq!((told, control.has_more()), (answers, turn < 3), "turn {turn}");
    }
    assert_eq!(one.0.neighbours(neighbour::Family::Inet).count(), usize::from(last));
    client.shutdown(std::net::Shutdown::Write).unwrap();
    control.serve(&mut one);
    assert!(control.clients.is_empty() && !control.has_more());
}

#[test]
fn nobody_there_is_an_error_that_names_the_socket() {
    let error = Table::daemon(&path("nobody")).unwrap_err();
    assert!(matches!(error, TableError::NoDaemon { .. }));
    assert!(error.to_string().contains("nobody.sock"));
}

#[test]
fn who_is_neither_root_nor_the_owner_nor_of_the_group_may_only_read_nl_6() {
    let refused = |control: &mut Control, one: &mut One, at: PathBuf, request: Request| {
        served(control, one, move || {
            let mut table = Table::daemon(&at).unwrap();
            let error = table.change(&request).err().map(|error| error.to_string());
            let entries = table.neighbours(&neighbour_ctl::Filter::default()).unwrap();
            (entries.iter().any(|entry| entry.address == request.address), error)
        })
    };
    for (group, may) in [(None, false), (Some(nix::unistd::getegid()), true)] {
        let path = path("access");
        let (mut control, mut one) = (Control::bind(path.clone(), Access::of(group)).unwrap(), One::new());
        let request = add(&one, 9);
        let (there, error) = refused(&mut control, &mut one, path, request);
        assert_eq!(there, may, "reading is for everybody");
        match error {
            None => assert!(may),
            Some(text) => assert!(!may && text.contains("not permitted"), "{text}"),
        }
    }
}
