package rollup

import (
	"fmt"
	"net/http"

	"kaskad/query/answer"
)

// MaxRows bounds an answer that is kept as a whole.
const MaxRows = 100_000

// Groups add up the rows of an answer by their keys.
type Groups[S any] map[string]*Group[S]

type Group[S any] struct {
	Keys []KeyValue
	Sums S
}

// At returns the sums of the row with these keys.
func (g Groups[S]) At(keys []KeyValue) (*S, error) {
	id := KeysText(keys)
	of := g[id]
	if of == nil {
		if len(g) == MaxRows {
			return nil, TooManyRows()
		}
		of = &Group[S]{Keys: keys}
		g[id] = of
	}
	return &of.Sums, nil
}

// TooManyRows is the answer to a request whose rows would fill the memory.
func TooManyRows() *answer.Problem {
	return answer.NewProblem(http.StatusServiceUnavailable, "too-large",
		fmt.Sprintf("the answer has more than %d rows: shorten from…to, group by less, or filter", MaxRows))
}
