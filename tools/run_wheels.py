"""Build the sdist and the wheels that this machine can build, and check what is in them. Called by tools/wheels.

The wheels come from the unpacked sdist, and are built without a network. Each is repaired by auditwheel, looked
into (tags, licences, what must be inside and what must not), installed into an environment that sees no compiler,
and tested there with the sdist's own tests.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import time
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import pythons

ROOT = Path(__file__).resolve().parent.parent
CACHE = Path(os.environ.get("CC_CACHE", "/nonexistent"))
WORK = Path(os.environ.get("CC_BUILD", "/nonexistent")) / "release"
REQUIREMENTS = ROOT / "tools/requirements"
VERSIONS = (
    "3.11",
    "3.12",
    "3.13",
    "3.13t",
    "3.14",
    "3.14t",
    "3.15",
    "3.15t",
    "3.13-musl",
    "3.13t-musl",
)
RECORD = ROOT / "docs/wheels.md"
BEGIN, END = "<!-- begin of the table -->", "<!-- end of the table -->"
HEAD = (
    "| wheel | kB | checks | tests passed | skipped | made on, from, how |",
    "|---|---|---|---|---|---|",
)
PACKAGE = "concurrent_collections"
MOST_KILOBYTES = 1100  # of a wheel; 1006 is the largest today
NICE = list(filter(None, [shutil.which("nice")]))  # found here: a wheel is tested with another path

# What a module may need of the system: the C library, in its pieces, and nothing else.
SYSTEM_LIBRARIES = re.compile(
    r"(libc|libm|libpthread|libdl|ld-linux-[\w-]+)\.so\.\d+|libc\.(musl-\w+\.)?so(\.1)?"
)
# Names that only builds for tests have, and folders that are not for users.
NOT_FOR_USERS = (b"_test_hooks", b"StalledReader", b"stalled_reader", b"cc_alloc_fail_from")
NOT_IN_A_WHEEL = ("tests", "demo", "benchmarks", "docs", "tools", "csrc", "subprojects")


class CheckFailed(Exception):
    """Says what is wrong with a wheel or an sdist."""


def require(condition: object, complaint: str) -> None:
    if not condition:
        raise CheckFailed(complaint)


@dataclass
class Result:
    """One row of the table."""

    version: str
    wheel: str = ""
    kilobytes: int = 0
    seconds: float = 0
    checks: int = 0
    tests: int = 0
    skipped: int = 0
    complaint: str = ""
    said: list[str] = field(default_factory=list)


def run(command: list[str | Path], log: str, *, cwd: Path = ROOT, **options: dict) -> str:
    """Run a command with its output in a log; return the output, or raise with its end."""
    path = WORK / "logs" / f"{log}.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as output:
        result = subprocess.run(
            [*NICE, *map(str, command)],
            cwd=cwd,
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            **options,
        )
    text = path.read_text(errors="replace")
    if result.returncode:
        print("\n".join(text.splitlines()[-40:]))
        raise CheckFailed(f"`{command[0]} ...` ended with {result.returncode}: {path}")
    return text


def without_network() -> list[str | Path]:
    """What to put in front of a command that must do without a network, where this machine can."""
    works = subprocess.run(["unshare", "--net", "true"], capture_output=True).returncode == 0
    return ["unshare", "--net"] if works else []


def environment_with(python: Path, name: str, *files: str) -> Path:
    """A virtual environment in the cache with what these requirement files name; returns its bin."""
    directory = CACHE / f"venv-{name}"
    stamp = "\n".join([str(python), *((REQUIREMENTS / file).read_text() for file in files)])
    if not (directory / ".stamp").exists() or (directory / ".stamp").read_text() != stamp:
        shutil.rmtree(directory, ignore_errors=True)
        run([python, "-m", "venv", directory], f"{name}-venv")
        install_requirements(directory / "bin", f"{name}-pip", *files)
        (directory / ".stamp").write_text(stamp)
    return directory / "bin"


def install_requirements(bin_directory: Path, log: str, *files: str) -> None:
    python = bin_directory / "python"
    arguments = [part for file in files for part in ("-r", REQUIREMENTS / file)]
    if subprocess.run([python, "-c", "import ssl"], capture_output=True).returncode:
        arguments += ["--no-index", "--find-links", download_for(python, log, arguments)]
    pip = [python, "-m", "pip", "install", "--quiet", "--only-binary", ":all:"]
    run([*pip, *arguments], log)


def download_for(python: Path, log: str, requirements: list[str | Path]) -> Path:
    """Wheels for an interpreter with musl that cannot download any itself: it is built without OpenSSL."""
    program = "import sys; print('%d.%d' % sys.version_info[:2], sys.implementation.cache_tag, sys.abiflags)"
    number, tag, *flags = subprocess.check_output([python, "-c", program], text=True).split()
    abi = tag.replace("cpython-", "cp") + "".join(flags)
    into = WORK / "downloaded" / f"{abi}-musl"
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--only-binary", ":all:"]
    command += ["--python-version", number, "--abi", abi, "--implementation", "cp"]
    command += ["--platform", f"musllinux_1_2_{platform.machine()}", "--dest", into]
    run([*command, *requirements], f"{log}-download")
    return into


def environment_variables(bin_directory: Path) -> dict[str, str]:
    return {**os.environ, "PATH": f"{bin_directory}{os.pathsep}{os.environ['PATH']}"}


# ---- the sdist --------------------------------------------------------------------------


def tracked_files() -> list[str]:
    return subprocess.check_output(["git", "ls-files"], cwd=ROOT, text=True).splitlines()


def version_in_meson(source: Path = ROOT) -> str:
    match = re.search(r"^  version: '(.*)',", (source / "meson.build").read_text(), re.MULTILINE)
    assert match is not None, "meson.build has no version"
    return match[1]


def build_sdist(tools: Path) -> Path:
    out = WORK / "dist"
    shutil.rmtree(out, ignore_errors=True)
    command = [*without_network(), tools / "python", "-m", "build", "--sdist", "--no-isolation"]
    command += ["-Csetup-args=-Dallocator=bundled", "--outdir", out, ROOT]
    run(command, "sdist", env=environment_variables(tools))
    (path,) = out.glob("*.tar.gz")
    return path


def check_sdist(path: Path) -> int:
    """Everything that is committed is inside, and mimalloc's source; nothing names this machine."""
    top = path.name.removesuffix(".tar.gz")
    with tarfile.open(path) as archive:
        names = {name.removeprefix(f"{top}/") for name in archive.getnames()}
        metadata = archive.extractfile(f"{top}/PKG-INFO").read().decode()
    committed = {name for name in tracked_files() if not Path(name).name.startswith(".git")}
    missing = sorted(committed - names)
    require(not missing, f"the sdist lacks {missing[:5]} and so on, {len(missing)} files")
    for name in ("LICENSE", "src/static.c", "include/mimalloc.h", "meson.build"):
        pattern = re.compile(rf"subprojects/mimalloc-[\d.]+/{re.escape(name)}")
        require(any(map(pattern.fullmatch, names)), f"the sdist lacks mimalloc's {name}")
    require(
        f"\nVersion: {version_in_meson()}\n" in metadata, "the sdist has another version than Meson"
    )
    return 3


