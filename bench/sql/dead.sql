-- Dead numbers of one account, whose streaks have 2 attempts on 100 legs, for exports alone. Time makes none of them due, for the
-- aggregator would find no evidence. Parameters: account, numbers.
INSERT INTO number_health (account, number, version, state, rule, since_ms, rule_version, reasons, failed_mailings, failed_days, first_failed_ms, last_failed_ms,
    last_delivered_ms, streak_legs, streak_codes, streak_sms_segments, streak_cohorts_ms, ported, valid, due_ms)
SELECT
    {account:String}, concat('+79', leftPad(toString(number * 7), 9, '0')), 1700000000000000 + intDiv(number, 100000), 'dead', ['hard', 'soft', 'deactivated'][1 + number % 3],
    1790000000000 + number, 3, map('unknown_subscriber', 1 + number % 4), 2, 2, 1780000000000 + number, 1790000000000 + number, 1770000000000 + number,
    [number % 100, number % 37], [9, 9 + 256 * (number % 3)], [1 + number % 2, 1], [1780000000000 + number, 1790000000000 + number], -1, -1, 9999999999999
FROM numbers({numbers:UInt64})
