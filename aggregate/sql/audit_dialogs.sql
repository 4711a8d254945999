-- The dialogs that are published of a slice of hours. External tables: targets (account, bucket), slice.
{{template "dialogs_from"}}
{{template "dialogs_where"}}
        AND {{template "slice"}}
    GROUP BY account, bucket, message_id, step
)
WHERE latest.1 = 0
