#!/usr/bin/env python3
"""What a fresh machine needs: tools/setup sees what is missing, knows each program that a test starts, and make asks none too early."""

import ast
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import paths  # noqa: F401
from strata import hosttest, qemu

ROOT = qemu.ROOT
SETUP = ROOT / "tools" / "setup"
MAKEFILES = ["Makefile", "*/*.mk", "*/*/*.mk"]
LIBRARIES = ("/usr/lib/x86_64-linux-gnu", "/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/lib", "/usr/local/lib")

# For each name of tools/setup, its parts. The absence of each part alone must be noticed. Several words are alternatives, which
# are hidden together: programs, or with a slash in them files. places() knows the files of a part in capitals.
PARTS = {
    "gcc": ["gcc x86_64-linux-gnu-gcc", "ld x86_64-linux-gnu-ld"],
    "gcc-aarch64": ["aarch64-linux-gnu-gcc", "aarch64-linux-gnu-ld"],
    "clang": ["clang"],
    "libc": ["gcc", "/usr/include/stdio.h"],
    "fuzz": ["clang", "LIBFUZZER"],
    "python": ["python3"],
    "qemu": ["qemu-system-x86_64"],
    "qemu-arm": ["qemu-system-aarch64"],
    "dtc": ["dtc", "fdtget"],
    "ovmf": ["/usr/share/ovmf/OVMF.fd /usr/share/OVMF/OVMF.fd /usr/share/qemu/OVMF.fd"],
    "aavmf": ["/usr/share/qemu-efi-aarch64/QEMU_EFI.fd /usr/share/AAVMF/AAVMF_CODE.fd"],
    "uboot": ["/usr/lib/u-boot/qemu_arm64/u-boot.bin"],
    "iso": ["grub-mkrescue", "xorriso", "mformat", "/usr/lib/grub/i386-pc/moddep.lst", "/usr/lib/grub/x86_64-efi/moddep.lst"],
    "gdb": ["gdb"],
    "gdb-arm": ["gdb-multiarch"],
    "pexpect": ["python3", "PEXPECT"],
    "procps": ["slabtop", "vmstat", "free"],
    "numactl": ["numastat"],
    "cloc": ["cloc"],
    "exporter": ["EXPORTER"],
    "lint": ["clang", "clang-format", "clang-tidy", "cppcheck"],
    "coverage": ["clang", "llvm-cov", "llvm-profdata", "PROFILE"],
    "malloc": [" ".join(f"{place}/{name}" for place in LIBRARIES)
               for name in ("libjemalloc.so.2", "libmimalloc.so.2", "libtcmalloc_minimal.so.4")],
    "valgrind": ["valgrind", "/usr/include/valgrind/memcheck.h"],
    "gnuplot": ["gnuplot"],
    "spin": ["spin"],
    "debootstrap": ["debootstrap"],
}


def output_of(*argv):
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    return done.stdout.strip()


def names_of_setup():
    usage = subprocess.run([SETUP], capture_output=True, text=True, check=False).stderr
    return usage.split("NAME:")[1].split()


