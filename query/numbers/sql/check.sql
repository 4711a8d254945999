-- The newest verdicts on the wanted numbers. Picked by their versions rather than by FINAL, so that rows of other numbers are not merged on the
-- way. External table: wanted (number).
SELECT number, argMax(state, version), argMax(rule, version), argMax(since_ms, version),
    argMax({{template "packed_opt_outs"}}, version)
FROM number_health
WHERE account = {account:String} AND number IN wanted
GROUP BY number
