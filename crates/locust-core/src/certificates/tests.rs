//! Certificates are made, trusted and used in an order that leaves nobody
//! outside.

mod replicas;

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{
    AUTHORITY_LIFE, Authority, LEAF_LIFE, LOOK, Leaf, Next, Seen, Stored, Target, Window, next,
    validity,
};

fn now() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

fn authority(number: u8, made: Timestamp) -> Authority {
    Authority {
        der: vec![number],
        window: Window::made(made, AUTHORITY_LIFE),
    }
}

fn leaf(of: &Authority, made: Timestamp) -> Leaf {
    Leaf {
        authority: of.clone(),
        window: Window::made(made, LEAF_LIFE),
        names: ["webhook.ns.svc".to_owned()].into(),
    }
}

fn trusting(bundle: Option<&[&Authority]>) -> Target {
    Target {
        bundle: bundle.map(|bundle| bundle.iter().map(|one| (*one).clone()).collect()),
        restored: None,
    }
}

/// Everything is as it should be.
fn settled(authority: &Authority) -> Seen {
    Seen {
        now: now(),
        stored: Stored::Usable(authority.clone()),
        targets: vec![trusting(Some(&[authority]))],
        names: ["webhook.ns.svc".to_owned()].into(),
        leaf: Some(leaf(authority, now())),
        trusted_for: Some(Duration::from_secs(60)),
    }
}

#[test]
fn without_anything_an_authority_is_made_then_published_then_a_leaf_is_signed() {
    let mine = authority(1, now());
    let mut seen = Seen {
        stored: Stored::Absent,
        targets: vec![trusting(None), trusting(None)],
        leaf: None,
        trusted_for: None,
        ..settled(&mine)
    };
    assert_eq!(next(&seen), Next::MakeAuthority);
    seen.stored = Stored::Usable(mine.clone());
    assert_eq!(next(&seen), Next::Publish(0, vec![mine.clone()]));
    seen.targets[0] = trusting(Some(&[&mine]));
    assert_eq!(next(&seen), Next::Publish(1, vec![mine.clone()]));
    seen.targets[1] = trusting(Some(&[&mine]));
    assert_eq!(next(&seen), Next::Issue);
    seen.leaf = Some(leaf(&mine, now()));
    assert_eq!(next(&seen), Next::Wait(LOOK));
}

#[test]
fn nothing_is_made_for_nobody() {
    let seen = Seen {
        stored: Stored::Absent,
        targets: Vec::new(),
        ..settled(&authority(1, now()))
    };
    assert_eq!(next(&seen), Next::Wait(LOOK));
}

#[test]
fn a_secret_that_is_no_good_or_no_longer_is_replaced() {
    let of = |stored| {
        next(&Seen {
            stored,
            ..settled(&authority(1, now()))
        })
    };
    assert_eq!(of(Stored::Absent), Next::MakeAuthority);
    assert_eq!(of(Stored::Unusable), Next::MakeAuthority);
    let expired = authority(2, now() - AUTHORITY_LIFE);
    assert_eq!(of(Stored::Usable(expired)), Next::MakeAuthority);
    let from_the_future = Authority {
        window: Window {
            from: now() + SignedDuration::from_secs(1),
            until: Timestamp::MAX,
        },
        ..authority(2, now())
    };
    assert_eq!(of(Stored::Usable(from_the_future)), Next::MakeAuthority);
}

#[test]
fn certificates_are_renewed_when_a_third_of_their_life_is_left() {
    let renewed = |life: SignedDuration| life * 2 / 3 + SignedDuration::from_secs(1);
    let young = authority(
        1,
        now() - renewed(AUTHORITY_LIFE) + SignedDuration::from_secs(2),
    );
    assert_eq!(next(&settled(&young)), Next::Wait(LOOK));
    let old = authority(1, now() - renewed(AUTHORITY_LIFE));
    assert_eq!(next(&settled(&old)), Next::MakeAuthority);
    let mine = authority(1, now());
    let with_leaf_of = |age| {
        let leaf = Some(leaf(&mine, now() - age));
        next(&Seen {
            leaf,
            ..settled(&mine)
        })
    };
    let second = SignedDuration::from_secs(2);
    assert_eq!(with_leaf_of(renewed(LEAF_LIFE) - second), Next::Wait(LOOK));
    assert_eq!(with_leaf_of(renewed(LEAF_LIFE)), Next::Issue);
}

#[test]
fn a_leaf_speaks_for_the_names_by_which_the_webhook_is_called() {
    let mine = authority(1, now());
    let names = ["other.ns.svc".to_owned()].into();
    assert_eq!(
        next(&Seen {
            names,
            ..settled(&mine)
        }),
        Next::Issue
    );
}

