-- The attempts of a world, straight into facts: cascades of one or two steps, the second by SMS where the first failed. What a message is follows
-- from its number and the seed alone, and stands in world_test.go once more for those who send events about it. Shares and delays are assumptions.
-- Parameters: seed, messages, accounts, people, start_ms, span_ms.
INSERT INTO attempts (account, bucket, message_id, step, submitted_ms, id_ms, channel, provider, campaign, template, sender, app, operator, traffic, trigger,
    recipient_country, recipient_mark, segments, sms_segments, queued_ms, accepted_ms, sent_ms, delivered_ms, single_delivered_ms, read_ms, clicked_ms, replied_ms,
    machine_ms, undelivered_ms, rejected_ms, expired_ms, failed_ms, skipped_ms, last_error)
WITH
    9999999999999 AS never,
    intHash64(number + bitShiftLeft({seed:UInt64}, 40)) AS h,
    {start_ms:Int64} + toInt64(intDiv(number * {span_ms:UInt64}, {messages:UInt64})) AS at,
    bitShiftRight(h, 8) % 100 AS way,
    bitShiftRight(h, 16) % 100 AS luck,
    multiIf(way < 30, 'push', way < 50, 'viber', way < 60, 'whatsapp', way < 65, 'telegram', 'sms') AS first,
    if(step = 1, first, 'sms') AS how,
    if(step = 1, luck, bitShiftRight(h, 24) % 100) AS fate,
    fate < if(how = 'sms', 80, 70) AS arrives,
    how = 'sms' AND fate BETWEEN 80 AND 89 AS waits,
    toInt64(at + 60000 * (step - 1)) AS begins,
    bitShiftRight(h, 34) % {people:UInt64} AS person,
    lower(hex(toUInt64(at))) AS time,
    lower(hex(h)) AS noise
SELECT
    concat('tenant-', toString(h % {accounts:UInt64})) AS account,
    toStartOfHour(toDateTime(intDiv(at, 1000), 'UTC')) AS bucket,
    concat(substring(time, 1, 8), '-', substring(time, 9, 4), '-7', substring(noise, 1, 3), '-8', substring(noise, 4, 3), '-', leftPad(lower(hex(number)), 12, '0')) AS message_id,
    step, at, at, how,
    if(how = 'sms', ['mts', 'devino', 'smsc'][1 + bitShiftRight(h, 40) % 3], if(how = 'push', 'own', concat(how, '-bsp'))),
    concat('campaign-', toString((intDiv(at, 86400000) * 3 + bitShiftRight(h, 44) % 3) % 20)),
    concat('template-', toString(bitShiftRight(h, 48) % 25)),
    if(how = 'sms', ['SHOP', 'BANK'][1 + bitShiftRight(h, 52) % 2], 'Shop'),
    if(how = 'push', ['ios', 'android'][1 + bitShiftRight(h, 52) % 2], ''),
    concat('250', ['01', '02', '99', '20'][1 + bitShiftRight(h, 54) % 4]),
    ['otp', 'transactional', 'service', 'promo', 'promo', 'promo', 'promo', 'promo'][1 + bitShiftRight(h, 56) % 8],
    if(step = 1, 'first', 'undelivered'),
    concat(if(how = 'push', concat('device:', lower(hex(person))), concat('+79', leftPad(toString(person), 9, '0'))), '\0', if(how = 'push', '', 'RU')) AS recipient_country,
    toUInt32(bitShiftLeft(toUInt32(bitAnd(cityHash64(recipient_country), 65535)), 16) + 65535 - bitAnd(cityHash64(recipient_country), 65535)),
    if(how = 'sms', 1 + bitShiftRight(h, 58) % 2, 0), 1 + bitShiftRight(h, 58) % 2,
    never, begins + 100, begins + 400, if(arrives, begins + 1500 + h % 50000, never), never,
    if(arrives AND how != 'sms' AND bitShiftRight(h, 60) < 5, begins + 100000 + h % 3600000, never), never, never,
    never, if(NOT arrives AND NOT waits, begins + 55000, never), never, never, never, never,
    if(arrives OR waits, '', concat(leftPad(toString(begins + 55000), 13, '0'), ['1', '27', '99'][1 + h % 3]))
FROM numbers({messages:UInt64})
ARRAY JOIN if(way < 65 AND luck >= 70, [1, 2], [1]) AS step
SETTINGS max_insert_threads = 2, min_insert_block_size_rows = 1000000, min_insert_block_size_bytes = 0, max_partitions_per_insert_block = 0
