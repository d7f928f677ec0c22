"""Makes the tools' package importable for the tests in this directory, and keeps bytecode out of the tree."""

import pathlib
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))
