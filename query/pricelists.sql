-- The newest versions of the lists that prices are made of, 0 where nobody has put one.
SELECT maxIf(version, kind = 'tariffs'), maxIf(version, kind = 'templates') FROM reference WHERE kind IN ('tariffs', 'templates')
