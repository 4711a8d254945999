-- The class that a row's error code has in the shipped table that is guessed by on its channel (guessProvider in maps.go). No shipped line has
-- provider '', which other channels look under.

transform(concat('\0', multiIf({row}.channel = 'sms', 'map', {row}.channel IN ('voice', 'flash_call'), 'q850', ''), '\0', {row}.error_code),
    (SELECT arraySort(groupArray((concat(account, '\0', provider, '\0', code), class))) FROM error_map).1,
    (SELECT arraySort(groupArray((concat(account, '\0', provider, '\0', code), class))) FROM error_map).2,
    {otherwise})
