"""Who gets what, at every route of the project: read `decisions.py` first."""
