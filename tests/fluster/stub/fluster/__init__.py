# SPDX-License-Identifier: LGPL-2.1-or-later
"""As much of Fluster's interface as tools/fluster/gstreamer_dmaresv.py uses."""
