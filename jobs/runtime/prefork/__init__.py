"""The worker: children forked ahead of time that run many jobs each, and a parent that watches over them.

`supervisor` is the parent, which forks, limits and replaces, and otherwise touches nothing; `child` takes jobs and
runs them (`runner`), with a thread beside it (`pulse`); `board` is the memory that the two share; `undertaker` settles
what a child leaves that was killed, `abandoned` what a whole machine leaves. `lua/exchange.lua` is all that they say to
Redis about jobs.
"""
