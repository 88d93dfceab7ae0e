# SPDX-License-Identifier: GPL-2.0-only
"""The fixtures of every test here: harness/plugin.py."""

pytest_plugins = ["harness.plugin"]
