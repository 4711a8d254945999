package report

import (
	"fmt"
	"net/http"

	"kaskad/query/answer"
)

// maxRows bounds an answer that is kept as a whole.
const maxRows = 100_000

// groups add up the rows of an answer by their keys.
type groups[S any] map[string]*group[S]

type group[S any] struct {
	keys []KeyValue
	sums S
}

// at returns the sums of the row with these keys.
func (g groups[S]) at(keys []KeyValue) (*S, error) {
	id := KeysText(keys)
	of := g[id]
	if of == nil {
		if len(g) == maxRows {
			return nil, tooManyRows()
		}
		of = &group[S]{keys: keys}
		g[id] = of
	}
	return &of.sums, nil
}

// tooManyRows is the answer to a request whose rows would fill the memory.
func tooManyRows() *answer.Problem {
	return answer.NewProblem(http.StatusServiceUnavailable, "too-large",
		fmt.Sprintf("the answer has more than %d rows: shorten from…to, group by less, or filter", maxRows))
}
