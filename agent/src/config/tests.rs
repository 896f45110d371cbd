use super::*;

fn parse(text: &str) -> Result<Config, String> {
    Config::parse(Path::new("agent.toml"), text).map_err(|error| error.to_string())
}

#[test]
fn an_empty_file_is_the_defaults() {
    let config = parse("").unwrap();
    assert_eq!(config, Config::default());
    assert_eq!(config.beat.as_secs(), 8);
    assert_eq!(config.tpm_interval.unwrap().as_secs(), 60);
    assert_eq!(config.prove_waiting_per_uid, 1024);
    assert_eq!(config.require, Require::AnyHardware);
    assert_eq!(config.tcti.to_string(), "device:/dev/tpmrm0");
}

#[test]
fn each_key_is_taken() {
    let config = parse(
        "tcti = \"swtpm:path=/run/t/s\"\nbeat_s = 1\ntpm_interval_s = 0\nsources = [\"tpm\", \"kernel\"]\n\
         require = [\"tpm\"]\nprove_waiting_per_uid = 7\nlog = \"info,selfsame_agent=debug\"\n\
         memory = \"locked\"\non_generation_change = \"mark\"\non_tpm_reset = \"end\"\ndrift_threshold = 0.25\n",
    )
    .unwrap();
    let expected = Config {
        tcti: "swtpm:path=/run/t/s".parse().unwrap(),
        beat: Duration::from_secs(1),
        tpm_interval: None,
        sources: Sources { names: vec![SourceName::Tpm, SourceName::Kernel], chosen: true },
        require: Require::Each(vec![Class::Tpm]),
        prove_waiting_per_uid: 7,
        log: Some("info,selfsame_agent=debug".into()),
        memory: MemorySetting::Locked,
        on_generation_change: OnChange::Mark,
        on_tpm_reset: OnChange::End,
        drift_threshold: 250,
        is_fallback: false,
        text: config.text.clone(),
    };
    assert_eq!(config, expected);
    // the text has all keys, whether or not there is a field for each
    let fields = format!("{:?}", Config { text: String::new(), ..config });
    let mut keys = KEYS.to_vec();
    keys.retain(|key| !fields.contains(key));
    assert_eq!(keys, ["beat_s", "tpm_interval_s"], "no key of the design's is left out of this test");
}

#[test]
fn ranges_end_where_the_design_says() {
    for good in [
        "beat_s = 1",
        "beat_s = 3600",
        "tpm_interval_s = 3600",
        "beat_s = 0x10",
        "prove_waiting_per_uid = 65536",
    ] {
        assert!(parse(good).is_ok(), "{good}");
    }
    for (bad, text) in [
        ("beat_s = 0", "agent.toml:1: `beat_s`: expected a whole number from 1 to 3600, found 0"),
        ("beat_s = 3601", "agent.toml:1: `beat_s`: expected a whole number from 1 to 3600, found 3601"),
        ("\n\nbeat_s = -1", "agent.toml:3: `beat_s`: expected a whole number from 1 to 3600, found -1"),
        (
            "tpm_interval_s = 3601",
            "agent.toml:1: `tpm_interval_s`: expected a whole number from 0 to 3600, found 3601",
        ),
        (
            "beat_s = 99999999999999999999",
            "agent.toml:1: `beat_s`: expected a whole number from 1 to 3600, found 99999999999999999999",
        ),
        (
            "prove_waiting_per_uid = 0",
            "agent.toml:1: `prove_waiting_per_uid`: expected a whole number from 1 to 65536, found 0",
        ),
    ] {
        assert_eq!(parse(bad).unwrap_err(), text);
    }
}

