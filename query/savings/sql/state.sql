-- What the report's cells depend on, as a fingerprint: as long as it is the same, so are they. Of each account and day the newest edition that changed it
-- tells them; changes that are summed up may be forgotten, and then the build tells as much.
SELECT count(), groupBitXor(sipHash64({{if not .Single}}account, {{end}}day, newest)), sum(cityHash64({{if not .Single}}account, {{end}}day, newest))
FROM
(
    SELECT {{if not .Single}}account, {{end}}day, if(max(changed) > 0, max(changed), max(built)) AS newest
    FROM
    (
        SELECT {{if not .Single}}account, {{end}}day, edition AS changed, toUInt64(0) AS built FROM day_changes
        WHERE edition <= {edition:UInt64} AND edition NOT IN ({{template "dead"}}) AND {{template "days" ""}}
            {{- if .Accounts}} AND account IN {filter_account:Array(String)}{{end}}
        UNION ALL
        SELECT {{if not .Single}}account, {{end}}day, toUInt64(0), newest FROM ({{template "builds" .}})
    )
    GROUP BY {{if not .Single}}account, {{end}}day
)
