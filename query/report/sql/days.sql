-- What the days of a period are made of: a fingerprint that stays as long as nothing changes them, and of one account's days the build that sums them up
-- and the newest edition.
-- Of each account and day the newest edition that changed it tells the fingerprint; changes that are summed up may be forgotten, and then the build does.
SELECT count(), groupBitXor(sipHash64(account, day, newest)), sum(cityHash64(account, day, newest))
    {{- if .Single}}, groupArray(day), groupArray(base), groupArray(newest){{end}}
FROM
(
    SELECT account, day, max(build) AS base, maxIf(edition, build = 0) AS changed, if(changed > 0, changed, base) AS newest
    FROM ({{template "changes" .}})
    GROUP BY account, day
)