def unpack(sdist: Path) -> Path:
    into = WORK / "unpacked"
    shutil.rmtree(into, ignore_errors=True)
    with tarfile.open(sdist) as archive:
        archive.extractall(into, filter="data")
    return into / sdist.name.removesuffix(".tar.gz")


def test_core_of(source: Path, tools: Path) -> int:
    """The C core's unit tests, built from the unpacked sdist."""
    build = WORK / "core"
    shutil.rmtree(build, ignore_errors=True)
    setup = ["meson", "setup", build, source, "-Dpython=false", "-Dcore_tests=true"]
    options = {"env": {**environment_variables(tools), "CC_TEST_PERCENT": "30"}}
    run([*without_network(), *setup, "-Dallocator=bundled"], "core-setup", **options)
    run(["ninja", "-C", build], "core-build", **options)
    text = run(["meson", "test", "-C", build, "--no-rebuild"], "core-test", **options)
    return sum(int(n) for n in re.findall(r"^Ok:\s+(\d+)", text, re.MULTILINE))


# ---- one wheel --------------------------------------------------------------------------


def build_wheel(source: Path, version: str, python: Path, *setup: str) -> Path:
    """From the unpacked sdist, with build tools that are here already."""
    tools = environment_with(python, f"wheels-{version}", "build.txt")
    raw = WORK / f"raw-{version}"
    shutil.rmtree(raw, ignore_errors=True)
    command = [*without_network(), tools / "python", "-m", "pip", "wheel", "--no-deps"]
    command += ["--no-index", "--no-build-isolation", "--wheel-dir", raw]
    command += [f"-Csetup-args={option}" for option in ("-Dallocator=bundled", *setup)]
    variables = environment_variables(tools)
    if is_for_musl(version):
        # Meson tries Cython out with the Python that pkg-config has, which is to be this one.
        variables["PKG_CONFIG_LIBDIR"] = str(python.parent.parent / "lib/pkgconfig")
        variables["CC"] = "musl-gcc"
        variables["LDFLAGS"] = f"-L{CACHE}/musl/lib"  # tools/bootstrap says why
    run([*command, source], f"build-{version}", env=variables)
    (wheel,) = raw.glob("*.whl")
    return wheel


