# SPDX-License-Identifier: GPL-2.0-only
"""What is beneath ./virtx: the commands that are for people."""
