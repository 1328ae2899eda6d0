"""Tables larger than memory: a pass that looks, one that checks, and blocks to train on."""
