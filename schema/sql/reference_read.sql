-- The newest list up to a version (0: of all), of one account or of every account. The keys are found first: bodies are long, and old ones are many.
SELECT account, version, id, at_ms, `by`, rows, body
FROM reference
WHERE kind = {kind:String} AND (account, version, id) IN
(
    SELECT account, max((version, id)).1, max((version, id)).2
    FROM reference
    WHERE kind = {kind:String} AND ({every:Bool} OR account = {account:String}) AND ({version:UInt64} = 0 OR version <= {version:UInt64})
    GROUP BY account
)
ORDER BY account
