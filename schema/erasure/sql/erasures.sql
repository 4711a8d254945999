-- Erasures by account and hash, those behind a pair; account and hash '' stand for all. Of two pseudonyms of a number the one asked for first counts.
-- Parameters: account, hash, after_account, after_hash, limit.
SELECT account, hash, argMin(pseudonym, (asked_ms, pseudonym)), argMin(key_id, (asked_ms, pseudonym)), argMin(`by`, (asked_ms, pseudonym)), min(asked_ms),
    argMin(done_ms, (asked_ms, pseudonym, -done_ms))
FROM erasures
WHERE ({account:String} = '' OR account = {account:String}) AND ({hash:String} = '' OR hash = {hash:String})
    AND (toString(account), hash) > ({after_account:String}, {after_hash:String})
GROUP BY account, hash
ORDER BY account, hash
LIMIT {limit:UInt64}
