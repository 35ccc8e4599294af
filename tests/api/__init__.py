"""The API as a whole: customers, other hosts, throttles, problem codes, its document tried out."""
