#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Unpacks chosen files of one hash-pinned PyPI package into a folder; does nothing if they are there.

    tools/fetch_pypi.py REQUIREMENTS --venv DIR --into DIR [--strip N] --keep PATTERN... [-- PIP_OPTION...]

pip runs in an environment of its own under --venv. The folder appears complete or not at all: an
interrupted run leaves nothing that a later one would take for finished.
"""
import argparse
import fnmatch
import hashlib
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path, PurePosixPath


def pip_of(folder):
    """The python of a working environment in `folder`, made anew if it is broken or missing."""
    python = folder / "bin" / "python"
    works = python.exists() and not subprocess.run([python, "-m", "pip", "--version"], capture_output=True).returncode
    if not works:
        venv.create(folder, clear=True, with_pip=True)
    return python


def download(python, requirements, folder, pip_options):
    command = [python, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes", "--dest", folder,
               "--requirement", requirements, *pip_options]
    subprocess.run(command, check=True)
    (archive,) = folder.iterdir()
    return archive


def files_of(archive):
    """(name, open function) of every file in a wheel or source package."""
    if archive.suffix == ".whl":
        package = zipfile.ZipFile(archive)
        return [(i.filename, lambda i=i: package.open(i)) for i in package.infolist() if not i.is_dir()]
    package = tarfile.open(archive)
    return [(m.name, lambda m=m: package.extractfile(m)) for m in package.getmembers() if m.isfile()]


def unpack(archive, patterns, strip, folder):
    unmatched = set(patterns)
    for name, open_file in files_of(archive):
        matches = {p for p in patterns if fnmatch.fnmatchcase(name, p)}
        unmatched -= matches
        if not matches:
            continue
        target = folder.joinpath(*PurePosixPath(name).parts[strip:])
        target.parent.mkdir(parents=True, exist_ok=True)
        with open_file() as source, open(target, "wb") as out:
            shutil.copyfileobj(source, out)
    if unmatched:
        sys.exit(f"{archive.name}: nothing matches {', '.join(sorted(unmatched))}")


def replace(old, new):
    aside = old.with_name(old.name + ".old")
    shutil.rmtree(aside, ignore_errors=True)
    if old.exists():
        old.rename(aside)
    new.rename(old)
    shutil.rmtree(aside, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("requirements", type=Path)
    parser.add_argument("--venv", type=Path, required=True)
    parser.add_argument("--into", type=Path, required=True)
    parser.add_argument("--strip", type=int, default=0, help="leading folders dropped from each file's name")
    parser.add_argument("--keep", nargs="+", required=True, help="patterns of file names inside the package")
    own = sys.argv[1:]
    pip_options = []
    if "--" in own:
        pip_options = own[own.index("--") + 1:]
        own = own[:own.index("--")]
    options = parser.parse_args(own)

    wanted = repr((options.requirements.read_text(), options.strip, options.keep, pip_options))
    stamp = hashlib.sha256(wanted.encode()).hexdigest()
    stamp_file = options.into / ".stamp"
    if stamp_file.exists() and stamp_file.read_text() == stamp:
        return

    work = options.into.with_name(options.into.name + ".partial")
    shutil.rmtree(work, ignore_errors=True)
    downloads, unpacked = work / "downloads", work / "unpacked"
    downloads.mkdir(parents=True)
    unpacked.mkdir()
    try:
        archive = download(pip_of(options.venv), options.requirements, downloads, pip_options)
    except subprocess.CalledProcessError:
        sys.exit(f"could not download what {options.requirements} names: is the package index reachable?")
    unpack(archive, options.keep, options.strip, unpacked)
    (unpacked / ".stamp").write_text(stamp)
    replace(options.into, unpacked)
    shutil.rmtree(work)


if __name__ == "__main__":
    main()