def repair(wheel: Path, version: str, tools: Path) -> Path:
    """auditwheel names the oldest Linux that it runs on; there is nothing to graft."""
    out = WORK / "wheels"
    out.mkdir(exist_ok=True)
    for old in out.glob("-".join(wheel.name.split("-")[:4]) + "-*.whl"):
        old.unlink()
    before = set(out.iterdir())
    command = [tools / "python", "-m", "auditwheel", "repair", "--wheel-dir", out, wheel]
    run(command, f"repair-{version}", env=environment_variables(tools))
    (repaired,) = set(out.iterdir()) - before
    return repaired


def is_for_musl(version: str) -> bool:
    return version.endswith("-musl")


def is_free_threaded(version: str) -> bool:
    return version.removesuffix("-musl").endswith("t")


def tags_of(version: str) -> str:
    number = "".join(re.findall(r"\d+", version))
    system = "musllinux" if is_for_musl(version) else "manylinux"
    return f"cp{number}-cp{number}{'t' if is_free_threaded(version) else ''}-{system}_"


def check_names(names: set[str], top: str, source: Path) -> int:
    """Stubs, declarations and headers are those of the tree; nothing is there that is not for users."""
    inside = {name.removeprefix(f"{PACKAGE}/") for name in names if name.startswith(f"{PACKAGE}/")}
    tree = source / PACKAGE
    modules = {path.stem for path in tree.glob("_*.pyx")}
    built = {name.split(".")[0] for name in inside if name.endswith(".so")}
    require(built == modules, f"extension modules {sorted(built)} instead of {sorted(modules)}")
    python = [path for path in tree.rglob("*.py*") if path.suffix in (".py", ".pyi")]
    wanted = {path.relative_to(tree).as_posix() for path in python} | {"py.typed"}
    wanted |= {"__init__.pxd", "_core.pxd", "capi.pxd"}
    headers = source / "csrc/include" / PACKAGE
    wanted |= {f"include/{PACKAGE}/{path.name}" for path in headers.glob("*.h")}
    require(
        inside - {n for n in inside if n.endswith(".so")} == wanted,
        f"not the files: {sorted(inside ^ wanted)}",
    )
    foreign = {name.split("/")[0] for name in names} - {PACKAGE, top}
    require(not foreign, f"folders of its own in site-packages: {sorted(foreign)}")
    bad = [name for name in names if set(name.split("/")) & set(NOT_IN_A_WHEEL)]
    require(not bad, f"not for users: {bad}")
    return 4


