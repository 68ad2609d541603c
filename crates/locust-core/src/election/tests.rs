//! Tests of the election's rules: single ones here, and all orders of what may
//! happen.

mod lease;
mod search;
mod world;

use std::time::Duration;

use super::{Answer, Call, Elector, End, Event, Holder, Next, Seen, Timing};
use crate::trials::{extent, is_whole};
use search::{Found, search};
use world::{Besides, World};

/// Clocks that agree, and of which one goes 1.4 times as fast as the other: how
/// much passes on each in a step, in tenths of a second.
const EQUAL: [u32; 2] = [25, 25];
const APART: [u32; 2] = [20, 28];
const THREE: [u32; 3] = [20, 24, 28];
/// More than an election can bear.
const TOO_FAR_APART: [u32; 2] = [20, 38];

fn never_two<const N: usize>(start: World<N>, depth: usize, besides: Besides) {
    let Found {
        states,
        two_leaders,
    } = search(start, depth, besides);
    assert_eq!(two_leaders, None, "two replicas act at once");
    println!("{N} replicas, {besides:?}, all orders of {depth} happenings: {states} states");
    is_whole(states, 1_000, 30_000);
}

#[test]
fn two_replicas_that_start_never_act_at_once() {
    never_two(World::new(APART), extent(9, 18), Besides::Crashes);
}

#[test]
fn a_leader_and_a_standby_never_act_at_once() {
    never_two(World::settled(APART), extent(9, 19), Besides::Crashes);
}

#[test]
fn replicas_that_are_told_by_watches_never_act_at_once() {
    never_two(World::settled(APART), extent(6, 14), Besides::Watches);
}

#[test]
fn replicas_whose_clocks_agree_never_act_at_once() {
    never_two(World::settled(EQUAL), extent(8, 18), Besides::Crashes);
}

#[test]
fn three_replicas_never_act_at_once() {
    never_two(World::settled(THREE), extent(6, 13), Besides::Crashes);
}

#[test]
fn a_lease_that_people_delete_or_edit_does_not_make_two_leaders() {
    never_two(World::settled(APART), extent(8, 16), Besides::Tampering);
}

#[test]
fn clocks_that_are_too_far_apart_make_two_leaders_so_the_search_can_find_them() {
    let found = search(World::settled(TOO_FAR_APART), 9, Besides::Crashes);
    assert!(found.two_leaders.is_some(), "{} states", found.states);
}

fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

/// An elector, the time, and what it said last.
struct Replica {
    elector: Elector<u8>,
    now: f64,
    last: Next<u8>,
}

impl Replica {
    fn start() -> Self {
        let mut elector = Elector::new(Timing::DEFAULT, Duration::ZERO);
        let last = elector.step(Duration::ZERO, Event::Woke);
        assert_eq!(last.call, Some(Call::Read));
        Self {
            elector,
            now: 0.0,
            last,
        }
    }

    fn happens(&mut self, after: f64, event: Event<u8>) -> &Next<u8> {
        self.now += after;
        self.last = self.elector.step(seconds(self.now), event);
        &self.last
    }

    fn is_answered(&mut self, after: f64, answer: Answer<u8>) -> Option<Call<u8>> {
        self.happens(after, Event::Answered(answer)).call.clone()
    }

    /// Waits until it wants to be woken.
    fn sleeps(&mut self) -> Option<Call<u8>> {
        self.now = self.last.wake.unwrap().as_secs_f64();
        self.happens(0.0, Event::Woke).call.clone()
    }

    /// One that leads from the start on.
    fn leader() -> Self {
        let mut replica = Self::start();
        assert_eq!(
            replica.is_answered(0.0, Answer::Found(None)),
            Some(Call::Create)
        );
        assert_eq!(replica.is_answered(0.0, Answer::Stored(1)), None);
        replica
    }
}

fn held(version: u8, holder: Holder) -> Answer<u8> {
    Answer::Found(Some(Seen { version, holder }))
}

