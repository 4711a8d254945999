-- The active parts that hold blocks of a range, in the order of their blocks.
SELECT min_block_number, max_block_number
FROM system.parts
WHERE active AND database = {database:String} AND table = {table:String} AND partition_id = {partition:String}
  AND min_block_number >= {first:Int64} AND max_block_number <= {last:Int64}
ORDER BY min_block_number
