//! The generator that the configuration wants, there or not: looked for at each draw until it is found.

use super::{
    Class, Detected, DrawError, EntropySource, Hwrng, HwrngError, HwrngPaths, PREFIX, class_of, detect,
};

/// A generator by its name, or whichever the kernel has.
pub(crate) struct Wanted {
    generator: Option<String>,
    name: String,
    paths: HwrngPaths,
    found: Option<Hwrng>,
}

impl Wanted {
    /// The generator that the kernel calls `generator`; none: whichever it has. Nothing is looked for yet.
    pub(crate) fn new(generator: Option<&str>) -> Self {
        Self::at(generator, HwrngPaths::default())
    }

    fn at(generator: Option<&str>, paths: HwrngPaths) -> Self {
        let name = generator.map_or_else(|| "hwrng".to_owned(), |name| format!("{PREFIX}{name}"));
        Self { generator: generator.map(str::to_owned), name, paths, found: None }
    }

    fn find(&self) -> Result<Hwrng, HwrngError> {
        let found = match detect(&self.paths) {
            Detected::Source(found) => found,
            Detected::SameAsTpm { name } => return Err(HwrngError::SameAsTpm { name }),
            Detected::None { why } => return Err(HwrngError::Unknown(why)),
        };
        match &self.generator {
            Some(wanted) if found.name() != self.name => Err(HwrngError::Switched {
                expected: wanted.clone(),
                found: found.name().strip_prefix(PREFIX).unwrap_or_default().to_owned(),
            }),
            _ => Ok(found),
        }
    }
}

impl EntropySource for Wanted {
    fn name(&self) -> &str {
        &self.name
    }

    fn class(&self) -> Class {
        self.generator.as_deref().and_then(class_of).unwrap_or(Class::Platform)
    }

    fn draw(&mut self, out: &mut [u8]) -> Result<(), DrawError> {
        let found = match self.found.take() {
            Some(found) => found,
            None => self.find().map_err(DrawError::Hwrng)?,
        };
        self.found.insert(found).draw(out)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn it_is_looked_for_until_it_is_there() {
        let directory = tempfile::tempdir().unwrap();
        let paths =
            HwrngPaths { device: directory.path().join("hwrng"), current: directory.path().join("current") };
        let mut any = Wanted::at(None, paths.clone());
        let mut tee = Wanted::at(Some("optee-rng"), paths.clone());
        assert_eq!((any.name(), any.class()), ("hwrng", Class::Platform));
        assert_eq!((tee.name(), tee.class()), ("hwrng:optee-rng", Class::Tee));

        let mut out = [0; 4];
        let mut refused = |wanted: &mut Wanted| wanted.draw(&mut out).unwrap_err().to_string();
        assert_eq!(refused(&mut any), "the kernel has no hardware generator");
        fs::write(&paths.current, "tpm-rng-0\n").unwrap();
        assert!(refused(&mut any).contains("not counted twice"));
        fs::write(&paths.current, "virtio_rng.0\n").unwrap();
        assert_eq!(refused(&mut tee), "rng_current: expected optee-rng, found virtio_rng.0");
        fs::write(&paths.device, [1, 2, 3, 4]).unwrap();
        any.draw(&mut out).unwrap();
        assert_eq!(out, [1, 2, 3, 4]);
        fs::write(&paths.current, "optee-rng\n").unwrap();
        tee.draw(&mut out).unwrap();
    }
}
