package report

import (
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"kaskad/query/answer"
	"kaskad/query/rollup"
	"kaskad/query/store"
)

// Read reads the parameters of a report. Its rows are ordered by the keys, and by one more for each of its extra
// filters.
func Read(c *gin.Context, db *store.DB, report *Report) (*rollup.Request, error) {
	known, extra := report.Keys, report.Extra
	filters := slices.Concat(known, extra)
	p, err := answer.ReadParams(c)
	if err != nil {
		return nil, err
	}
	r := &rollup.Request{Name: report.Name, Format: p.Format(c.Request), Zone: p.Zone(), Now: db.Now()}
	r.Keys = known.GroupBy(p, report.DefaultKeys)
	if _, named := r.Keys.Find(report.Always); report.Always != "" && !named {
		key, _ := known.Find(report.Always)
		r.Keys = append(r.Keys, key)
	}
	r.Extra = extra
	r.Filters = filters.Filters(p, r.Zone)
	r.Limit = p.Limit()
	report.readOrder(p, r)
	r.Hash = hash(r, p.Values.Get("from"), p.Values.Get("to"))
	order := len(r.Keys) + len(extra)
	if r.Order != nil {
		order++ // the last row's rank
	}
	if r.At = db.Cursors.Read(c.Request.Context(), p, r.Hash, order); r.At != nil {
		if r.At.Snapshot == nil || order == 0 {
			p.Fail("cursor", "cannot be read: start again without a cursor")
		} else if age := time.Since(time.UnixMilli(r.At.Snapshot.ReadMS)); age > answer.MaxCursorAge {
			p.Fail("cursor", "is older than 9 minutes, and what it points to may have been replaced: start again "+
				"without a cursor")
		} else {
			r.Now = time.UnixMilli(r.At.Snapshot.NowMS)
		}
	}
	r.FromMS, r.ToMS = p.Period(r.Now, r.Zone)
	return r, p.Err()
}

// hash covers what decides the rows and their order, but for what a report has besides. The period is as it was given.
func hash(r *rollup.Request, from, to string) []byte {
	parts := []string{r.Name, r.Zone.String(), strings.Join(r.Keys.Names(), ","), from, to}
	for _, f := range r.Filters {
		parts = append(parts, f.Parts()...)
	}
	return answer.QueryHash(append(parts, orderParts(r)...)...)
}
