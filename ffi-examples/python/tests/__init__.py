"""Tests of the package; tests/drivers.py has the drivers, tests/test_behaviours.py what each of them is held to."""
