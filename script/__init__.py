"""Run, test and measure on a machine with nothing but Python. Development only: the product imports none of it."""