#[test]
fn a_wrong_type_is_refused_with_line_key_expected_and_found() {
    for (bad, text) in [
        ("beat_s = 0.2", "agent.toml:1: `beat_s`: expected a whole number from 1 to 3600, found float 0.2"),
        (
            "# why\nbeat_s = \"8\"",
            "agent.toml:2: `beat_s`: expected a whole number from 1 to 3600, found string \"8\"",
        ),
        ("tcti = 1", "agent.toml:1: `tcti`: expected a TCTI string (a string), found integer 1"),
        ("log = true", "agent.toml:1: `log`: expected a log filter (a string), found boolean true"),
        ("require = \"tpm\"", "agent.toml:1: `require`: expected a list of strings, found string \"tpm\""),
        (
            "require = [\n \"tpm\",\n 1 ]",
            "agent.toml:3: `require`: expected a list of strings, found integer in it",
        ),
        ("[tcti]\nx = 1", "agent.toml:1: `tcti`: expected a TCTI string (a string), found table "),
    ] {
        let error = parse(bad).unwrap_err();
        assert!(error.starts_with(text), "{error}");
    }
}

#[test]
fn an_unknown_key_is_refused_with_its_line_and_the_nearest_name() {
    for (bad, text) in [
        ("beat_s = 8\nbeats = 3", "agent.toml:2: `beats`: unknown key; did you mean `beat_s`?"),
        ("[require]\n", "agent.toml:1: `require`: expected a list of strings, found table"),
        (
            "tpm_intervall_s = 3",
            "agent.toml:1: `tpm_intervall_s`: unknown key; did you mean `tpm_interval_s`?",
        ),
        ("colour = 1", "agent.toml:1: `colour`: unknown key"),
        ("[agent]\nbeat_s = 8", "agent.toml:1: `agent`: unknown key"),
    ] {
        let error = parse(bad).unwrap_err();
        assert!(error.starts_with(text), "{error}");
    }
}

#[test]
fn words_and_thresholds_are_taken_within_their_range() {
    assert_eq!(Config::default().drift_threshold, 600);
    for (text, thousandths) in [("1", 1000), ("0.6", 600), ("0.0001", 1), ("1e-3", 1)] {
        assert_eq!(parse(&format!("drift_threshold = {text}")).unwrap().drift_threshold, thousandths);
    }
    for (bad, text) in [
        ("memory = \"swap\"", "`memory`: expected one of \"auto\", \"secret\", \"locked\", found \"swap\""),
        ("on_tpm_reset = \"ignore\"", "`on_tpm_reset`: expected one of \"end\", \"mark\", found \"ignore\""),
        (
            "on_generation_change = true",
            "`on_generation_change`: expected one of a few words (a string), found",
        ),
        ("drift_threshold = 1.01", "`drift_threshold`: expected a number above 0 and up to 1, found 1.01"),
        ("drift_threshold = 0", "`drift_threshold`: expected a number above 0 and up to 1, found 0"),
        ("drift_threshold = -0.1", "`drift_threshold`: expected a number above 0 and up to 1, found -0.1"),
        ("drift_threshold = nan", "`drift_threshold`: expected a number above 0 and up to 1, found nan"),
        ("drift_threshold = \"1\"", "`drift_threshold`: expected a number above 0 and up to 1, found string"),
    ] {
        let error = parse(bad).unwrap_err();
        assert!(error.starts_with(&format!("agent.toml:1: {text}")), "{error}");
    }
}

#[test]
fn choices_are_named() {
    let error = parse("require = [\"kernel\"]").unwrap_err();
    assert_eq!(
        error,
        "agent.toml:1: `require`: expected one of \"tpm\", \"tee\", \"hsm\", \"cpu\", \"platform\", found \"kernel\""
    );
    let error = parse("sources = [\"dice\"]").unwrap_err();
    assert_eq!(
        error,
        "agent.toml:1: `sources`: expected one of tpm, hwrng[:NAME], rdseed, pkcs11:token=LABEL?module-path=/PATH, \
         kernel, found \"dice\""
    );
}

#[test]
fn a_require_that_the_sources_can_not_meet_is_refused() {
    for (bad, line) in [
        (
            "sources = [\"kernel\"]",
            "agent.toml: `require`: is not set, so it asks for a source of one class of",
        ),
        ("sources = []", "agent.toml: `require`: is not set, so it asks for a source of one class of"),
        (
            "sources = [\"rdseed\"]\nrequire = [\"tpm\"]",
            "agent.toml:2: `require`: needs class \"tpm\", and no source in `sources` is of it",
        ),
        (
            "require = [\"cpu\"]\nsources = [\"tpm\"]",
            "agent.toml:1: `require`: needs class \"cpu\", and no source in `sources` is of it",
        ),
    ] {
        let error = parse(bad).unwrap_err();
        assert!(error.starts_with(line), "{error}");
    }
    assert!(parse("sources = [\"kernel\"]\nrequire = []").is_ok(), "asked for nothing, in so many words");
}

