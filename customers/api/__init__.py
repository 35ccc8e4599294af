"""The API of the parties: signing in, and who one is."""
