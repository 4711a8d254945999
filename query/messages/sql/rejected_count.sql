-- Dead letters by why they were refused.
SELECT toString(reason) AS why, count() FROM rejected FINAL GROUP BY why ORDER BY why
