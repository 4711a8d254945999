-- The accounts from which anybody ever opted out.
SELECT groupUniqArray(toString(account)) FROM opt_out_accounts