def sets_of_make(target):
    """What `make TARGET` asks tools/setup for."""
    return re.search(rf"^{target}: ; @tools/setup (.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)[1].split()


def packages_of_set(name):
    """Debian's packages of a set. gcc's depend on the machine, and are the compiler and its binutils."""
    entry = re.search(rf"^\t\t{name}\) (.*?) ;;$", SETUP.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)[1]
    needs = re.findall(r'need (?:"[^"]*"|\S+) (.*)', entry)
    return [word for need in needs for word in need.replace("$(gcc_packages)", "gcc binutils").split()]


def places(part):
    """Files and folders that stand for a part which is no program."""
    if part == "LIBFUZZER":
        return [output_of("clang", "-print-file-name=libclang_rt.fuzzer_no_main-x86_64.a")]
    if part == "PROFILE":
        name = "libclang_rt.profile-x86_64.a"
        return [output_of("clang", f"-print-file-name={name}"), output_of("clang", "-print-resource-dir") + f"/lib/linux/{name}"]
    if part == "PEXPECT":
        return [output_of(sys.executable, "-c", "import pexpect; print(pexpect.__file__)")]
    if part == "EXPORTER":
        return [str(ROOT / "build/packages/usr/bin/prometheus-node-exporter"), "/usr/bin/prometheus-node-exporter"]
    return part.split()


class Probes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if subprocess.run(["unshare", "-rm", "true"], check=False, capture_output=True).returncode:
            raise unittest.SkipTest("no mount namespace of one's own can be made here")
        scratch = tempfile.TemporaryDirectory()
        cls.addClassCleanup(scratch.cleanup)
        cls.scratch = pathlib.Path(scratch.name)
        (cls.scratch / "empty").mkdir()

    def programs_without(self, hidden):
        """A PATH with every program of this machine but these and apt-get: what is missing stays so."""
        folder = self.scratch / f"without {' '.join(hidden)}"
        if not folder.exists():
            folder.mkdir()
            for place in os.environ["PATH"].split(":"):
                for program in pathlib.Path(place).glob("*") if place else ():
                    link = folder / program.name
                    if program.name not in (*hidden, "apt-get") and not os.path.lexists(link):
                        link.symlink_to(program.resolve() if program.is_symlink() else program)
        return str(folder)

    def hide(self, file):
        """A command that leaves an empty library, or an empty folder in the place of the one with the file."""
        folder = os.path.dirname(os.path.realpath(file))
        if folder in LIBRARIES:
            return f"mount --bind /dev/null '{file}' && "
        return f"mount --bind '{self.scratch / 'empty'}' '{folder}' && "

    def setup(self, name, programs=(), files=()):
        """(status, what it says) of tools/setup where these programs and these files are not there."""
        hide = "".join(self.hide(file) for file in files if os.path.exists(file))
        done = subprocess.run(
            ["unshare", "-rm", "sh", "-c", f'{hide}exec env PATH="$1" tools/setup "$2"', "sh", self.programs_without(programs), name],
            cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        )
        return done.returncode, done.stderr

    def test_each_name_is_looked_at_here(self):
        self.assertEqual(sorted(PARTS), sorted(names_of_setup()))

    def test_what_make_test_installs_is_found(self):
        for name in sets_of_make("setup-test"):
            with self.subTest(name=name):
                self.assertEqual(self.setup(name), (0, ""))

    def test_each_probe_notices_what_is_missing(self):
        for name, parts in PARTS.items():
            for part in parts:
                with self.subTest(name=name, part=part):
                    is_program = "/" not in part and part.islower()
                    status, said = self.setup(name, part.split()) if is_program else self.setup(name, files=places(part))
                    self.assertEqual(status, 1, said)
                    self.assertRegex(said, r"(?s)tools/setup: missing: \S.*there is no apt-get here.*packages are: \S")


# What tools/test-fresh does with a machine, in a process that is to be ended from outside.
FRESH = """
import importlib.machinery, importlib.util, signal, sys
sys.dont_write_bytecode = True
loader = importlib.machinery.SourceFileLoader("test_fresh", {path!r})
fresh = importlib.util.module_from_spec(importlib.util.spec_from_loader("test_fresh", loader))
loader.exec_module(fresh)
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background starts with SIGINT ignored
signal.signal(signal.SIGTERM, fresh.stop)
print("status", fresh.in_namespaces(["sh", "-c", sys.argv[1]], float(sys.argv[2])), flush=True)
"""


class Namespaces(unittest.TestCase):
    """However a machine of tools/test-fresh ends, no process and no mount of it is left."""

    @classmethod
    def setUpClass(cls):
        if subprocess.run(["unshare", "--mount", "--pid", "--fork", "true"], check=False, capture_output=True).returncode:
            raise unittest.SkipTest("not root, or no namespaces can be made here")

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)
        self.mark = f"600.{os.getpid()}{time.monotonic_ns()}"  # seconds of a sleep that no other process sleeps

    def start(self, script, seconds=600):
        """A machine that has mounted a file system and started two processes, and then does as the script says."""
        script = (f"mount -t tmpfs none {self.folder} && : >{self.folder}/inside && (setsid sleep {self.mark} & sleep {self.mark} & ) "
                  f"&& echo started && {script}")
        code = FRESH.format(path=str(ROOT / "tools" / "test-fresh"))
        child = subprocess.Popen([sys.executable, "-c", code, script, str(seconds)], stdout=subprocess.PIPE,
                                 stderr=subprocess.DEVNULL, text=True)
        for end in (child.stdout.close, child.wait, child.kill):  # the last one comes first
            self.addCleanup(end)
        self.assertEqual(child.stdout.readline(), "started\n")
        self.wait_for(2)
        return child

    def wait_for(self, number):
        deadline = time.monotonic() + 60
        while self.left() != number and time.monotonic() < deadline:
            time.sleep(0.05)
        self.assertEqual(self.left(), number)

    def left(self):
        count = 0
        for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
            try:
                count += path.read_bytes() == f"sleep\0{self.mark}\0".encode()
            except OSError:
                pass  # it has ended
        return count

    def assert_nothing_left(self, child, status):
        child.wait(60)
        self.wait_for(0)
        self.assertEqual((child.stdout.read().strip(), child.returncode), status)
        self.assertNotIn(str(self.folder), pathlib.Path("/proc/mounts").read_text(encoding="utf-8"))
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_success_leaves_nothing(self):
        self.assert_nothing_left(self.start("sleep 0.5"), ("status 0", 0))

    def test_failure_leaves_nothing(self):
        self.assert_nothing_left(self.start("sleep 0.5; exit 7"), ("status 7", 0))

    def test_time_limit_leaves_nothing(self):
        self.assert_nothing_left(self.start("sleep 600", 2), ("status None", 0))

    def test_ctrl_c_and_sigterm_leave_nothing(self):
        for number, status in ((signal.SIGINT, -signal.SIGINT), (signal.SIGTERM, 128 + signal.SIGTERM)):
            with self.subTest(signal=number):
                child = self.start("trap '' INT TERM; sleep 600")
                child.send_signal(number)
                self.assert_nothing_left(child, ("", status))


