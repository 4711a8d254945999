-- The replies of a slice of hours. External tables: targets (account, bucket), slice.
{{template "replies"}}
    AND {{template "slice"}}
ORDER BY account, bucket, message_id, step
