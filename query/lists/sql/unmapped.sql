-- Error codes of failed attempts that no line of the error map knows, with the attempts that have them, most frequent first, and the class that they
-- are guessed to have. Accounts differ in their lines, so attempts are counted by account before they are looked up.
SELECT provider, error_code, channel, sum(attempts) AS count,
    any({{.Guess}}) AS guess
FROM
(
    SELECT account, provider, error_code, channel, sum(failed) AS attempts
    FROM
    (
        {{- template "visible" .}}
    )
    WHERE error_code != ''
    GROUP BY account, provider, error_code, channel
    HAVING attempts != 0
) AS r
WHERE {{.Mapped}} = ''
GROUP BY provider, error_code, channel
{{- if .After}}
HAVING count < {after_count:UInt64} OR (count = {after_count:UInt64} AND
    tuple(toString(provider), toString(error_code), toString(channel)) > tuple({after_provider:String}, {after_code:String}, {after_channel:String}))
{{- end}}
ORDER BY count DESC, provider, error_code, channel
LIMIT {limit:UInt32}
