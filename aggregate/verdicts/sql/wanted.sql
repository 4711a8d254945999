{{- /* wanted: the rows of a slice's numbers; the argument is the column that holds the number. Parameters:
from_account, from_number (the slice begins behind them), to_account, to_number (it ends with them), accounts (of
which all numbers are wanted). External table: wanted (account, number), the others. */ -}}
{{- define "wanted" -}}
account >= {from_account:String} AND account <= {to_account:String}
        AND (account > {from_account:String} OR {{.}} > {from_number:String})
        AND (account < {to_account:String} OR {{.}} <= {to_number:String})
        AND (account IN {accounts:Array(String)} OR (account, {{.}}) IN (SELECT account, number FROM wanted))
{{- end -}}