def check_metadata(archive: zipfile.ZipFile, top: str, version: str, source: Path) -> int:
    metadata = archive.read(f"{top}/METADATA").decode()
    require(
        f"\nVersion: {version_in_meson(source)}\n" in metadata, "another version than meson.build's"
    )
    for path in (source / "LICENSE", *sorted((source / "licenses").glob("*.txt"))):
        name = path.relative_to(source).as_posix()
        require(f"\nLicense-File: {name}\n" in metadata, f"the metadata names no {name}")
        text = archive.read(f"{top}/licenses/{name}")
        require(text == path.read_bytes(), f"{name} is not the one of the tree")
    ours = (source / "licenses/mimalloc.txt").read_bytes()
    (theirs,) = (source / "subprojects").glob("mimalloc-*/LICENSE")
    require(theirs.read_bytes() == ours, "licenses/mimalloc.txt is not that of the bundled source")
    listed = json.loads(archive.read(f"{top}/sboms/{PACKAGE}.cdx.json"))
    wrap = (source / "subprojects/mimalloc.wrap").read_text()
    about = listed["metadata"]["component"]
    require(
        about["version"] == version_in_meson(source), f"the SBOM is of version {about['version']}"
    )
    (component,) = listed["components"]
    (reference,) = component["externalReferences"]
    require(
        f"directory = mimalloc-{component['version']}\n" in wrap
        and f"source_hash = {reference['hashes'][0]['content']}\n" in wrap,
        "the SBOM does not name the mimalloc of the wrap",
    )
    require("\nRequires-Dist:" not in metadata, "it requires other packages")
    tag = f"Tag: {tags_of(version)}"
    require(tag in archive.read(f"{top}/WHEEL").decode(), f"no tag {tag}")
    return 7


def check_module(path: Path) -> int:
    """Nothing of the machine that built it, no shared mimalloc, no name for others but the entry."""
    data = path.read_bytes()
    for place in {str(ROOT), str(WORK), str(CACHE), str(Path.home())} - {"/"}:
        require(place.encode() not in data, f"{path.name} contains the path {place}")
    for name in NOT_FOR_USERS:
        require(name not in data, f"{path.name} contains {name.decode()}")
    dynamic = subprocess.check_output(["readelf", "--wide", "-d", path], text=True)
    needed = re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic)
    alien = [name for name in needed if not SYSTEM_LIBRARIES.fullmatch(name)]
    require(not alien, f"{path.name} needs {alien}")
    require("PATH)" not in dynamic, f"{path.name} has a path for libraries")
    symbols = subprocess.check_output(["readelf", "--wide", "--dyn-syms", path], text=True)
    rows = [line.split() for line in symbols.splitlines()]
    exported = [
        row[7] for row in rows if len(row) > 7 and row[4] in ("GLOBAL", "WEAK") and row[6] != "UND"
    ]
    module = path.name.split(".")[0]
    ours = [
        name for name in exported if name not in ("_init", "_fini")
    ]  # musl has them in every library
    require(ours == [f"PyInit_{module}"], f"{path.name} exports {exported}")
    return 5


def check_wheel(wheel: Path, version: str, source: Path) -> int:
    name, number, *_ = wheel.name.split("-")
    top = f"{name}-{number}.dist-info"
    require(f"-{tags_of(version)}" in wheel.name, f"{wheel.name} is not for {version}")
    kilobytes = wheel.stat().st_size // 1024
    require(kilobytes <= MOST_KILOBYTES, f"{wheel.name} has {kilobytes} kB, not {MOST_KILOBYTES}")
    looked_into = WORK / f"inside-{version}"
    shutil.rmtree(looked_into, ignore_errors=True)
    with zipfile.ZipFile(wheel) as archive:
        passed = check_names({n for n in archive.namelist() if not n.endswith("/")}, top, source)
        passed += check_metadata(archive, top, version, source)
        archive.extractall(looked_into)
    for module in sorted(looked_into.glob(f"{PACKAGE}/*.so")):
        passed += check_module(module)
    return passed + 2


def install_apart(wheel: Path, version: str, python: Path) -> Path:
    """Into a fresh environment; nothing else is installed there."""
    environment = WORK / f"fresh-{version}"
    shutil.rmtree(environment, ignore_errors=True)
    run([python, "-m", "venv", environment], f"fresh-{version}")
    pip = [environment / "bin/python", "-m", "pip", "install", "--quiet", "--no-index", "--no-deps"]
    run([*pip, wheel], f"fresh-{version}")
    return environment / "bin"


