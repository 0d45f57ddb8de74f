#!/usr/bin/env python3
"""The archive's command line: `up`, `down`, `test`, `bench` and Django's own. Makes its environment when needed."""

import sys

from jwstarchive import bootstrap

if __name__ == "__main__":
    sys.exit(bootstrap.main(sys.argv))
