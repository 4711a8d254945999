-- A number that differs when a price list, an error map, the table of routes or what is known to be lost does: all that answers
-- made of an edition depend on besides it.
SELECT cityHash64(
    (SELECT groupBitXor(cityHash64(kind, account, version, id)) FROM reference),
    (SELECT groupBitXor(cityHash64(*)) FROM routes),
    (SELECT groupBitXor(cityHash64(account, bucket, state, version)) FROM lost_hours))
