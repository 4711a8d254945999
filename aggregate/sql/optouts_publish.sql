-- Notes that accounts were looked at whose opt-outs alone have changed: as a bucket that there is not. Parameters:
-- generation, rollups, accounts.
INSERT INTO generations (account, bucket, generation, rollups)
SELECT arrayJoin({accounts:Array(String)}), toDateTime(0, 'UTC'), {generation:UInt64}, {rollups:UInt8}
SETTINGS insert_deduplicate = 0
