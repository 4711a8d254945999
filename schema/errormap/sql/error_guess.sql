-- The class that a row's error code has in the shipped table that is guessed by on its channel (schema.Channel). No
-- shipped line has provider '', which other channels look under.

transform(concat('\0', transform({row}.channel, {channels}, {providers}, ''), '\0', {row}.error_code),
    (SELECT arraySort(groupArray((concat(account, '\0', provider, '\0', code), class))) FROM error_map).1,
    (SELECT arraySort(groupArray((concat(account, '\0', provider, '\0', code), class))) FROM error_map).2,
    {otherwise})
