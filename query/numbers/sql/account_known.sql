-- Whether anything was ever stored for an account: what was sent, verdicts, a list, a key. Each part is one look into the primary key.
SELECT count() > 0
FROM
(
    SELECT 1 FROM number_health WHERE account = {account:String} LIMIT 1
    UNION ALL
    SELECT 1 FROM attempts WHERE account = {account:String} LIMIT 1
    UNION ALL
    SELECT 1 FROM recipient_events WHERE account = {account:String} LIMIT 1
    UNION ALL
    SELECT 1 FROM orphans WHERE account = {account:String} LIMIT 1
    UNION ALL
    SELECT 1 FROM number_overrides WHERE account = {account:String} LIMIT 1
    UNION ALL
    SELECT 1 FROM reference WHERE account = {account:String} LIMIT 1
    UNION ALL
    SELECT 1 FROM api_keys WHERE account = {account:String} AND every_account = 0 LIMIT 1
)
