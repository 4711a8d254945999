-- Error codes of failed attempts that no line of the error map knows, with the attempts that have them, most frequent first, and the class that they
-- are guessed to have. Accounts differ in their lines, so attempts are counted by account before they are looked up.
SELECT provider, error_code, channel, sum(attempts) AS count,
    any({{.Guess}}) AS guess
FROM
(
    SELECT account, provider, error_code, channel, sum(failed) AS attempts
    FROM rollup_failures
    WHERE error_code != '' AND cohort >= toDateTime({from:UInt32}, 'UTC') AND cohort < toDateTime({to:UInt32}, 'UTC')
        AND (account, bucket, generation) IN
        (
{{- template "visible" .}}
        )
    GROUP BY account, provider, error_code, channel
) AS r
WHERE {{.Mapped}} = ''
GROUP BY provider, error_code, channel
{{- if .After}}
HAVING count < {after_count:UInt64} OR (count = {after_count:UInt64} AND
    tuple(toString(provider), toString(error_code), toString(channel)) > tuple({after_provider:String}, {after_code:String}, {after_channel:String}))
{{- end}}
ORDER BY count DESC, provider, error_code, channel
LIMIT {limit:UInt32}
