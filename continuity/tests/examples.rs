//! One example each of what `properties` shows of any: quick to run, and a failure names the field or the call.

#[cfg(test)]
mod item;

#[cfg(test)]
mod examples {
    mod host;
    mod messages;
}
