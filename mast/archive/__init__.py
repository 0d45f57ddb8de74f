"""All that speaks MAST: queries, typed rows, products, and the sky they lie on. No Django, and no bytes of files.

Importing this package is cheap: requests and astroquery are imported by the first query that needs them.
"""
