-- Five attempts on each of many numbers over four months: a tenth of the numbers fails now and then, a twentieth always.
-- Parameter: numbers.
INSERT INTO attempts_by_recipient (account, recipient, bucket, message_id, step, generation, cohort_ms, channel, provider, campaign, start_ms, delivered_ms, read_ms, code, leg,
    sms_segments, error_code)
WITH
    intDiv(number, 5) AS n,
    number % 5 AS mailing,
    1789200000000 + mailing * 2000000000 + cityHash64(number) % 1000000000 AS at,
    n % 20 = 0 OR (n % 10 = 1 AND cityHash64(number, 1) % 3 = 0) AS fails
SELECT 'bench', concat('+79', leftPad(toString(n), 9, '0')), toStartOfHour(toDateTime(intDiv(at, 1000), 'UTC')), concat('m', toString(number)), 1, 1, at, 'sms', 'devino',
    concat('c', toString(mailing)), at, if(fails, 9999999999999, at + 4000), 9999999999999, if(fails, 9, 3) + 256, 1, 1, if(fails, ['1', '6', '27'][1 + cityHash64(n) % 3], '')
FROM numbers({numbers:UInt64} * 5)
SETTINGS max_insert_threads = 2, max_partitions_per_insert_block = 0
