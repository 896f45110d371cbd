//! What holds of any lineage, any schedule, any message and any honest host: properties, each held against many
//! generated cases (`SELFSAME_FULL=1`: all of them; else a tenth).

#[cfg(test)]
mod item;

#[cfg(test)]
mod properties {
    mod clocks;
    mod count;
    mod encodings;
    mod failing;
    mod flips;
    mod generated;
    mod honest;
    mod host;
    mod indices;
    mod model;
    mod once;
    mod pauses;
    mod reach;
    mod retention;
    mod schedule;
    mod set_back;
    mod steps;
    mod tightest;
}