#[test]
fn the_first_replica_leads_at_once_and_renews_every_two_seconds() {
    let mut leader = Replica::leader();
    assert_eq!(leader.last.acting, Some(seconds(10.0)));
    assert_eq!(leader.sleeps(), Some(Call::Hold(1)));
    assert_eq!(leader.now, 2.0);
    assert_eq!(leader.is_answered(1.5, Answer::Stored(2)), None);
    assert_eq!(leader.last.acting, Some(seconds(12.0)));
    assert_eq!(leader.sleeps(), Some(Call::Hold(2)));
    assert_eq!(leader.now, 4.0);
}

#[test]
fn a_leader_acts_for_ten_seconds_from_the_sending_of_its_last_renewal() {
    let mut leader = Replica::leader();
    leader.sleeps();
    leader.is_answered(0.0, Answer::Failed);
    while leader.now < 10.0 {
        assert_eq!(leader.last.acting, Some(seconds(10.0)), "{}", leader.now);
        if leader.sleeps().is_some() {
            leader.is_answered(0.5, Answer::Failed);
        }
    }
    assert_eq!(leader.now, 10.0);
    assert_eq!(leader.last.acting, None);
    assert_eq!(leader.last.end, Some(End::NotRenewed));
}

#[test]
fn an_answer_that_comes_too_late_does_not_bring_leadership_back() {
    let mut leader = Replica::leader();
    leader.sleeps();
    leader.is_answered(8.5, Answer::Stored(2));
    assert_eq!(leader.last.end, Some(End::NotRenewed));

    let mut standby = Replica::start();
    standby.is_answered(0.0, Answer::Found(None));
    standby.is_answered(10.0, Answer::Stored(1));
    assert_eq!(standby.last.acting, None);
    assert_eq!(standby.last.call, Some(Call::Read));
}

#[test]
fn a_renewal_that_takes_four_seconds_each_time_is_good_enough() {
    let mut leader = Replica::leader();
    let mut next = leader.sleeps();
    for version in 1..20 {
        assert_eq!(next, Some(Call::Hold(version)));
        next = leader.is_answered(4.0, Answer::Stored(version + 1));
        let until = leader.now - 4.0 + 10.0;
        assert_eq!(leader.last.acting, Some(seconds(until)));
    }
}

#[test]
fn a_standby_waits_fifteen_seconds_from_the_last_change_it_saw() {
    let mut standby = Replica::start();
    standby.is_answered(0.0, held(1, Holder::Other));
    while standby.now < 7.0 {
        assert_eq!(standby.sleeps(), Some(Call::Read));
        standby.is_answered(0.0, held(1, Holder::Other));
    }
    assert_eq!(standby.sleeps(), Some(Call::Read));
    let changed = standby.now;
    assert_eq!(standby.is_answered(0.0, held(2, Holder::Other)), None);
    while standby.now < changed + 15.0 {
        assert_eq!(standby.sleeps(), Some(Call::Read));
        let answer = standby.is_answered(0.0, held(2, Holder::Other));
        let expected = (standby.now >= changed + 15.0).then_some(Call::Hold(2));
        assert_eq!(answer, expected);
    }
    assert_eq!(standby.now, changed + 15.0);
    standby.is_answered(0.0, Answer::Stored(3));
    assert_eq!(standby.last.acting, Some(seconds(standby.now + 10.0)));
}

fn is(version: u8, holder: Holder) -> Option<Seen<u8>> {
    Some(Seen { version, holder })
}

#[test]
fn a_lease_that_was_given_back_is_taken_as_soon_as_that_is_told() {
    let mut standby = Replica::start();
    standby.is_answered(0.0, held(1, Holder::Other));
    let told = Event::Told(is(2, Holder::Nobody));
    assert_eq!(standby.happens(0.3, told).call, Some(Call::Read));
    let taken = standby.is_answered(0.0, held(2, Holder::Nobody));
    assert_eq!(taken, Some(Call::Hold(2)));
}

#[test]
fn what_is_told_while_a_read_is_under_way_is_not_forgotten() {
    let mut standby = Replica::start();
    standby.happens(0.0, Event::Told(is(2, Holder::Nobody)));
    // Read before the Lease was given back.
    let next = standby.is_answered(0.1, held(1, Holder::Other));
    assert_eq!(next, Some(Call::Read));
    let taken = standby.is_answered(0.0, held(2, Holder::Nobody));
    assert_eq!(taken, Some(Call::Hold(2)));
}