class Waiting(unittest.TestCase):
    def test_two_at_once_install_one_after_the_other(self):
        """apt-get of the second would find the lists locked. A false one here notes when it starts and ends."""
        with tempfile.TemporaryDirectory() as scratch:
            folder = pathlib.Path(scratch)
            for program in ("sh", "id", "dirname", "env", "flock", "sleep"):
                (folder / program).symlink_to(shutil.which(program))
            log = folder / "log"
            apt = f"#!/bin/sh\necho begin >>{log}; sleep 0.3; echo end >>{log}; echo '#!/bin/sh' >{folder}/spin; chmod +x {folder}/spin\n"
            (folder / "apt-get").write_text(apt, encoding="utf-8")
            for program in ("chmod", "sudo"):
                (folder / program).symlink_to(shutil.which("chmod" if program == "chmod" else "env"))
            (folder / "apt-get").chmod(0o755)
            environment = {"PATH": scratch}
            pair = [subprocess.Popen([SETUP, "spin"], env=environment, stderr=subprocess.PIPE) for _ in range(2)]
            said = [child.communicate(timeout=60)[1] for child in pair]
            self.assertEqual([child.returncode for child in pair], [0, 0], said)
            self.assertEqual(log.read_text(encoding="utf-8").split(), ["begin", "end"], "the second had nothing left to install")


