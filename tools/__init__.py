# SPDX-License-Identifier: GPL-2.0-only
"""Tools about the stages: what changed between two, told in steps, and kept true in all."""
