"""Benchmarks with floors: each module measures one thing and the least that any way of doing it would cost."""
