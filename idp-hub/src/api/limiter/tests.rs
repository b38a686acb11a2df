use shared::runtime::clock::Clock;

use super::*;

const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));

fn source(number: u32) -> IpAddr {
    IpAddr::V4(number.into())
}

#[test]
fn waits_begin_after_some_failures_and_grow_to_a_ceiling() {
    let mut limiter = SignInLimiter::default();
    let mut now = Clock::system().now();
    for _ in 0..FREE {
        assert_eq!(limiter.attempt(now, "admin", HOME), Ok(()));
    }
    let mut waited = Vec::new();
    for _ in 0..11 {
        let wait = limiter.attempt(now, "admin", HOME).unwrap_err();
        let early = now + wait - Duration::from_millis(1);
        assert_eq!(
            limiter.attempt(early, "admin", HOME),
            Err(Duration::from_millis(1))
        );
        now += wait;
        assert_eq!(limiter.attempt(now, "admin", HOME), Ok(()));
        waited.push(wait.as_secs());
    }
    assert_eq!(waited, [2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]);
    assert_eq!(
        limiter.attempt(now, "admin", source(7)),
        Ok(()),
        "another is not held up"
    );
    assert_eq!(limiter.attempt(now, "other", HOME), Ok(()));
    limiter.succeeded("admin", HOME);
    assert_eq!(limiter.attempt(now, "admin", HOME), Ok(()));
}

#[test]
fn an_attempt_that_nobody_looked_at_counts_for_neither_account_nor_source() {
    let mut limiter = SignInLimiter::default();
    let now = Clock::system().now();
    for _ in 1..SPARED_MAX {
        assert_eq!(limiter.attempt(now, "ann", HOME), Ok(()));
        limiter.take_back("ann", HOME);
    }
    for _ in 0..FREE {
        assert_eq!(limiter.attempt(now, "ann", HOME), Ok(()));
    }
    assert_eq!(limiter.attempt(now, "ann", HOME), Err(WAIT_FIRST));
    limiter.take_back("ann", HOME);
    assert_eq!(limiter.attempt(now, "ann", HOME), Ok(()), "one alone");
    assert_eq!(limiter.attempt(now, "ann", HOME), Err(WAIT_FIRST));
}

#[test]
fn whoever_goes_on_while_nobody_looks_is_held_up_as_well() {
    let mut limiter = SignInLimiter::default();
    let now = Clock::system().now();
    let mut tries = 0;
    while limiter.attempt(now, "ann", HOME).is_ok() {
        limiter.take_back("ann", HOME);
        tries += 1;
    }
    assert_eq!(tries, SPARED_MAX + FREE);
    // Nor may a source by many names.
    let mut all = 0;
    for number in 0..1000 {
        let name = format!("u{number}");
        let Ok(()) = limiter.attempt(now, &name, source(9)) else {
            break;
        };
        limiter.take_back(&name, source(9));
        all += 1;
    }
    assert_eq!(all, SOURCE_SPARED_MAX + SOURCE_FREE);
    let later = now + FORGOTTEN_AFTER;
    assert_eq!(limiter.attempt(later, "ann", HOME), Ok(()));
    limiter.take_back("ann", HOME);
    assert_eq!(limiter.attempt(later, "ann", HOME), Ok(()));
}

#[test]
fn an_hour_of_quiet_is_forgiven() {
    let mut limiter = SignInLimiter::default();
    let now = Clock::system().now();
    while limiter.attempt(now, "admin", HOME).is_ok() {}
    let later = now + FORGOTTEN_AFTER;
    for _ in 0..FREE {
        assert_eq!(limiter.attempt(later, "admin", HOME), Ok(()));
    }
    assert!(limiter.attempt(later, "admin", HOME).is_err());
}

#[test]
fn one_site_is_one_source_however_many_addresses_it_has() {
    let one: IpAddr = "2001:db8:0:1::1".parse().unwrap();
    let same: IpAddr = "2001:db8:0:1:ffff::2".parse().unwrap();
    let other: IpAddr = "2001:db8:0:2::1".parse().unwrap();
    let mapped: IpAddr = "::ffff:10.0.0.1".parse().unwrap();
    assert_eq!(site(one), site(same));
    assert_ne!(site(one), site(other));
    assert_eq!(site(mapped), HOME);
}

/// Lets it fail as often as it may at once.
fn exhaust(limiter: &mut SignInLimiter, now: Instant, account: &str, source: IpAddr) -> u32 {
    let mut failed = 0;
    while limiter.attempt(now, account, source).is_ok() {
        failed += 1;
    }
    failed
}

#[test]
fn names_that_nobody_has_buy_a_guesser_no_more_guesses() {
    let mut limiter = SignInLimiter::default();
    let now = Clock::system().now();
    assert_eq!(exhaust(&mut limiter, now, "admin", HOME), FREE);
    let invented = (0..2 * REMEMBERED_MAX).filter(|number| {
        let account = format!("nobody-{number}");
        limiter.attempt(now, &account, HOME).is_ok()
    });
    assert_eq!(invented.count(), (SOURCE_FREE - FREE) as usize);
    assert_eq!(limiter.attempt(now, "admin", HOME), Err(WAIT_FIRST));
    assert_eq!(
        limiter.attempt(now, "admin", source(7)),
        Ok(()),
        "elsewhere"
    );
    // An account of his own gives none back either.
    let later = now + WAIT_FIRST;
    assert_eq!(limiter.attempt(later, "own", HOME), Ok(()));
    limiter.succeeded("own", HOME);
    assert_eq!(limiter.attempt(later, "other", HOME), Ok(()), "it was over");
    let doubled = limiter.attempt(later, "another", HOME);
    assert_eq!(doubled, Err(2 * WAIT_FIRST));
}

