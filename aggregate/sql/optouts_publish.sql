-- Makes attributions visible that no bucket's publication does: a row of the bucket that there is not. Parameters:
-- generation, rollups, accounts.
INSERT INTO generations
SELECT arrayJoin({accounts:Array(String)}), toDateTime(0, 'UTC'), {generation:UInt64}, {{never}}, 0, {{never}},
    0, {rollups:UInt8}
SETTINGS insert_deduplicate = 0
