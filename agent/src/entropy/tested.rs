//! A source with its health tests: nothing is taken from it that has not passed them.

use zeroize::Zeroizing;

use super::{
    Contribution, DrawError, EntropySource, Remarks,
    health::{HealthTests, START_UP_SAMPLES},
};

/// A source, and how its tests stand. Its first draw is a start-up test, and so is each after one that failed.
pub(crate) struct Tested {
    source: Box<dyn EntropySource>,
    tests: HealthTests,
    passed: bool,
}

/// What came of a draw.
pub(crate) struct Drawn {
    /// The bytes, which have passed, or why there are none.
    pub(crate) result: Result<Contribution, DrawError>,
    /// What the source remarks, in either case.
    pub(crate) remarks: Remarks,
}

impl Tested {
    pub(crate) fn new(source: Box<dyn EntropySource>) -> Self {
        let tests = HealthTests::new(source.class().claim());
        Self { source, tests, passed: false }
    }

    /// Draws: all of a start-up test's samples where it has to pass one, which are as good as any once it has; else as
    /// much as the state holds.
    pub(crate) fn draw(&mut self) -> Drawn {
        let length = if self.passed { DRAW_BYTES } else { START_UP_SAMPLES };
        let mut bytes = Zeroizing::new(vec![0; length]);
        let drawn = self.source.draw(&mut bytes).and_then(|()| {
            let tested = if self.passed { self.tests.watch(&bytes) } else { self.tests.start_up(&bytes) };
            tested.map_err(DrawError::Health)
        });
        self.passed = drawn.is_ok();
        let remarks = self.source.remarks();
        let name = self.source.name().to_owned();
        let result = drawn.map(|()| Contribution { name, bytes, clock: remarks.clock });
        Drawn { result, remarks }
    }
}

/// What is drawn from a source at a time: as much as the state holds (protocol section 8).
const DRAW_BYTES: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::{Class, kernel::Kernel};

    /// Gives what the kernel does, until it is told to give one byte only, or nothing.
    struct Wavering {
        kernel: Kernel,
        asked: Vec<usize>,
        way: std::sync::mpsc::Receiver<Way>,
    }

    enum Way {
        Good,
        Stuck,
        Gone,
    }

    impl EntropySource for Wavering {
        fn name(&self) -> &str {
            "wavering"
        }

        fn class(&self) -> Class {
            Class::Platform
        }

        fn draw(&mut self, out: &mut [u8]) -> Result<(), DrawError> {
            self.asked.push(out.len());
            match self.way.recv().unwrap() {
                Way::Good => self.kernel.draw(out),
                Way::Stuck => {
                    out.fill(0xa5);
                    Ok(())
                }
                Way::Gone => Err(DrawError::Kernel { text: "gone".into() }),
            }
        }

        fn remarks(&mut self) -> Remarks {
            let facts = vec![super::super::Fact::new("asked for", format!("{:?}", self.asked))];
            Remarks { facts, ..Remarks::default() }
        }
    }

    #[test]
    fn a_failure_of_either_kind_is_followed_by_a_start_up_test() {
        let (ways, way) = std::sync::mpsc::channel();
        let mut tested = Tested::new(Box::new(Wavering { kernel: Kernel, asked: Vec::new(), way }));
        let mut draw = |way| {
            ways.send(way).unwrap();
            tested.draw()
        };
        assert_eq!(draw(Way::Good).result.unwrap().bytes.len(), 1024);
        assert_eq!(draw(Way::Good).result.unwrap().bytes.len(), 32);
        assert!(matches!(draw(Way::Stuck).result, Err(DrawError::Health(_))));
        assert!(matches!(draw(Way::Stuck).result, Err(DrawError::Health(_))), "at its start, too");
        assert_eq!(draw(Way::Good).result.unwrap().bytes.len(), 1024);
        assert!(matches!(draw(Way::Gone).result, Err(DrawError::Kernel { .. })));
        assert_eq!(draw(Way::Good).result.unwrap().bytes.len(), 1024);
        let drawn = draw(Way::Good);
        assert_eq!(drawn.result.unwrap().name, "wavering");
        let expected = "[1024, 32, 32, 1024, 1024, 32, 1024, 32]";
        assert_eq!(drawn.remarks.facts[0].text, expected, "remarks come through");
    }
}