def users_environment(bin_directory: Path, version: str) -> dict[str, str]:
    """Nothing from here but the environment's own programs: no compiler, no variable of ours."""
    variables = {"PATH": str(bin_directory), "HOME": str(WORK / "home"), "LANG": "C.UTF-8"}
    (WORK / "home").mkdir(exist_ok=True)
    if is_free_threaded(version):
        variables["PYTHON_GIL"] = "0"
    for compiler in ("cc", "gcc", "clang", "cython"):
        where = shutil.which(compiler, path=variables["PATH"])
        require(where is None, f"the fresh environment has a compiler: {where}")
    return variables


SMOKE = """
import concurrent_collections as c
information = c.get_build_info()
assert information["version"] == c.__version__ == {version!r}, (information, c.__version__)
assert information["allocator"].startswith("mimalloc ") and "bundled" in information["allocator"], information
assert not information["test_hooks"] and not information["checks_invariants"], information
m = c.SkipListMap({{2: "b", 1: "a"}}); m[3] = "c"
assert list(m.items()) == [(1, "a"), (2, "b"), (3, "c")]
q = c.LockFreeQueue(); q.put(1); assert q.get() == 1
import sys
if {free_threaded}: assert not sys._is_gil_enabled(), "importing turned the GIL on"
"""


def import_it(bin_directory: Path, version: str, source: Path) -> int:
    program = SMOKE.format(
        version=version_in_meson(source), free_threaded=is_free_threaded(version)
    )
    command = [bin_directory / "python", "-c", program]
    variables = users_environment(bin_directory, version)
    run(command, f"import-{version}", cwd=WORK, env=variables)
    return 1


