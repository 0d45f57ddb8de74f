"""The JSON routes, one file per noun. Thin: a body in, one call of `services`, an answer out."""
