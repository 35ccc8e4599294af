"""How a person proves who they are: password, second factor, recently; on the pages of staff and over the API.

What a sign-in may do is not decided here but in customers/access.py.
"""
