//! One region of the simulated AWS: the services' states side by side, and the passing of time.
//!
//! What it is not: it knows no protocol and no other region.
//!
//! Invariant: `now` moves forward only; every tick leaves the services consistent with `now`.

use super::{
    Time, behaviour::Behaviours, codedeploy, commands::Commands, ecr, ecs, elb, levers::Levers,
    logs, scaling, sqs, ssm, surroundings::Surroundings,
};

/// One simulated second, in milliseconds.
const SECOND: Time = 1000;

/// A jump in time is walked in steps of one second for this many steps; what is left of it in
/// coarser ones. An hour is longer than anything the services do on their own except waits that a
/// user asked for, and those end at a deadline which a coarse step cannot miss, only meet late.
const FINE_STEPS: Time = 3600;

/// The coarser step: a day's jump then takes 3600 + 276 steps.
const COARSE: Time = 300 * SECOND;

/// One region.
#[derive(Debug, Default)]
pub struct World {
    /// The region's name, such as `ap-northeast-1`.
    pub region: String,
    /// The simulated time of the request or tick in hand.
    pub now: Time,
    /// The last number given out by [`World::next_id`].
    counter: u64,
    /// Amazon ECS.
    pub ecs: ecs::State,
    /// Elastic Load Balancing v2.
    pub elb: elb::State,
    /// Amazon ECR.
    pub ecr: ecr::State,
    /// AWS CodeDeploy.
    pub codedeploy: codedeploy::State,
    /// Application Auto Scaling.
    pub scaling: scaling::State,
    /// Systems Manager Parameter Store.
    pub ssm: ssm::State,
    /// Amazon SQS.
    pub sqs: sqs::State,
    /// `CloudWatch` Logs.
    pub logs: logs::State,
    /// How containers of the images behave.
    pub behaviours: Behaviours,
    /// How the commands of one-off tasks end.
    pub commands: Commands,
    /// What hook functions report, and which alarms fire.
    pub levers: Levers,
    /// Subnets, VPCs, security groups, roles and secrets.
    pub surroundings: Surroundings,
}

impl World {
    /// An empty region.
    pub fn new(region: &str, now: Time) -> Self {
        Self {
            region: region.to_owned(),
            now,
            ..Self::default()
        }
    }

    /// The next number of the region's only source of identity. Deterministic.
    pub fn next_id(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }

    /// Thirty-two hexadecimal digits that look like AWS's ids and are unique in the region.
    pub fn next_hex(&mut self) -> String {
        let n = self.next_id();
        // A fixed odd multiplier spreads the counter over all digits, so ids do not look alike.
        let high = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let low = n.wrapping_mul(0xd1b5_4a32_d192_ed03) ^ high.rotate_left(29);
        format!("{high:016x}{low:016x}")
    }

    /// Advances the region to `now`, in steps of one simulated second; a jump of more than an hour
    /// goes on in steps of five minutes.
    pub fn tick(&mut self, now: Time) {
        let fine_until = self.now + FINE_STEPS * SECOND;
        loop {
            let step = if self.now < fine_until {
                SECOND
            } else {
                COARSE.min(now - self.now)
            };
            if step < SECOND || self.now + step > now {
                break;
            }
            self.now += step;
            ecs::tick(self);
            self.elb.tick(self.now);
            codedeploy::tick(self);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unique_and_repeatable() {
        let ids = || {
            let mut world = World::new("us-east-1", 0);
            (0..1000).map(|_| world.next_hex()).collect::<Vec<_>>()
        };
        let (first, second) = (ids(), ids());
        assert_eq!(first, second);
        let heads: std::collections::BTreeSet<_> = first.iter().map(|id| &id[..16]).collect();
        assert_eq!(heads.len(), 1000);
    }

    #[test]
    fn time_stops_less_than_a_second_before_now_and_never_turns_back() {
        let mut world = World::new("us-east-1", 500);
        world.tick(3_400);
        assert_eq!(world.now, 2_500);
        world.tick(1_000);
        assert_eq!(world.now, 2_500);
        world.tick(2_500 + 3 * 86_400_000 + 400);
        assert_eq!(world.now, 2_500 + 3 * 86_400_000);
    }
}
