"""Google Cloud: read through Cloud Asset, re-read and changed through the services' own REST APIs.

Importing this package loads no SDK; :mod:`providers.gcp.provider` does. The modules that only know documents
(:mod:`.names`, :mod:`.catalog`, :mod:`.document`, :mod:`.terraform`, :mod:`.events`) never need one.
"""
