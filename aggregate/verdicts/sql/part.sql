-- The generation up to which a part of the touched numbers lies; at least the first one. Parameters: done, ready,
-- share.
SELECT if(count() = 0, {ready:UInt64}, quantileExactLow({share:Float64})(generation))
FROM numbers_touched
WHERE generation > {done:UInt64} AND generation <= {ready:UInt64}
