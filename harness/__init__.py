# SPDX-License-Identifier: GPL-2.0-only
"""The test machine: builds it, boots it in an engine, talks to it."""
