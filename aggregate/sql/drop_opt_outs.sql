-- Removes attributions that were replaced before cutoff, or died.
DELETE FROM opt_outs
WHERE generation < {cutoff:UInt64} AND (account, recipient, status, event_channel, event_app, occurred_ms, named,
    generation) NOT IN
(
    SELECT account, recipient, status, event_channel, event_app, occurred_ms, named, max(generation)
    FROM opt_outs
    WHERE generation < {cutoff:UInt64} AND generation NOT IN ({{template "unpublished"}})
    GROUP BY account, recipient, status, event_channel, event_app, occurred_ms, named
)
SETTINGS lightweight_deletes_sync = 1, allow_nondeterministic_mutations = 1
