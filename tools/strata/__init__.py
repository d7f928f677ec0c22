"""What the tools share: QEMU's command line and its verdicts, KTAP, a console that asks, tests on the host side."""
