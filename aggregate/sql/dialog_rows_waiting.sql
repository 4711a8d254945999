-- Removes the rows of messages that no attempt gives a cohort: they wait. Where the row itself does not tell it
-- (located), another attempt of the message may. Parameter: dialog_rows.
ALTER TABLE {dialog_rows:Identifier} DELETE
WHERE NOT located AND (account, bucket, message_id) NOT IN
(
    SELECT account, bucket, message_id
    FROM attempts
    WHERE least(submitted_ms, id_ms) < {{never}}
        AND (account, bucket, message_id) IN (SELECT account, bucket, message_id FROM {dialog_rows:Identifier}
            WHERE NOT located)
)
SETTINGS mutations_sync = 1, allow_nondeterministic_mutations = 1