def test_it(source: Path, bin_directory: Path, version: str, quick: bool) -> tuple[int, int]:
    """The sdist's own Python tests, on what was installed."""
    variables = users_environment(bin_directory, version)
    install_requirements(bin_directory, f"test-requirements-{version}", "test.txt")
    command = [bin_directory / "python", "-P", "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    command += ["-c", source / "pyproject.toml", "--rootdir", source]
    command.append(source / "tests/python")
    if quick:
        names = ("package", "map", "set", "queue", "keys", "references", "queue_asyncio")
        command[-1:] = [source / f"tests/python/test_{name}.py" for name in names]
        command += ["-m", "not slow"]
        variables["CC_TEST_PERCENT"] = "20"
    variables["HYPOTHESIS_STORAGE_DIRECTORY"] = str(WORK / "hypothesis")
    text = run(command, f"test-{version}", cwd=WORK / "home", env=variables)
    pairs = re.findall(r"(\d+) (passed|skipped)", text[-300:])
    counts = {word: int(number) for number, word in pairs}
    return counts.get("passed", 0), counts.get("skipped", 0)


# ---- the whole --------------------------------------------------------------------------


def check_configuration(tools: Path) -> int:
    """What other programs read follows their schemas, and cibuildwheel builds exactly what docs/wheels.md lists."""
    variables = environment_variables(tools)
    run([tools / "validate-pyproject", ROOT / "pyproject.toml"], "pyproject", env=variables)
    for name, schema in (
        ("CITATION.cff", "citation-file-format"),
        (".github/workflows/wheels.yml", "github-workflows"),
    ):
        command = [tools / "check-jsonschema", "--builtin-schema", f"vendor.{schema}", ROOT / name]
        run(command, schema, env=variables)
    page = RECORD.read_text(encoding="utf-8")
    versions = re.findall(r"`(cp3\d+t?)`", page)
    platforms = re.findall(r"^\| `(\w+_(?:x86_64|aarch64|arm64|amd64))` \|", page, re.MULTILINE)
    listed = {f"{version}-{name}" for version in versions for name in platforms}
    built = set()
    for system in ("linux", "macos", "windows"):
        archs = {"linux": "x86_64 aarch64", "macos": "x86_64 arm64", "windows": "AMD64"}[system]
        command = [tools / "cibuildwheel", "--print-build-identifiers", "--platform", system, ROOT]
        text = run(command, f"cibuildwheel-{system}", env={**variables, "CIBW_ARCHS": archs})
        built |= {line for line in text.split() if line.startswith("cp")}
    require(built == listed, f"docs/wheels.md and cibuildwheel differ in {sorted(built ^ listed)}")
    return 4


def make(source: Path, version: str, tools: Path, quick: bool) -> Result:
    result = Result(version)
    python = pythons.find(version)
    if python is None:
        result.complaint = "no such CPython on this machine"
        return result
    started = time.monotonic()
    try:
        wheel = repair(build_wheel(source, version, python), version, tools)
        result.wheel, result.kilobytes = wheel.name, wheel.stat().st_size // 1024
        look = [tools / "check-wheel-contents", wheel]
        run(look, f"contents-{version}", env=environment_variables(tools))
        result.checks = check_wheel(wheel, version, source) + 1
        bin_directory = install_apart(wheel, version, python)
        result.checks += import_it(bin_directory, version, source)
        result.tests, result.skipped = test_it(source, bin_directory, version, quick)
        shutil.rmtree(bin_directory.parent)
    except CheckFailed as failure:
        result.complaint = f"FAILED: {failure}"
    result.seconds = time.monotonic() - started
    return result


def record(rows: dict[str, str]) -> None:
    """Put the rows of these wheels into the table; those of others stay."""
    before, rest = RECORD.read_text(encoding="utf-8").split(BEGIN)
    table, after = rest.split(END)
    kept = {line.split("`")[1]: line for line in table.splitlines() if line.startswith("| `")}
    lines = [*HEAD, *(row for _, row in sorted((kept | rows).items()))]
    RECORD.write_text(f"{before}{BEGIN}\n\n" + "\n".join(lines) + f"\n\n{END}{after}")


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="tools/wheels", description="Build the sdist and wheels, and check them."
    )
    parser.add_argument("versions", nargs="*", metavar="VERSION", help=" ".join(VERSIONS))
    parser.add_argument("--quick", action="store_true", help="fewer tests")
    parser.add_argument("--record", action="store_true", help="put the table into docs/wheels.md")
    arguments = parser.parse_args()
    if unknown := set(arguments.versions) - set(VERSIONS):
        parser.error(f"not a version that is built: {', '.join(sorted(unknown))}")
    wanted = arguments.versions or VERSIONS

    name_it = ["git", "-C", ROOT, "rev-parse", "--short", "HEAD"]
    commit = subprocess.check_output(name_it, text=True).strip()
    changed = subprocess.check_output(["git", "status", "--porcelain"], cwd=ROOT, text=True)
    if changed:
        print(f"[wheels] not in the sdist, because not committed:\n{changed.rstrip()}")
    WORK.mkdir(parents=True, exist_ok=True)
    passed = 0
    try:
        if subprocess.run([ROOT / "tools/mimalloc"]).returncode:
            raise CheckFailed("there is no source of mimalloc to bundle")
        tools = environment_with(Path(sys._base_executable), "wheels", "build.txt", "wheels.txt")
        passed += check_configuration(tools)
        sdist = build_sdist(tools)
        passed += check_sdist(sdist)
        source = unpack(sdist)
        print(f"[wheels] {sdist.name}: {sdist.stat().st_size // 1024} kB", flush=True)
        if not arguments.quick:
            tests = test_core_of(source, tools)
            passed += tests
            print(f"[wheels] the core of the sdist: {tests} programs passed", flush=True)
    except CheckFailed as failure:
        print(f"[wheels] STOPPED: {failure}\n{passed} passed, 1 failed")
        return 1
    rows: dict[str, str] = {}
    made = f"{time.strftime('%Y-%m-%d')}, {commit}{', quick' if arguments.quick else ''}"
    failed = 0
    for version in wanted:
        result = make(source, version, tools, arguments.quick)
        print(
            f"[wheels] {version:6} {result.wheel} {result.checks} checks, {result.tests} tests"
            f" ({result.seconds:.0f} s) {result.complaint}",
            flush=True,
        )
        if result.complaint.startswith("FAILED"):
            failed += 1
        if result.wheel:
            passed += result.checks + result.tests
            counts = f"{result.checks} | {result.tests} | {result.skipped}"
            rows[result.wheel] = f"| `{result.wheel}` | {result.kilobytes} | {counts} | {made} |"
        elif arguments.versions and not result.complaint.startswith("FAILED"):
            failed += 1  # asked for by name, and not here
    print("\n" + "\n".join([*HEAD, *rows.values()]))
    if arguments.record and not failed:
        record(rows)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
