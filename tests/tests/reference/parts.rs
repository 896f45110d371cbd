//! The reference against the crate's parts, each by itself, over random inputs.

use selfsame::{Digest, Opening, Salt, Secret, hazmat};
use selfsame_tests::play::count;

use crate::random::dice::Dice;
use crate::spec::{merkle, odometer, pledge};

#[test]
fn pledges() {
    let mut dice = Dice::of(1);
    for _ in 0..count::cases(1000) {
        let [secret, salt, of, other] = [0; 4].map(|_| dice.hash());
        let (fast_salt, fast_of) = (Salt::new(salt), Digest::new(of));
        let made = pledge::pledge(&secret, &salt);
        assert_eq!(*hazmat::pledge(&Secret::new(secret), &fast_salt).as_bytes(), made);
        assert_eq!(hazmat::digits(&fast_of).to_vec(), pledge::digits(&of));
        let opening = pledge::opening(&secret, &salt, &of);
        assert_eq!(hazmat::open(&Secret::new(secret), &fast_salt, &fast_of).as_bytes(), opening);
        let fast = Opening::from_bytes(&opening).unwrap();
        assert_eq!(*hazmat::opened(&fast, &fast_salt, &fast_of).as_bytes(), made);
        assert_eq!(pledge::opened(&opening, &salt, &of), made);
        // over another digest, too: both come to the same wrong pledge
        let wrong = pledge::opened(&opening, &salt, &other);
        assert_eq!(*hazmat::opened(&fast, &fast_salt, &Digest::new(other)).as_bytes(), wrong);
        assert!(wrong != made);
    }
}

#[test]
fn tiers_and_caps() {
    let mut dice = Dice::of(2);
    for _ in 0..count::cases(1_000_000) {
        let (p, gap) = (dice.up_to_bits(62) - 1, dice.up_to_bits(62));
        assert_eq!(u64::from(hazmat::tier(p, p + gap)), odometer::tier(p, p + gap), "{p} + {gap}");
        assert_eq!(u64::from(hazmat::cap(gap)), odometer::cap(gap), "{gap}");
    }
    for power in 0..31 {
        let edge = 4u64.pow(power);
        for gap in [edge - 1, edge, edge + 1] {
            assert_eq!(u64::from(hazmat::cap(gap)), odometer::cap(gap), "{gap}");
        }
        assert_eq!(u64::from(hazmat::tier(edge - 1, edge)), odometer::tier(edge - 1, edge));
    }
}

#[test]
fn trees() {
    let mut dice = Dice::of(3);
    for count in (1..40).chain([63, 64, 65, 127, 1000]) {
        let leaves: Vec<_> = (0..count).map(|_| dice.hash()).collect();
        let position = dice.below(count);
        let (root, inclusion) =
            hazmat::merkle(leaves.iter().copied().map(Digest::new).collect(), position).unwrap();
        assert_eq!(*root.as_bytes(), merkle::root(&leaves));
        let path: Vec<_> = inclusion.path().iter().map(|digest| *digest.as_bytes()).collect();
        assert_eq!(path, merkle::path(&leaves, position));
        let led_to = merkle::led_to(&leaves[position], position as u64, count as u64, &path);
        assert_eq!(led_to, Some(merkle::root(&leaves)));
    }
}