#[test]
fn a_flood_of_sources_is_remembered_within_bounds() {
    let mut limiter = SignInLimiter::default();
    let now = Clock::system().now();
    exhaust(&mut limiter, now, "admin", HOME);
    for number in 0..REMEMBERED_MAX as u32 + 500 {
        assert_eq!(limiter.attempt(now, "admin", source(number)), Ok(()));
    }
    assert_eq!(limiter.pairs.entries.len(), REMEMBERED_MAX);
    assert_eq!(limiter.sources.entries.len(), REMEMBERED_MAX);
    assert_eq!(limiter.attempt(now, "admin", HOME), Err(WAIT_FIRST));
    let later = now + WAIT_FIRST;
    assert_eq!(limiter.attempt(later, "admin", source(9999)), Ok(()));
    assert_eq!(limiter.attempt(later, "admin", HOME), Ok(()));
    let doubled = limiter.attempt(later, "admin", HOME);
    assert_eq!(
        doubled,
        Err(2 * WAIT_FIRST),
        "his wait was over, and he not forgotten"
    );
}

#[test]
fn a_script_behind_one_address_holds_the_others_there_up_for_a_minute_at_most() {
    let mut limiter = SignInLimiter::default();
    let mut now = Clock::system().now();
    for number in 0..200 {
        let account = format!("script-{}", number % 50);
        let _ = limiter.attempt(now, &account, HOME);
        now += Duration::from_secs(30);
    }
    let wait = limiter.attempt(now, "admin", HOME).err();
    assert!(wait.is_none_or(|it| it <= SOURCE_WAIT_MAX), "{wait:?}");
}

#[test]
fn where_all_have_to_wait_a_newcomer_has_to_as_well() {
    let mut limiter = SignInLimiter::default();
    let now = Clock::system().now();
    for number in 0..REMEMBERED_MAX as u32 {
        exhaust(&mut limiter, now, "admin", source(number));
    }
    assert_eq!(limiter.attempt(now, "admin", HOME), Err(WAIT_FIRST));
    assert_eq!(limiter.pairs.entries.len(), REMEMBERED_MAX);
    let later = now + WAIT_FIRST;
    assert_eq!(limiter.attempt(later, "admin", HOME), Ok(()));
    assert_eq!(limiter.pairs.entries.len(), REMEMBERED_MAX);
}

#[test]
fn an_office_whose_users_mistype_all_day_long_is_held_up_at_no_time() {
    let mut limiter = SignInLimiter::default();
    let mut now = Clock::system().now();
    for minute in 0..24 * 60 {
        now += Duration::from_secs(30);
        let mistyped = format!("user-{minute}");
        assert_eq!(limiter.attempt(now, &mistyped, HOME), Ok(()), "{minute}");
        now += Duration::from_secs(30);
        assert_eq!(limiter.attempt(now, "right", HOME), Ok(()), "{minute}");
        limiter.succeeded("right", HOME);
    }
}

#[test]
fn a_source_has_no_more_guesses_in_a_day_than_a_few_each_minute() {
    let mut limiter = SignInLimiter::default();
    let mut now = Clock::system().now();
    let mut guesses = 0;
    for second in 0..24 * 3600 {
        now += Duration::from_secs(1);
        let account = format!("user-{}", second % 2000);
        guesses += u32::from(limiter.attempt(now, &account, HOME).is_ok());
        // An account of his own does not change it.
        if second % 7 == 0 && limiter.attempt(now, "own", HOME).is_ok() {
            limiter.succeeded("own", HOME);
        }
    }
    assert!((2000..5000).contains(&guesses), "{guesses}");
}

#[test]
fn whoever_waits_does_not_wait_for_longer_as_others_sign_in() {
    let mut limiter = SignInLimiter::default();
    let now = Clock::system().now();
    for number in 0..=SOURCE_FREE {
        let account = format!("script-{number}");
        let _ = limiter.attempt(now, &account, HOME);
    }
    assert_eq!(limiter.attempt(now, "carol", HOME), Err(WAIT_FIRST));
    let later = now + WAIT_FIRST;
    for number in 0..50 {
        let user = format!("user-{number}");
        assert_eq!(limiter.attempt(later, &user, HOME), Ok(()), "{number}");
        limiter.succeeded(&user, HOME);
    }
}

#[test]
fn what_no_region_was_asked_about_counts_for_the_account_and_as_users_are_there_for_no_source() {
    let now = Clock::system().now();
    let heard = |users| {
        let mut limiter = SignInLimiter::default();
        let tries = (0..2000).map(|number| format!("user-{number}"));
        let heard = tries.take_while(|it| {
            let is_heard = limiter.attempt(now, it, HOME).is_ok();
            limiter.unasked(HOME, users);
            is_heard
        });
        heard.count() as u32
    };
    assert_eq!(heard(0), SOURCE_FREE, "a stranger's");
    assert_eq!(heard(10), SOURCE_FREE + 10 * UNASKED_OF_USER);
    assert_eq!(heard(5000), SOURCE_FREE + SOURCE_UNASKED_MAX);
    let mut limiter = SignInLimiter::default();
    for _ in 0..FREE {
        assert_eq!(limiter.attempt(now, "ann", HOME), Ok(()));
        limiter.unasked(HOME, 10);
    }
    assert_eq!(limiter.attempt(now, "ann", HOME), Err(WAIT_FIRST));
}