#[test]
fn the_fifteen_seconds_begin_when_a_change_is_told() {
    let mut standby = Replica::start();
    standby.is_answered(0.0, held(1, Holder::Other));
    standby.happens(0.5, Event::Told(is(2, Holder::Other)));
    while standby.sleeps().is_some() {
        if standby.is_answered(0.0, held(2, Holder::Other)).is_some() {
            break;
        }
    }
    assert_eq!(standby.now, 15.5);
    assert_eq!(standby.last.call, Some(Call::Hold(2)));
}

#[test]
fn one_of_two_who_take_a_lease_loses_and_waits() {
    let mut standby = Replica::start();
    standby.is_answered(0.0, held(1, Holder::Nobody));
    assert_eq!(standby.is_answered(0.0, Answer::Conflict), None);
    assert_eq!(standby.sleeps(), Some(Call::Read));
    assert_eq!(standby.now, 2.0);
    assert_eq!(standby.is_answered(0.0, held(2, Holder::Other)), None);
    assert_eq!(standby.last.acting, None);
}

#[test]
fn a_write_whose_answer_was_lost_is_found_and_made_good() {
    let mut standby = Replica::start();
    standby.is_answered(0.0, held(1, Holder::Nobody));
    standby.is_answered(5.0, Answer::Failed);
    assert_eq!(standby.last.call, Some(Call::Read));
    let found = standby.is_answered(0.0, held(2, Holder::Us));
    assert_eq!(found, Some(Call::Hold(2)));

    let mut leader = Replica::leader();
    leader.sleeps();
    assert_eq!(leader.is_answered(5.0, Answer::Failed), Some(Call::Hold(1)));
    assert_eq!(leader.is_answered(0.5, Answer::Conflict), Some(Call::Read));
    let found = leader.is_answered(0.0, held(2, Holder::Us));
    assert_eq!(found, Some(Call::Hold(2)));
}

#[test]
fn a_leader_stops_when_the_lease_is_anothers_and_recreates_one_that_was_deleted() {
    let mut leader = Replica::leader();
    leader.sleeps();
    leader.is_answered(0.0, Answer::Conflict);
    assert_eq!(leader.sleeps(), Some(Call::Read));
    assert_eq!(leader.now, 2.5);
    let mut deposed = Replica {
        elector: leader.elector.clone(),
        last: leader.last.clone(),
        ..leader
    };
    assert_eq!(
        leader.is_answered(0.0, Answer::Found(None)),
        Some(Call::Create)
    );
    leader.is_answered(0.0, Answer::Stored(9));
    assert_eq!(leader.last.acting, Some(seconds(12.5)));

    assert_eq!(deposed.is_answered(0.0, held(2, Holder::Other)), None);
    assert_eq!(deposed.last.acting, None);
    assert_eq!(deposed.last.end, Some(End::Deposed));
}

#[test]
fn a_leader_that_resigns_stops_acting_and_gives_the_lease_back() {
    let mut leader = Replica::leader();
    leader.sleeps();
    let resigned = leader.happens(0.1, Event::Resigned).clone();
    assert_eq!((resigned.acting, resigned.call), (None, None));
    // The renewal that was in flight.
    assert_eq!(
        leader.is_answered(0.1, Answer::Stored(2)),
        Some(Call::Release(2))
    );
    leader.is_answered(0.1, Answer::Stored(3));
    assert_eq!(leader.last.end, Some(End::Released));
}

#[test]
fn who_resigns_does_not_wait_for_ever() {
    let mut leader = Replica::leader();
    leader.happens(1.0, Event::Resigned);
    assert_eq!(leader.last.call, Some(Call::Release(1)));
    assert_eq!(leader.sleeps(), None);
    assert_eq!(leader.now, 6.0);
    assert_eq!(leader.last.end, Some(End::Resigned));

    let mut standby = Replica::start();
    standby.happens(0.0, Event::Resigned);
    assert_eq!(standby.last.end, Some(End::Resigned));
}
