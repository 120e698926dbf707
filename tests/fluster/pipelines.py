#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""pipelines.py MODULE CODEC=FILE...: imports MODULE as Fluster would and prints, for each of
its decoders, name, element and pipeline, with tabs between.  PYTHONPATH has a fluster package."""

import importlib
import sys

import fluster.decoders

sys.dont_write_bytecode = True
folder, _, name = sys.argv[1].rpartition("/")
fluster.decoders.__path__.append(folder)
importlib.import_module("fluster.decoders." + name.removesuffix(".py"))

files = dict(arg.split("=", 1) for arg in sys.argv[2:])
for decoder in importlib.import_module("fluster.decoder").DECODERS:
    element = decoder.decoder_bin.strip()
    print(decoder.name, element, decoder.gen_pipeline(files[decoder.codec.name], "I420"), sep="\t")
