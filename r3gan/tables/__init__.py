"""The tables of what a configuration names, a file each: one row a thing, and nothing is known of it elsewhere.

The types of r3gan/config.py, the checks, the messages and the documentation are derived from the rows. Functions are
named rather than imported (r3gan/deferred.py), so that plans are made without torch.
"""
