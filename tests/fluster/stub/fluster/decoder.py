# SPDX-License-Identifier: LGPL-2.1-or-later
DECODERS = []


def register_decoder(cls):
    DECODERS.append(cls())
    return cls
