#!/usr/bin/env python3
"""Makes packaging/debian/copyright: the project's own part, and one paragraph for each crate that is linked into the programs.

    packaging/copyright.py            writes it
    packaging/copyright.py --check    ends with 1, and says what differs, where it is not what this would write

Which crates: those that `cargo tree` names for the three programs that are packaged, for this machine's target, without
those that only run while building. Whose: by the lines in a crate's licence files that begin with Copyright, else by its
authors, else by its name. It reads the crates where Cargo keeps them, and fetches nothing."""

import difflib
import json
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
OUT = HERE / "debian" / "copyright"
PROGRAMS = ["selfsame-agent", "selfsame-command", "selfsame-tsm-report"]

# SPDX, in Debian's words (copyright-format 1.0, section 7.2)
NAMES = {
    "Apache-2.0": "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception": "Apache-2.0 with LLVM exception",
    "BSD-2-Clause": "BSD-2-clause",
    "BSD-3-Clause": "BSD-3-clause",
    "BlueOak-1.0.0": "BlueOak-1.0.0",
    "BSL-1.0": "BSL-1.0",
    "CC0-1.0": "CC0-1.0",
    "ISC": "ISC",
    "MIT": "Expat",
    "MIT-0": "MIT-0",
    "Unicode-3.0": "Unicode-3.0",
    "Unlicense": "Unlicense",
    "Zlib": "Zlib",
}


def cargo(*arguments):
    return subprocess.run(["cargo", *arguments, "--locked", "--offline"], cwd=HERE.parent, check=True,
                          capture_output=True, text=True).stdout


def linked():
    """Names and versions of the crates in the programs, but for the project's own."""
    packages = [word for program in PROGRAMS for word in ("-p", program)]
    lines = cargo("tree", *packages, "-e", "normal,no-proc-macro", "--prefix", "none", "--format", "{p}").splitlines()
    # a path behind it: a member
    found = {tuple(line.split()[:2]) for line in lines if line and "(/" not in line}
    return {(name, version.removeprefix("v")) for name, version in found}


def holders(package):
    """Whose a crate is, a line each."""
    folder = pathlib.Path(package["manifest_path"]).parent
    lines = []
    for path in sorted(folder.iterdir()):
        if not path.is_file() or not re.match(r"(?i)(licen[cs]e|copying|copyright|notice)", path.name):
            continue
        for line in path.read_text(errors="replace").splitlines():
            line = " ".join(line.strip(" \t*#/").split())
            # not the licences' own forms to fill in, nor their sentences about copyright
            if re.match(r"(?i)(copyright|©)", line) and re.search(r"\d{4}|\(c\)|©", line, re.I) \
                    and not re.search(r"[\[{<](yyyy|year)|name of copyright owner|copyright notice", line, re.I):
                line = re.sub(r"(?i)^(copyright:?\s*)?(\(c\)|©)?\s*(copyright)?\s*", "", line).rstrip(".")
                line = re.sub(r"(?i)[.,]? all rights reserved", "", line)
                # an address of the web is no holder
                lines.append(re.sub(r"\s*<?https?://\S+>?", "", line).strip())
    return sorted(set(filter(None, lines))) or package["authors"] or [f"the authors of {package['name']}"]


def licence(expression, used):
    """A crate's licence in Debian's words; notes which texts that needs."""
    # of old: a slash for `or`
    expression = re.sub(r"\s*/\s*", " OR ", expression)
    words = re.split(r"\s+(OR|AND)\s+|([()])", expression)
    out = []
    for word in filter(None, (word.strip() for word in words if word)):
        if word in ("OR", "AND"):
            out.append(word.lower())
        elif word in "()":
            continue
        else:
            name = NAMES.get(word)
            if name is None:
                sys.exit(f"licence {word!r} has no name here: give it one in NAMES, and a text in packaging/licences")
            used.add(name)
            out.append(name)
    # `A or B, and C`: what stands in parentheses, first
    if "(" in expression:
        text = " ".join(out)
        return text.replace(" and ", ", and ")
    return " ".join(out)


def paragraph(field, lines):
    return f"{field}: " + f"\n{' ' * (len(field) + 2)}".join(lines)


def text_of(name):
    path = HERE / "licences" / (name.replace(" ", "-") + ".txt")
    if not path.is_file():
        sys.exit(f"no text of the licence {name!r}: {path}")
    body = "\n".join(f" {line}" if line.strip() else " ." for line in path.read_text().rstrip().splitlines())
    return f"License: {name}\n{body}"


def main():
    packages = json.loads(cargo("metadata", "--format-version", "1"))["packages"]
    known = {(package["name"], package["version"]): package for package in packages}
    used = {"Apache-2.0", "Expat"}
    parts = [
        "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n"
        "Upstream-Name: selfsame\n"
        "Comment:\n"
        " packaging/copyright.py makes this file. Below the project's own files are the crates that are linked into its\n"
        " programs, with the files that they consist of in Cargo's registry; none of them is in the source package. The\n"
        " last is Rust's standard library, which the compiler brings.",
        "Files: *\nCopyright: 2026 The selfsame authors\nLicense: Expat or Apache-2.0",
    ]
    for key in sorted(linked()):
        package = known[key]
        name, version = key
        if not package["license"]:
            sys.exit(f"crate {name} {version} names no licence")
        parts.append("\n".join([
            f"Files: {name}-{version}/*",
            paragraph("Copyright", holders(package)),
            f"License: {licence(package['license'], used)}",
        ]))
    parts.append("Files: rust/library/*\nCopyright: The Rust Project contributors\nLicense: Expat or Apache-2.0")
    parts += [text_of(name) for name in sorted(used)]
    made = "\n\n".join(parts) + "\n"
    if "--check" not in sys.argv[1:]:
        OUT.write_text(made)
        return
    there = OUT.read_text() if OUT.is_file() else ""
    if there != made:
        sys.stderr.writelines(difflib.unified_diff(there.splitlines(True), made.splitlines(True), "there", "due", n=0))
        sys.exit("packaging/debian/copyright is not current: packaging/copyright.py makes it anew")


main()