#[test]
fn texts_are_checked_where_they_stand() {
    let error = parse("tcti = \"tpm0\"").unwrap_err();
    assert!(error.starts_with("agent.toml:1: `tcti`: expected `device:`"), "{error}");
    let error = parse("log = \"selfsame=loudly\"").unwrap_err();
    assert!(error.starts_with("agent.toml:1: `log`: not a log filter"), "{error}");
}

#[test]
fn what_is_no_toml_is_refused_with_its_line() {
    for (bad, line) in [("beat_s = 8\nbeat_s = 9", 2), ("beat_s 8", 1), ("\n\nx = [", 3)] {
        let error = parse(bad).unwrap_err();
        assert!(error.starts_with(&format!("agent.toml:{line}: ")), "{error}");
        assert!(!error.contains('\n'), "one line: {error}");
    }
}

#[test]
fn only_the_default_file_may_be_missing() {
    let nowhere = Path::new("/nonexistent/agent.toml");
    assert_eq!(Config::read_if_there(nowhere).unwrap(), Config::default());
    let error = Config::read(nowhere).unwrap_err().to_string();
    assert_eq!(error, "/nonexistent/agent.toml: No such file or directory (os error 2)");
    // A directory is there, and is no file.
    assert!(Config::read_if_there(Path::new("/")).is_err());
}

/// `docs/configuration.md` has each key in a section of its own, the defaults, each word and the ends of each range.
#[test]
fn the_reference_says_what_the_code_does() {
    let page = include_str!("../../../docs/configuration.md");
    let sections: Vec<(&str, &str)> = page
        .split("\n## `")
        .skip(1)
        .map(|section| section.split_once('`').expect("a key's name ends with a backquote"))
        .collect();
    assert_eq!(sections.iter().map(|(key, _)| *key).collect::<Vec<_>>(), KEYS);
    let (_, block) = page.split_once("```toml\n").unwrap();
    let (block, _) = block.split_once("```").unwrap();
    for key in KEYS {
        assert!(
            block.lines().any(|line| line.trim_start_matches("# ").starts_with(key)),
            "{key}: no default"
        );
    }
    let config = parse(block).unwrap();
    let chosen = Sources { chosen: true, ..Sources::default() };
    assert_eq!(config.sources, chosen);
    let read = Config { sources: Sources::default(), text: String::new(), ..config };
    assert_eq!(read, Config::default());

    let says = |key: &str, what: &str| {
        let (_, section) = sections.iter().find(|(found, _)| *found == key).unwrap();
        assert!(section.contains(what), "{key}: no {what}");
    };
    says("beat_s", &format!("1 to {LONGEST_S}"));
    says("tpm_interval_s", &format!("1 to {LONGEST_S}; 0:"));
    says("prove_waiting_per_uid", &format!("1 to {WAITING_MOST}"));
    MemorySetting::ALL.iter().for_each(|word| says("memory", &format!("`{word}`")));
    for key in ["on_generation_change", "on_tpm_reset"] {
        OnChange::ALL.iter().for_each(|word| says(key, &format!("`{word}`")));
    }
    says("drift_threshold", "above 0 and up to 1");
    CLASSES.iter().for_each(|class| says("sources", class.as_str()));
    says("sources", "at most eight");
    assert_eq!(SOURCES_MOST, 8);
}

#[test]
fn the_manual_has_each_key_and_no_other() {
    let page = include_str!("../../../packaging/man/selfsame-agent.toml.5");
    let keys = page.lines().zip(page.lines().skip(1)).filter(|(line, _)| *line == ".TP");
    let keys: Vec<_> = keys.filter_map(|(_, line)| line.strip_prefix(".BR ")?.split(' ').next()).collect();
    assert_eq!(keys, KEYS);
}
