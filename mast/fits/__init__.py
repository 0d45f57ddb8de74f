"""FITS files to plans, pictures, pixels and tables. Knows neither Django nor the other wings.

`inspect` decides once, in a limited child process, what a file holds; everything else reads by offset from that plan.
"""
