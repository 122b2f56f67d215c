"""Microsoft Azure: listed by Resource Graph, re-read and changed through Azure Resource Manager.

Importing this package loads no SDK; :mod:`providers.azure.provider` does. The modules that only know documents
(:mod:`.names`, :mod:`.document`, :mod:`.terraform`, :mod:`.events`) never need one.
"""
