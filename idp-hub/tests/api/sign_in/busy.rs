//! A morning on which more users come than a region looks at at once, or none as it is away.

use super::*;
use crate::directory::a_home_in;
use crate::kit::{PASSWORD, sign_in};

/// As long as whoever is refused waits.
const WAIT: Duration = Duration::from_secs(2);

/// Users who came with `home`, and have the passwords there that they say.
async fn who_came(kit: Kit, count: u32) -> Stage {
    let it = with_users(stage_of(kit).await, count).await;
    for number in 0..count {
        it.kit.clouds.has(it.home, &format!("home-u{number}"), OLD);
    }
    it
}

impl Stage {
    fn comes(&self, source: u32, number: u32) -> impl Future<Output = Answer> {
        let asked = enters("ops", &format!("u{number}"), OLD);
        self.kit.web(from(source, asked))
    }
}

async fn until_asked(
    it: &Stage,
    count: u32,
    waiting: &mut FuturesUnordered<impl Future<Output = Answer>>,
) {
    while it.kit.clouds.asked() < count {
        let pause = tokio::time::sleep(Duration::from_millis(5));
        while_others_wait(waiting, pause).await;
    }
}

#[tokio::test]
async fn thirty_of_an_office_who_come_at_once_wait_for_their_turn_and_are_let_in() {
    let kit = a_home_in(Kit::that_refuses_after(WAIT).await).await;
    let it = who_came(kit, 32).await;
    it.kit.clouds.hangs(it.home);
    // From some addresses, each of which may have so many under way.
    let mut waiting: FuturesUnordered<_> = (0..30).map(|no| it.comes(no / 10, no)).collect();
    until_asked(&it, 16, &mut waiting).await;
    let pause = tokio::time::sleep(Duration::from_millis(500));
    while_others_wait(&mut waiting, pause).await;
    assert_eq!(it.kit.clouds.asked(), 16, "at once");
    it.kit.clouds.hangs_no_more(it.home);
    let long = Duration::from_secs(60);
    while !waiting.is_empty() {
        let answer = tokio::time::timeout(long, waiting.next()).await;
        cookie(&answer.expect("each has his turn").unwrap());
    }
    for source in 0..2 {
        cookie(&it.comes(source, 30 + source).await);
    }
}

#[tokio::test]
async fn whoever_gets_no_turn_is_refused_as_late_as_anybody() {
    let kit = a_home_in(Kit::that_refuses_after(WAIT).await).await;
    let it = who_came(kit, 17).await;
    it.kit.clouds.hangs(it.home);
    let mut waiting: FuturesUnordered<_> = (0..16).map(|no| it.comes(no, no)).collect();
    until_asked(&it, 16, &mut waiting).await;
    let mut late = std::pin::pin!(it.comes(16, 16));
    for step in [Duration::ZERO, WAIT - Duration::from_millis(1)] {
        it.kit.hand.advance(step);
        tokio::select! {
            answer = &mut late => panic!("{answer:?}"),
            answer = waiting.next() => panic!("{answer:?}"),
            () = tokio::time::sleep(Duration::from_millis(300)) => {}
        }
    }
    it.kit.hand.advance(Duration::from_millis(1));
    let late = while_others_wait(&mut waiting, late).await;
    late.is_problem(401, "wrong-password");
    assert_eq!(it.kit.clouds.asked(), 16);
}

#[tokio::test]
async fn an_office_whose_region_is_away_holds_nobody_up_who_is_there_and_a_stranger_learns_nothing()
{
    let it = who_came(with_a_home().await, 40).await;
    let (office, elsewhere) = (1, 2);
    // Some came before; and others fail now, each once.
    for number in 0..8 {
        cookie(&it.comes(office, number).await);
    }
    it.kit.clouds.go_away(it.home);
    for number in 8..36 {
        let answer = it.comes(office, number).await;
        answer.is_problem(401, "wrong-password");
    }
    let admin = it.kit.web(from(office, sign_in("admin", PASSWORD))).await;
    assert_eq!(admin.status, 201, "{}", admin.text);
    cookie(&it.comes(office, 0).await);
    // Where nobody signed in, names of users count as names that nobody has.
    let mut heard = Vec::new();
    for (source, user) in [(elsewhere, "u"), (3, "nobody-")] {
        let mut tries = 0;
        for number in 8..36 {
            let asked = enters("ops", &format!("{user}{number}"), OLD);
            let answer = it.kit.web(from(source, asked)).await;
            tries += u32::from(answer.status == 401);
        }
        heard.push(tries);
    }
    assert_eq!(heard, [20, 20]);
}