#[test]
fn a_new_authority_is_trusted_beside_the_old_one_before_anything_is_signed_by_it() {
    let (old, new) = (authority(1, now()), authority(2, now()));
    let mut seen = Seen {
        stored: Stored::Usable(new.clone()),
        trusted_for: None,
        ..settled(&old)
    };
    let both = vec![new.clone(), old.clone()];
    assert_eq!(next(&seen), Next::Publish(0, both));
    seen.targets = vec![trusting(Some(&[&new, &old]))];
    assert_eq!(next(&seen), Next::Wait(Duration::from_secs(3)));
    seen.trusted_for = Some(Duration::from_secs(1));
    assert_eq!(next(&seen), Next::Wait(Duration::from_secs(2)));
    seen.trusted_for = Some(Duration::from_secs(3));
    assert_eq!(next(&seen), Next::Issue);
    seen.leaf = Some(leaf(&new, now()));
    assert_eq!(next(&seen), Next::Wait(LOOK));
    // And the old one is not trusted for ever.
    seen.now = now() + SignedDuration::from_mins(61);
    assert_eq!(next(&seen), Next::Publish(0, vec![new.clone()]));
    // Unless this replica still shows what the old one signed.
    seen.leaf = Some(leaf(&old, seen.now));
    seen.trusted_for = None;
    assert_eq!(next(&seen), Next::Wait(Duration::from_secs(3)));
}

#[test]
fn not_more_than_four_predecessors_are_trusted_and_what_this_clock_calls_expired_is_among_them() {
    let mine = authority(9, now());
    let expired = authority(1, now() - AUTHORITY_LIFE);
    let others: Vec<Authority> = (2..8).map(|number| authority(number, now())).collect();
    let all: Vec<&Authority> = [&expired]
        .into_iter()
        .chain(&others)
        .chain([&mine])
        .collect();
    let seen = Seen {
        targets: vec![trusting(Some(&all))],
        ..settled(&mine)
    };
    let mut expected = vec![mine, expired];
    expected.extend(others.into_iter().take(3));
    assert_eq!(next(&seen), Next::Publish(0, expected));
}

#[test]
fn a_bundle_that_is_stripped_is_restored_and_not_fought_over() {
    let mine = authority(1, now());
    let bundle = vec![mine.clone()];
    let stripped = |restored| {
        let targets = vec![Target {
            bundle: None,
            restored,
        }];
        next(&Seen {
            targets,
            ..settled(&mine)
        })
    };
    let restored = |ago| Some((bundle.clone(), Duration::from_secs(ago)));
    assert_eq!(stripped(None), Next::Publish(0, bundle.clone()));
    assert_eq!(stripped(restored(60)), Next::Publish(0, bundle.clone()));
    assert_eq!(stripped(restored(45)), Next::Wait(Duration::from_secs(15)));
    // A rotation is no fight.
    let before = Some((vec![authority(2, now())], Duration::from_secs(1)));
    assert_eq!(stripped(before), Next::Publish(0, bundle.clone()));
}

/// Of an authority that openssl made.
const CERTIFICATE: &str = "\
3082017030820115a00302010202146154507594cdfda7b41677990dc3c2c65e60d22f300a06082a\
8648ce3d040302300c310a300806035504030c01613020170d3236313132353031313130335a180f\
32303539313030333031313130335a300c310a300806035504030c01613059301306072a8648ce3d\
020106082a8648ce3d030107034200046c43222722ce29687bfe2230f7c0ed8d8e4f38764266275f\
eca1aff08c4e20c201eb5294ee00655e637ae0cb8fd721a2c88502917af99ace742dd32709976bda\
a3533051301d0603551d0e0416041493712e40bbe28eeaff542b2242647b104379bdbd301f060355\
1d2304183016801493712e40bbe28eeaff542b2242647b104379bdbd300f0603551d130101ff0405\
30030101ff300a06082a8648ce3d0403020349003046022100cdac115b46604fb8688a17b2ec3cf5\
4fffc861d9262b5acc7a2def07ba821759022100a9204782d64bfa79c2a6075667ee3c21c7980d2e\
57bb2cfc05562da3e8a9df78";

fn certificate() -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&CERTIFICATE[at..at + 2], 16).unwrap();
    (0..CERTIFICATE.len()).step_by(2).map(digit).collect()
}

#[test]
fn a_certificate_says_when_it_is_valid() {
    let expected = Window {
        from: "2026-11-25T01:11:03Z".parse().unwrap(),
        until: "2059-10-03T01:11:03Z".parse().unwrap(),
    };
    assert_eq!(validity(&certificate()), Some(expected));
}

#[test]
fn what_is_no_certificate_says_nothing_and_does_no_harm() {
    let certificate = certificate();
    for length in 0..150 {
        assert_eq!(validity(&certificate[..length]), None, "{length}");
    }
    for at in 0..certificate.len() {
        for bit in 0..8 {
            let mut broken = certificate.clone();
            broken[at] ^= 1 << bit;
            let _ = validity(&broken);
        }
    }
    assert_eq!(validity(b"\x30\x84\xff\xff\xff\xff"), None);
    assert_eq!(validity(b"\x30\x80\x30\x80"), None);
}
