-- What each route can report. The highest version of a line counts.
SELECT account, channel, provider, argMax(delivery, version) = 1, argMax(reads, version) = 1, toString(argMax(bound, version)),
    argMax(settling_days, version)
FROM routes
GROUP BY account, channel, provider
ORDER BY account, channel, provider
LIMIT 100000
