-- A number that differs when a list was put or taken back. Parameter: kind.
SELECT sum(cityHash64(id)) FROM reference WHERE kind = {kind:String}
