"""Bodies and answers of the JSON calls, by noun. Bodies are read strictly; answers are documented with these models.

Python says `target_name`, the wire says `targetName`, except where the contract keeps MAST's own snake_case.
"""
