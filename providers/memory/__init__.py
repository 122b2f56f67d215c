"""The in-memory twin of a cloud: a synthetic estate of any size, made as it is read, that can be changed and broken.

It fulfils the whole :class:`~providers.provider.Provider` protocol without a network, so that the daemon, the store and
the benchmarks run on it.

    estate = Estate(resources=200_000, scopes=40)
    provider = MemoryProvider(estate)
    estate.change(uid, {"Encrypted": False})
    estate.fail(scope, Throttled("slow down"), after=50)
"""