def first_words(path):
    """Programs that a script of Python may start: the first word of a list or tuple, and what shutil.which() or a run() is given."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, (ast.List, ast.Tuple)) and node.elts and isinstance(node.elts[0], ast.Constant):
            yield node.elts[0].value
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("shutil.which", "run") and node.args:
            yield getattr(node.args[0], "value", None)
        elif isinstance(node, ast.Dict):
            yield from (value.value for value in node.values if isinstance(value, ast.Constant))


COMMAND_POSITION = re.compile(r"(?:^|[|;&(`]|\b(?:then|do|else|exec|if|step \w+)\s)\s*([a-z][\w.-]+)(?=\s|$)", re.MULTILINE)


def programs_started():
    """{program: one file that starts it} of the test driver, the tests on the host side, and the scripts that they use."""
    found = {}
    for path in [*sorted((ROOT / "tools").rglob("*")), *sorted((ROOT / "tests/host").glob("*.py"))]:
        if path.is_file() and path.suffix in ("", ".py") and path.name not in NOT_IN_TEST:
            text = path.read_text(encoding="utf-8")
            is_shell = text.startswith("#!/bin/sh")
            if text.startswith("#!") and not is_shell and "python3" not in text.split("\n", 1)[0]:
                continue  # awk
            for word in COMMAND_POSITION.findall(text) if is_shell else first_words(path):
                if isinstance(word, str) and re.fullmatch(r"[a-z][\w.+-]*", word):
                    found.setdefault(word, path.relative_to(ROOT))
    return found


# tools/setup brings what it needs by itself; the others belong to targets with sets of their own.
NOT_IN_TEST = ("setup", "lint", "check-tidy", "check-headers", "coverage", "test-fresh", "test_setup.py")
NOT_STARTED_IN_TEST = ("gnuplot",)  # tools/bench-colour draws with it; the test uses its other half


class Programs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not shutil.which("dpkg-query"):
            raise unittest.SkipTest("packages are Debian's, and there is no dpkg here")

    def package_of(self, program):
        """Debian's package, or None for no program of one."""
        path = shutil.which(program, path="/usr/bin:/bin:/usr/sbin:/sbin")
        if not path:
            return None
        for name in (path, os.path.realpath(path), path.removeprefix("/usr")):
            for line in output_of("dpkg-query", "-S", name).splitlines():
                if not line.startswith("diversion"):
                    return line.split(":")[0]
        return None

    def with_dependencies(self, packages):
        everything = {}
        for line in output_of("dpkg-query", "-W", "-f", "${Package}\t${Depends}, ${Pre-Depends}\n").splitlines():
            name, depends = line.split("\t")
            everything[name] = [re.split(r"[ :(]", word.strip())[0] for word in re.split(r"[,|]", depends) if word.strip()]
        known, waiting = set(), list(packages)
        while waiting:
            package = waiting.pop()
            if package not in known:
                known.add(package)
                waiting += everything.get(package, [])
        return known

    def test_each_program_comes_with_a_package_that_is_installed(self):
        """Programs of other packages are there by chance, and a fresh machine has none of them."""
        sets = [*sets_of_make("setup-test"), "gcc", "gcc-aarch64", "clang", "fuzz"]  # setup-build asks for the compilers
        needed = [package for name in sets for package in packages_of_set(name)]
        essential = output_of("dpkg-query", "-W", "-f", "${Package} ${Essential} ${Priority}\n").splitlines()
        base = [line.split()[0] for line in essential if line.split()[1] == "yes" or line.endswith("required")]
        known = self.with_dependencies([*base, "git", "make", *needed])
        for program, path in sorted(programs_started().items()):
            if program in NOT_STARTED_IN_TEST:
                continue
            with self.subTest(program=program):
                package = self.package_of(program)
                self.assertTrue(package is None or package in known,
                                f"{path} starts {program} of {package}, a package that setup-test and setup-build do not bring")

    def test_the_programs_of_procfs_are_among_them(self):
        """What this search must find, or it proves nothing."""
        found = programs_started()
        for program in ("slabtop", "vmstat", "free", "numastat", "unshare", "dtc", "fdtget", "spin", "valgrind", "gdb-multiarch",
                        "readelf", "qemu-system-aarch64", "make"):
            self.assertIn(program, found)


class ReadingTime(unittest.TestCase):
    """tools/check-makefiles, on copies of the makefiles with a line that asks too early."""

    def check(self, file=None, line=""):
        with tempfile.TemporaryDirectory() as scratch:
            root = pathlib.Path(scratch)
            for pattern in MAKEFILES:
                for path in ROOT.glob(pattern):
                    copy = root / path.relative_to(ROOT)
                    copy.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy(path, copy)
            if file:
                with open(root / file, "a", encoding="utf-8") as makefile:
                    makefile.write(line + "\n")
            done = subprocess.run(
                [ROOT / "tools/check-makefiles"], env={**os.environ, "CHECK_ROOT": scratch}, capture_output=True, text=True, check=False
            )
            return done.returncode, done.stdout + done.stderr

    def test_the_makefiles_ask_nothing(self):
        self.assertEqual(self.check(), (0, ""))

    def test_each_way_to_ask_too_early_is_noticed(self):
        for file, line, word in (
            ("arch/host/arch.mk", "LIBRARY := $(shell $(CC) -print-file-name=libclang_rt.fuzzer_no_main-x86_64.a)", "gcc"),
            ("arch/aarch64/arch.mk", "VERSION := $(shell echo 1 | sed s/1/2/; $(CROSS_COMPILE)gcc --version)", "gcc"),
            ("Makefile", "LDFLAGS += $(shell pkg-config --libs x)", "pkg-config"),
            ("mm/files.mk", "ifneq ($(shell command -v qemu-system-x86_64),)\nendif", "command"),
            ("Makefile", "X != python3 -c 1", "python3"),
            ("kernel/files.mk", "X := $(wildcard /usr/include/valgrind/*.h)", "outside the tree"),
        ):
            with self.subTest(line=line):
                status, said = self.check(file, line)
                self.assertEqual(status, 1, said)
                self.assertIn(word, said)


if __name__ == "__main__":
    hosttest.main()
